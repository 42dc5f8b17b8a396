//! `backstay deps show`

use clap::Args;
use serde_json::json;

use crate::backend::dependencies::{name, reference, shown_change};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};

/// Show one declared change of a dependency
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The dependency and the ref of the change
    #[arg(value_name = "DEP@REF")]
    pub(crate) change: String,

    /// Only this field
    #[arg(long, value_name = "FIELD", value_parser = ["type", "description", "migration", "verify"])]
    pub(crate) field: Option<String>,
}

/// Shows the change.
pub(crate) async fn run(cx: &Context, args: ShowArgs) -> CommandResult {
    let (dependency, at) = args
        .change
        .split_once('@')
        .ok_or_else(|| Failure::usage("name the change as DEP@REF, for example kb@v2").exits(1))?;
    let (dependency, at) = (name(dependency)?, reference(at)?);
    let shown = shown_change(cx, dependency, at).await?;
    if let Some(field) = &args.field {
        let value = json!(shown)[field.as_str()].clone();
        let only = json!({ field.as_str(): value });
        cx.output.result(&only, |out, _| match (value.as_str(), value.get("command")) {
            (Some(text), _) => writeln!(out, "{text}"),
            (None, Some(command)) => writeln!(out, "{}", command.as_str().unwrap_or_default()),
            (None, None) => Ok(()),
        })?;
        return Ok(Exit::Done);
    }
    cx.output.result(&shown, |out, _| {
        writeln!(out, "{}@{}", shown.dependency, shown.reference)?;
        for (label, text) in [("Type", &shown.kind), ("Description", &shown.description)] {
            if let Some(text) = text {
                writeln!(out, "{label}: {text}")?;
            }
        }
        for (label, command) in [("Migration", &shown.migration), ("Verify", &shown.verify)] {
            if let Some(command) = command {
                writeln!(out, "{label}: {}", command.name)?;
                writeln!(out, "  Command: {}", command.command)?;
                if let Some(text) = &command.description {
                    writeln!(out, "  Description: {text}")?;
                }
                if let Some(directory) = &command.working_dir {
                    writeln!(out, "  Working directory: {directory}")?;
                }
            }
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}
