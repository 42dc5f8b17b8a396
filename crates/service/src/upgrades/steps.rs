//! Runs migrations and checks, one after the other.

use std::time::{Duration, Instant};

use backstay_process::{End, Outcome, run as run_command};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::commands::command_of;
use super::site::Site;
use super::targets::{Move, PlannedStep, StepKind};
use super::work::{Ended, Work, note, stopped};
use crate::error::{Result, ServiceError};
use crate::view::{UpgradeEvent, UpgradeStep};

/// How much of what a failed command said is quoted.
const QUOTED_BYTES: usize = 2000;

/// How many events of steps are written at once.
const MOST_NOTED: usize = 64;

/// How long one waits for others to be written with it.
const GATHERED: Duration = Duration::from_millis(250);

/// Something that the log of events is to tell.
#[derive(Debug)]
pub(crate) struct StepNote {
    pub(crate) action: &'static str,
    pub(crate) failed: bool,
    pub(crate) data: Value,
}

/// Receives what is to be written together: quick commands share a transaction. False when nothing more comes.
pub(crate) async fn receive_steps(
    notes: &mut UnboundedReceiver<StepNote>,
    steps: &mut Vec<StepNote>,
) -> bool {
    if notes.recv_many(steps, MOST_NOTED).await == 0 {
        return false;
    }
    let more = async {
        while steps.len() < MOST_NOTED
            && let Some(step) = notes.recv().await
        {
            steps.push(step);
        }
    };
    // The time is over, or there are enough, or no more come: they are written now.
    let _ = tokio::time::timeout(GATHERED, more).await;
    true
}

impl Work {
    /// Migrations of all dependencies in order, each followed by its checks.
    pub(super) fn run_steps(
        &self,
        site: &Site,
        notes: &UnboundedSender<StepNote>,
        ended: &mut Ended,
    ) -> Result<()> {
        for planned in &self.moves {
            for step in &planned.steps {
                self.run_step(site, planned, step, notes, ended)?;
            }
        }
        self.run.cancel.check()?;
        Ok(())
    }

    fn run_step(
        &self,
        site: &Site,
        planned: &Move,
        step: &PlannedStep,
        notes: &UnboundedSender<StepNote>,
        ended: &mut Ended,
    ) -> Result<()> {
        self.run.cancel.check()?;
        let command = command_of(step, &planned.name, site, &self.request)?;
        let number = ended.steps.len();
        let mut record = UpgradeStep {
            dependency: planned.name.to_string(),
            change: step.change.clone(),
            kind: step.kind.as_str().to_owned(),
            name: step.command.name.clone(),
            exit_code: None,
            duration_ms: 0,
            timed_out: false,
        };
        let started = UpgradeEvent::Started {
            step: number,
            dependency: record.dependency.clone(),
            change: record.change.clone(),
            kind: record.kind.clone(),
            name: record.name.clone(),
        };
        self.recorder.started(number, &started);
        tell(notes, "upgrade.step_started", false, number, &record);
        let began = Instant::now();
        let outcome = run_command(
            &self.supervisor,
            &command,
            &mut |stream, bytes| self.recorder.wrote(stream, bytes),
            &|| self.run.cancel.is_cancelled(),
        );
        let duration = match &outcome {
            Ok(outcome) => {
                record.exit_code = exit_code(outcome);
                record.timed_out = outcome.end == End::TimedOut;
                outcome.duration
            }
            Err(_) => began.elapsed(),
        };
        record.duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.recorder.tell(&UpgradeEvent::Ended {
            step: number,
            exit_code: record.exit_code,
            duration_ms: record.duration_ms,
            timed_out: record.timed_out,
        });
        tell(notes, "upgrade.step_ended", record.exit_code != Some(0), number, &record);
        let duration_ms = record.duration_ms;
        ended.steps.push(record);
        if number == 0 {
            ended.not_restored.push(note(
                "(outside of the workspace)",
                "effects of commands on the network, on databases and on paths outside of the root are not put back",
            ));
        }
        let outcome = outcome?;
        for left in outcome.leftovers.iter().filter(|left| !left.ended) {
            let reason = format!("process {} ({}) of a command could not be ended", left.pid, left.name);
            ended.not_restored.push(note("(processes)", &reason));
        }
        judge(step, &outcome, duration_ms)
    }
}

/// Nobody listens any more only when the upgrade is broken off.
fn tell(
    notes: &UnboundedSender<StepNote>,
    action: &'static str,
    failed: bool,
    number: usize,
    record: &UpgradeStep,
) {
    let mut data = json!(record);
    data["step"] = json!(number);
    let _ = notes.send(StepNote { action, failed, data });
}

fn exit_code(outcome: &Outcome) -> Option<i32> {
    match outcome.end {
        End::Exited { code } => Some(code),
        End::Signalled { signal } => Some(128 + signal),
        End::TimedOut | End::Cancelled => None,
    }
}

/// Whether the command did what it should.
fn judge(step: &PlannedStep, outcome: &Outcome, duration_ms: u64) -> Result<()> {
    let what = match step.kind {
        StepKind::Migration => "Migration",
        StepKind::Verify => "Verification",
    };
    let name = &step.command.name;
    let (code, why) = match outcome.end {
        End::Exited { code: 0 } => return Ok(()),
        End::Exited { code } => ("command_failed", format!("exited with code {code}")),
        End::Signalled { signal } => ("command_failed", format!("was ended by signal {signal}")),
        End::TimedOut => ("timed_out", format!("was over its limit after {duration_ms} ms")),
        End::Cancelled => return Err(stopped()),
    };
    let said = outcome.output.last_lines(QUOTED_BYTES);
    let said = said.trim_end();
    let message = format!("{what} `{name}` of {} {why}", step.change);
    let message = if said.is_empty() { message } else { format!("{message}:\n{said}") };
    Err(ServiceError::conflict(message).code(code))
}
