//! `backstay deps run`

use std::io::Write;
use std::time::Duration;

use backstay_dependencies::DependencyError;
use backstay_dependencies::declarations::Declarations;
use backstay_dependencies::run::{
    Catalogue, Invocation, Listed, SequenceState, StateDirectory, Step, Surroundings, catalogue, environment,
    invocation,
};
use backstay_process::{Command, End, Environment, Output, Program, Stdin};
use clap::Args;
use serde_json::json;

use crate::backend::dependencies::{name, workspace};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::output::Format;
use crate::supervise;

/// The exit code of a command that was over its time limit, as of timeout(1).
const TIMED_OUT: u8 = 124;

/// Run a declared command or sequence; without a name, list what there is
///
/// What follows the name belongs to the command: it fills the places named in `args`, or stands behind the line, quoted
/// so that each argument stays one word. The exit code is that of the command.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay deps run
  backstay deps run build --fast
  backstay deps run kb:export 'a title'
  backstay deps run --dry-run release")]
pub(crate) struct RunArgs {
    /// Show what would run and run nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// `[DEP:]COMMAND` or a sequence, then its arguments
    #[arg(value_name = "[DEP:]COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) words: Vec<String>,
}

/// Lists or runs.
pub(crate) async fn run(cx: &Context, args: RunArgs) -> CommandResult {
    let workspace = workspace(cx)?;
    let Some((first, arguments)) = args.words.split_first() else {
        let found = catalogue(&workspace.declarations_of(None)?);
        cx.output.result(&found, |out, _| list(out, &found))?;
        return Ok(Exit::Done);
    };
    let (dependency, command) = match first.split_once(':') {
        Some((dependency, command)) => (Some(name(dependency)?), command),
        None => (None, first.as_str()),
    };
    let declarations = workspace.declarations_of(dependency.as_ref())?;
    let own =
        dependency.as_ref().map_or_else(|| workspace.root().to_path_buf(), |name| workspace.checkout(name));
    let found = match invocation(&declarations, &own, command, arguments) {
        Err(error @ DependencyError::UnknownCommand { .. }) => {
            let mut text = Vec::new();
            // Writing to memory does not fail.
            drop(list(&mut text, &catalogue(&declarations)));
            for line in String::from_utf8_lossy(&text).lines() {
                cx.output.note(line);
            }
            return Err(error.into());
        }
        found => found?,
    };
    if args.dry_run {
        return dry_run(cx, &found);
    }
    let surroundings = Surroundings { consumer_root: workspace.root().to_path_buf(), dependency };
    let runner = Runner { cx: cx.clone(), declarations, surroundings };
    let ended = tokio::task::spawn_blocking(move || runner.run(&found)).await;
    ended.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Err(Failure::interrupted()),
    })
}

fn dry_run(cx: &Context, found: &Invocation) -> CommandResult {
    cx.output.result(
        &json!({"dry_run": true, "sequence": found.sequence, "steps": found.steps}),
        |out, _| {
            for step in &found.steps {
                writeln!(out, "Would run {}: {} (in {})", step.name, step.line, step.directory.display())?;
            }
            Ok(())
        },
    )?;
    Ok(Exit::Done)
}

fn list(out: &mut dyn Write, found: &Catalogue) -> std::io::Result<()> {
    for (title, entries) in
        [("Available commands:", &found.commands), ("Available sequences:", &found.sequences)]
    {
        writeln!(out, "{title}")?;
        if entries.is_empty() {
            writeln!(out, "  (none)")?;
        }
        for Listed { name, description, category, example } in entries {
            let category = category.as_ref().map(|category| format!(" [{category}]")).unwrap_or_default();
            let description = description.as_ref().map(|text| format!(" - {text}")).unwrap_or_default();
            writeln!(out, "  {name}{category}{description}")?;
            if let Some(example) = example {
                writeln!(out, "    Example: {example}")?;
            }
        }
    }
    Ok(())
}

struct Runner {
    cx: Context,
    declarations: Declarations,
    surroundings: Surroundings,
}

impl Runner {
    fn run(&self, found: &Invocation) -> CommandResult {
        let states = StateDirectory::of(&self.surroundings.consumer_root);
        states.create()?;
        let started_at = self.cx.clock.now();
        let mut ended = Vec::new();
        let mut code = 0;
        for (done, step) in found.steps.iter().enumerate() {
            if let Some(sequence) = &found.sequence {
                self.cx.output.note(&format!("{sequence}: {}", step.name));
                let state = self.state(found, sequence, done, started_at);
                states.save(&SequenceState {
                    status: "running",
                    current_step: Some(step.name.clone()),
                    ..state
                })?;
            }
            code = self.step(step)?;
            ended.push(json!({"name": step.name, "exit_code": code}));
            if code != 0 {
                break;
            }
        }
        if let Some(sequence) = &found.sequence {
            let failed = code != 0;
            let done = ended.len() - usize::from(failed);
            let state = self.state(found, sequence, done, started_at);
            states.save(&SequenceState {
                status: if failed { "failed" } else { "completed" },
                current_step: found.steps.get(done).filter(|_| failed).map(|step| step.name.clone()),
                exit_code: Some(i32::from(code)),
                ..state
            })?;
        }
        if self.cx.output.format() != Format::Text {
            let value = json!({"sequence": found.sequence, "steps": ended, "exit_code": code});
            self.cx.output.result(&value, |_, _| Ok(()))?;
        }
        Ok(if code == 0 { Exit::Done } else { Exit::Child(code) })
    }

    fn state(
        &self,
        found: &Invocation,
        sequence: &str,
        completed: usize,
        started_at: backstay_model::Timestamp,
    ) -> SequenceState {
        SequenceState {
            sequence: sequence.to_owned(),
            steps: found.steps.iter().map(|step| step.name.clone()).collect(),
            completed,
            status: "running",
            current_step: None,
            exit_code: None,
            started_at,
            updated_at: self.cx.clock.now(),
        }
    }

    /// Runs one command and returns its exit code.
    fn step(&self, step: &Step) -> Result<u8, Failure> {
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
        command.stdin =
            step.stdin.as_ref().map_or(Stdin::Inherited, |text| Stdin::Bytes(text.clone().into()));
        command.limit = step.timeout_s.filter(|limit| *limit > 0).map(Duration::from_secs);
        // A program that reads our result must find nothing else on standard output.
        if self.cx.output.format() == Format::Text {
            command.output = Output::Inherited;
        }
        let cancel = self.cx.cancel.clone();
        let outcome = backstay_process::run(
            &supervise::supervisor(),
            &command,
            &mut |_, bytes| drop(std::io::stderr().lock().write_all(bytes)),
            &|| cancel.is_cancelled(),
        );
        let outcome = outcome.map_err(|error| {
            let failure =
                Failure::new(backstay_model::ErrorKind::Conflict, format!("cannot run `{}`", step.name));
            failure.because(error.to_string()).caused_by(std::error::Error::source(&error))
        })?;
        for left in &outcome.leftovers {
            self.cx.output.warn(&format!(
                "`{}` left process {} ({}) behind; it was ended",
                step.name, left.pid, left.name
            ));
        }
        Ok(match outcome.end {
            End::Exited { code } => u8::try_from(code & 0xff).unwrap_or(1),
            End::Signalled { signal } => u8::try_from(128 + signal).unwrap_or(255),
            End::TimedOut => {
                self.cx.output.warn(&format!("`{}` was over its limit and was ended", step.name));
                TIMED_OUT
            }
            End::Cancelled => return Err(Failure::interrupted()),
        })
    }
}
