//! `backstay deps run`

use std::io::Write;
use std::sync::Arc;

use backstay_api::declared::{CommandList, CommandPlan, DeclaredCommand, NewCommandRun};
use backstay_api::upgrade::UpgradeEvent;
use backstay_dependencies::{DependencyError, DependencyName, Workspace, run as declared};
use backstay_service::view::CommandReport;
use backstay_service::{CalledCommand, CommandEvent, CommandHost};
use clap::Args;
use serde_json::json;

use crate::backend::dependencies::{name, workspace};
use crate::backend::remote::Remote;
use crate::backend::wire;
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::output::Format;
use crate::supervise;

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

/// What is called.
struct Call {
    dependency: Option<DependencyName>,
    command: String,
    arguments: Vec<String>,
}

impl Call {
    /// `[DEP:]COMMAND` and its arguments; `None` without a command.
    fn of(words: Vec<String>) -> Result<Option<Self>, Failure> {
        let mut words = words.into_iter();
        let Some(first) = words.next() else { return Ok(None) };
        let (dependency, command) = match first.split_once(':') {
            Some((dependency, command)) => (Some(name(dependency)?), command.to_owned()),
            None => (None, first),
        };
        Ok(Some(Self { dependency, command, arguments: words.collect() }))
    }

    fn for_server(&self) -> NewCommandRun {
        NewCommandRun {
            dependency: self.dependency.as_ref().map(ToString::to_string),
            command: self.command.clone(),
            arguments: self.arguments.clone(),
        }
    }
}

/// Lists or runs.
pub(crate) async fn run(cx: &Context, args: RunArgs) -> CommandResult {
    let call = Call::of(args.words)?;
    match &cx.globals.server {
        Some(url) => on_server(cx, &Remote::open(cx, url).await?, call, args.dry_run).await,
        None => here(cx, call, args.dry_run).await,
    }
}

async fn here(cx: &Context, call: Option<Call>, dry_run: bool) -> CommandResult {
    let workspace = workspace(cx)?;
    let catalogue = |dependency: Option<&DependencyName>| -> Result<CommandList, DependencyError> {
        Ok(wire::command_list(declared::catalogue(&workspace.declarations_of(dependency)?)))
    };
    let Some(call) = call else { return show_list(cx, &catalogue(None)?) };
    let called = match find(&workspace, &call) {
        Err(error @ DependencyError::UnknownCommand { .. }) => {
            note_list(cx, &catalogue(call.dependency.as_ref())?);
            return Err(error.into());
        }
        called => called?,
    };
    if dry_run {
        return show_plan(cx, &wire::command_plan(called.invocation().clone()));
    }
    let text = cx.output.format() == Format::Text;
    let host = CommandHost {
        supervisor: Arc::new(supervise::supervisor()),
        clock: cx.clock.clone(),
        cancel: cx.cancel.clone(),
        inherits_input: true,
        // A program that reads our result must find nothing else on standard output.
        inherits_output: text,
    };
    let told = cx.clone();
    let running = tokio::task::spawn_blocking(move || {
        let sequence = called.invocation().sequence.clone();
        called.run(&host, &mut |event| tell(&told, sequence.as_deref(), event)).map_err(Failure::from)
    });
    match running.await {
        Ok(report) => end(cx, &report?),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Failure::interrupted()),
        },
    }
}

fn find(workspace: &Workspace, call: &Call) -> Result<CalledCommand, DependencyError> {
    CalledCommand::find(workspace, call.dependency.clone(), &call.command, &call.arguments)
}

async fn on_server(cx: &Context, remote: &Remote, call: Option<Call>, dry_run: bool) -> CommandResult {
    let Some(call) = call else { return show_list(cx, &remote.commands(None).await?) };
    let new = call.for_server();
    let list = remote.commands(new.dependency.as_deref()).await?;
    if !list.commands.iter().chain(&list.sequences).any(|declared| declared.name == new.command) {
        note_list(cx, &list);
        return Err(DependencyError::UnknownCommand { name: new.command }.into());
    }
    if dry_run {
        return show_plan(cx, &remote.plan_command(&new).await?);
    }
    let told = cx.clone();
    let report = remote.run_command(cx, &new, move |event| tell_remote(&told, event)).await?;
    end(cx, &report)
}

/// Tells what happens here, as it happens.
fn tell(cx: &Context, sequence: Option<&str>, event: CommandEvent<'_>) {
    match event {
        CommandEvent::Started { name, .. } => {
            if let Some(sequence) = sequence {
                cx.output.note(&format!("{sequence}: {name}"));
            }
        }
        CommandEvent::Wrote { bytes, .. } => drop(std::io::stderr().lock().write_all(bytes)),
        CommandEvent::LeftBehind { name, pid, process } => {
            cx.output.warn(&format!("`{name}` left process {pid} ({process}) behind; it was ended"));
        }
        CommandEvent::Ended { name, timed_out, .. } => {
            if timed_out {
                cx.output.warn(&format!("`{name}` was over its limit and was ended"));
            }
        }
    }
}

/// Tells what happens on the server, as it happens.
fn tell_remote(cx: &Context, event: UpgradeEvent) {
    match event {
        UpgradeEvent::Started { change, name, .. } if !change.is_empty() => {
            cx.output.note(&format!("{change}: {name}"));
        }
        UpgradeEvent::Output { stream, text, .. } => {
            let to_stdout = stream == "stdout" && cx.output.format() == Format::Text;
            // A reader that has gone away is told nothing more.
            drop(if to_stdout {
                std::io::stdout().lock().write_all(text.as_bytes())
            } else {
                std::io::stderr().lock().write_all(text.as_bytes())
            });
        }
        UpgradeEvent::Ended { timed_out: true, .. } => {
            cx.output.warn("the command was over its limit and was ended");
        }
        _ => {}
    }
}

fn end(cx: &Context, report: &CommandReport) -> CommandResult {
    if cx.output.format() != Format::Text {
        cx.output.result(report, |_, _| Ok(()))?;
    }
    Ok(if report.exit_code == 0 { Exit::Done } else { Exit::Child(report.exit_code) })
}

fn show_plan(cx: &Context, plan: &CommandPlan) -> CommandResult {
    let value = json!({"dry_run": true, "sequence": plan.sequence, "steps": plan.steps});
    cx.output.result(&value, |out, _| {
        for step in &plan.steps {
            writeln!(out, "Would run {}: {} (in {})", step.name, step.line, step.directory)?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}

fn show_list(cx: &Context, found: &CommandList) -> CommandResult {
    cx.output.result(found, |out, _| list(out, found))?;
    Ok(Exit::Done)
}

fn note_list(cx: &Context, found: &CommandList) {
    let mut text = Vec::new();
    // Writing to memory does not fail.
    drop(list(&mut text, found));
    for line in String::from_utf8_lossy(&text).lines() {
        cx.output.note(line);
    }
}

fn list(out: &mut dyn Write, found: &CommandList) -> std::io::Result<()> {
    for (title, entries) in
        [("Available commands:", &found.commands), ("Available sequences:", &found.sequences)]
    {
        writeln!(out, "{title}")?;
        if entries.is_empty() {
            writeln!(out, "  (none)")?;
        }
        for DeclaredCommand { name, description, category, example } in entries {
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
