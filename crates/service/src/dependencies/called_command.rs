//! A declared command or sequence with its arguments: what it comes to, and how it is run.

use std::sync::Arc;
use std::time::Duration;

use backstay_dependencies::declarations::Declarations;
use backstay_dependencies::run::{
    Invocation, SequenceState, StateDirectory, Step, Surroundings, environment, invocation,
};
use backstay_dependencies::{DependencyName, Workspace};
use backstay_model::{Clock, ErrorKind, Timestamp};
use backstay_process::{Command, End, Environment, Output, Program, Stdin, Stream, Supervisor};
use backstay_repository::Cancel;

use crate::error::{Result, ServiceError};
use crate::view::{CommandReport, RanCommand};

/// The exit code of a command that was over its time limit, as of timeout(1).
const TIMED_OUT: u8 = 124;

/// A command or sequence that was found.
#[derive(Debug, Clone)]
pub struct CalledCommand {
    declarations: Declarations,
    surroundings: Surroundings,
    invocation: Invocation,
}

/// Something that happens while commands run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandEvent<'a> {
    /// One begins.
    Started {
        /// Its number, counted from 0.
        step: usize,
        /// Its name.
        name: &'a str,
    },
    /// It wrote something.
    Wrote {
        /// Where to.
        stream: Stream,
        /// What.
        bytes: &'a [u8],
    },
    /// It left a process behind, which was ended.
    LeftBehind {
        /// The name of the command.
        name: &'a str,
        /// The process.
        pid: u32,
        /// What it calls itself.
        process: &'a str,
    },
    /// It ended.
    Ended {
        /// Its number.
        step: usize,
        /// Its name.
        name: &'a str,
        /// Its exit code; 128 and the signal for one that a signal ended.
        exit_code: u8,
        /// How long it ran.
        duration: Duration,
        /// Whether it was over its limit.
        timed_out: bool,
    },
}

/// What commands are run with.
#[derive(Debug)]
pub struct CommandHost {
    /// Starts them.
    pub supervisor: Arc<Supervisor>,
    /// Tells when a sequence was where.
    pub clock: Arc<dyn Clock>,
    /// Ends them.
    pub cancel: Cancel,
    /// They read from our standard input, unless they declare what they read.
    pub inherits_input: bool,
    /// They write to our standard output and error, and nothing is told of it.
    pub inherits_output: bool,
}

impl CalledCommand {
    /// What `command` of `dependency`, or of the workspace, comes to with `arguments`. Nothing is run.
    pub fn find(
        workspace: &Workspace,
        dependency: Option<DependencyName>,
        command: &str,
        arguments: &[String],
    ) -> Result<Self, backstay_dependencies::DependencyError> {
        let declarations = workspace.declarations_of(dependency.as_ref())?;
        let root = workspace.root().to_path_buf();
        let own = dependency.as_ref().map_or_else(|| root.clone(), |name| workspace.checkout(name));
        let invocation = invocation(&declarations, &own, command, arguments)?;
        Ok(Self { declarations, surroundings: Surroundings { consumer_root: root, dependency }, invocation })
    }

    /// What would run.
    pub fn invocation(&self) -> &Invocation {
        &self.invocation
    }

    /// Runs one command after the other until one fails. How far a sequence came is kept in the workspace.
    ///
    /// Errors: an interruption; a command that could not be started. One that fails is none.
    pub fn run(&self, host: &CommandHost, on: &mut dyn FnMut(CommandEvent<'_>)) -> Result<CommandReport> {
        let found = &self.invocation;
        let states = StateDirectory::of(&self.surroundings.consumer_root);
        states.create()?;
        let started_at = host.clock.now();
        let mut report = CommandReport { sequence: found.sequence.clone(), steps: Vec::new(), exit_code: 0 };
        for (number, step) in found.steps.iter().enumerate() {
            if let Some(sequence) = &found.sequence {
                let state = self.state(host, sequence, number, started_at);
                let current_step = Some(step.name.clone());
                states.save(&SequenceState { status: "running", current_step, ..state })?;
            }
            on(CommandEvent::Started { step: number, name: &step.name });
            let exit_code = self.step(host, number, step, on)?;
            report.steps.push(RanCommand { name: step.name.clone(), exit_code });
            report.exit_code = exit_code;
            if exit_code != 0 {
                break;
            }
        }
        if let Some(sequence) = &found.sequence {
            let failed = report.exit_code != 0;
            let done = report.steps.len() - usize::from(failed);
            let state = self.state(host, sequence, done, started_at);
            states.save(&SequenceState {
                status: if failed { "failed" } else { "completed" },
                current_step: found.steps.get(done).filter(|_| failed).map(|step| step.name.clone()),
                exit_code: Some(i32::from(report.exit_code)),
                ..state
            })?;
        }
        Ok(report)
    }

    fn state(
        &self,
        host: &CommandHost,
        sequence: &str,
        completed: usize,
        started_at: Timestamp,
    ) -> SequenceState {
        SequenceState {
            sequence: sequence.to_owned(),
            steps: self.invocation.steps.iter().map(|step| step.name.clone()).collect(),
            completed,
            status: "running",
            current_step: None,
            exit_code: None,
            started_at,
            updated_at: host.clock.now(),
        }
    }

    /// Runs one command and returns its exit code.
    fn step(
        &self,
        host: &CommandHost,
        number: usize,
        step: &Step,
        on: &mut dyn FnMut(CommandEvent<'_>),
    ) -> Result<u8> {
        let mut variables = Environment::inherited();
        // What an earlier step wrote is in the variables of this one.
        for (name, value) in environment(&self.surroundings, &self.declarations) {
            variables = variables.set(name, value);
        }
        for (name, value) in &step.env {
            variables = variables.set(name, value);
        }
        let mut command = Command::new(Program::shell(&step.line), &step.directory);
        command.environment = variables;
        command.stdin = match &step.stdin {
            Some(text) => Stdin::Bytes(text.clone().into()),
            None if host.inherits_input => Stdin::Inherited,
            None => Stdin::Empty,
        };
        command.limit = step.timeout_s.filter(|limit| *limit > 0).map(Duration::from_secs);
        if host.inherits_output {
            command.output = Output::Inherited;
        }
        let outcome = backstay_process::run(
            &host.supervisor,
            &command,
            &mut |stream, bytes| on(CommandEvent::Wrote { stream, bytes }),
            &|| host.cancel.is_cancelled(),
        );
        let outcome = outcome.map_err(|error| {
            ServiceError::new(ErrorKind::Conflict, format!("Cannot run `{}`", step.name)).because(error)
        })?;
        for left in &outcome.leftovers {
            on(CommandEvent::LeftBehind { name: &step.name, pid: left.pid, process: &left.name });
        }
        let exit_code = match outcome.end {
            End::Exited { code } => u8::try_from(code & 0xff).unwrap_or(1),
            End::Signalled { signal } => u8::try_from(128 + signal).unwrap_or(255),
            End::TimedOut => TIMED_OUT,
            End::Cancelled => return Err(host.cancel.check().err().map_or_else(interrupted, Into::into)),
        };
        on(CommandEvent::Ended {
            step: number,
            name: &step.name,
            exit_code,
            duration: outcome.duration,
            timed_out: outcome.end == End::TimedOut,
        });
        Ok(exit_code)
    }
}

fn interrupted() -> ServiceError {
    ServiceError::new(ErrorKind::Conflict, "The command was interrupted").code(crate::error::CANCELLED)
}
