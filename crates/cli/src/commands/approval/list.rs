//! `backstay approval list`

use backstay_api::execution::ApprovalQuery;
use backstay_service::DEFAULT_PROJECT;
use clap::Args;

use crate::backend::executions::{Executions, PlaceArgs};
use crate::commands::checkpoint::ProjectArgs;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::human;
use crate::render::table::{Align, Table};
use crate::settings::ServerFlags;

/// List the approvals over all executions, newest first
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay approval list
  backstay approval list --status denied")]
pub(crate) struct ApprovalListArgs {
    /// Only those with this status
    #[arg(long, value_name = "STATUS", default_value = "pending", value_parser = ["pending", "approved", "denied", "withdrawn"])]
    pub(crate) status: String,

    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,

    /// Only those of this project [default: every project]
    #[arg(long, value_name = "PROJECT")]
    pub(crate) project: Option<String>,

    #[command(flatten)]
    pub(crate) flags: ServerFlags,
}

/// Lists them.
pub(crate) async fn run(cx: &Context, args: ApprovalListArgs) -> CommandResult {
    let query = ApprovalQuery {
        status: Some(args.status),
        project: args.project,
        limit: Some(args.limit),
        ..ApprovalQuery::default()
    };
    let place = PlaceArgs { project: ProjectArgs { project: DEFAULT_PROJECT.to_owned() }, flags: args.flags };
    let list = Executions::open(cx, &place).await?.approvals(query).await?;
    cx.output.result(&list, |out, style| {
        let mut table = Table::new(&[
            ("EXECUTION", Align::Left),
            ("STEP", Align::Left),
            ("TITLE", Align::Left),
            ("REQUESTED BY", Align::Left),
            ("DEADLINE", Align::Left),
        ]);
        for step in list.approvals.iter().map(|asked| &asked.step) {
            let Some(approval) = &step.approval else { continue };
            table.row(vec![
                step.execution_id.clone(),
                step.step_id.clone(),
                human::one_line(&approval.title),
                human::one_line(&approval.requested_by),
                approval.deadline.map(|deadline| deadline.to_string()).unwrap_or_default(),
            ]);
        }
        table.write(out, style)
    })?;
    Ok(Exit::Done)
}
