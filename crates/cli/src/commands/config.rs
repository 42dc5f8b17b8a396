//! `backstay config`

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::backend::admin;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::human;
use crate::render::table::{Align, Table};
use crate::settings::ServerFlags;

/// Look at the server's configuration
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    Show(ConfigShowArgs),
}

/// Show every value of the configuration and where it comes from
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay config show
  backstay config show --config /etc/backstay.toml --json")]
pub(crate) struct ConfigShowArgs {
    #[command(flatten)]
    pub(crate) flags: ServerFlags,
}

/// Runs the command.
pub(crate) fn run(cx: &Context, command: ConfigCommand) -> CommandResult {
    let ConfigCommand::Show(args) = command;
    let settings = admin::settings(cx, &args.flags)?;
    let rows = settings.rows();
    let values: Map<String, Value> = rows
        .iter()
        .map(|(key, value, origin)| ((*key).to_owned(), json!({"value": value, "origin": origin})))
        .collect();
    cx.output.result(&json!({"file": settings.config_file, "settings": values}), |out, style| {
        let mut table = Table::new(&[("KEY", Align::Left), ("VALUE", Align::Left), ("FROM", Align::Left)]);
        for (key, value, origin) in &rows {
            table.row(vec![(*key).to_owned(), human::one_line(value), origin.clone()]);
        }
        table.write(out, style)
    })?;
    Ok(Exit::Done)
}
