//! `backstay audit`

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use crate::backend::wire;
use backstay_api::audit::{AuditVerification, ExportQuery};
use backstay_api::event::{EventPage, EventQuery};
use backstay_model::EventHash;
use backstay_service::view::EventFilter;
use backstay_service::{ExportFormat, PageRequest};
use bytes::Bytes;
use clap::{Args, Subcommand, ValueEnum};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};

use super::hold::parse_time;
use crate::backend::admin::Admin;
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::settings::ServerFlags;
use crate::{human, render};

/// Read, export and prove the audit trail
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    List(AuditListArgs),
    Export(AuditExportArgs),
    Verify(AuditVerifyArgs),
}

/// List events, newest first
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay audit list
  backstay audit list --action snapshot.deleted --limit 20")]
pub(crate) struct AuditListArgs {
    /// Show at most N, 1 to 1000
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,

    /// Only events of this type, for example snapshot.deleted
    #[arg(long, value_name = "TYPE")]
    pub(crate) action: Option<String>,

    /// Only events by this actor
    #[arg(long, value_name = "ID")]
    pub(crate) actor: Option<String>,

    /// Only events about this thing
    #[arg(long, value_name = "ID")]
    pub(crate) subject: Option<String>,

    /// Only events at or after TIME (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,

    /// Only events before TIME (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,

    #[command(flatten)]
    pub(crate) flags: ServerFlags,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportForm {
    /// Comma-separated values.
    Csv,
    /// JSON Lines.
    Jsonl,
}

/// Write every event to standard output or a file, oldest first
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay audit export --form csv --output audit.csv")]
pub(crate) struct AuditExportArgs {
    /// The form
    #[arg(long, value_enum, default_value = "jsonl")]
    pub(crate) form: ExportForm,

    /// Write to FILE
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) flags: ServerFlags,
}

/// Prove that no event was altered, removed or inserted
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay audit verify
  backstay audit verify --expect-head 120:3f9a…    and that the end is not older than known")]
pub(crate) struct AuditVerifyArgs {
    /// A number and hash that an earlier run printed; it must still be in the chain
    #[arg(long, value_name = "NUMBER:HASH")]
    pub(crate) expect_head: Option<String>,

    #[command(flatten)]
    pub(crate) flags: ServerFlags,
}

/// Runs the command.
pub(crate) async fn run(cx: &Context, command: AuditCommand) -> CommandResult {
    match command {
        AuditCommand::List(args) => list(cx, args).await,
        AuditCommand::Export(args) => export(cx, args).await,
        AuditCommand::Verify(args) => verify(cx, args).await,
    }
}

async fn list(cx: &Context, args: AuditListArgs) -> CommandResult {
    let since = args.since.as_deref().map(parse_time).transpose()?;
    let until = args.until.as_deref().map(parse_time).transpose()?;
    let page = match Admin::log(cx, &args.flags).await? {
        Admin::Remote(client) => {
            let query = EventQuery {
                action: args.action,
                actor: args.actor,
                subject: args.subject,
                since,
                until,
                limit: Some(args.limit),
                ..EventQuery::default()
            };
            client.search_audit(&query).await?
        }
        Admin::Direct(service, caller) => {
            let filter = EventFilter {
                actions: args.action.into_iter().collect(),
                actor: args.actor,
                subject: args.subject,
                since,
                until,
                ..EventFilter::default()
            };
            let page = service.list_events(&caller, &filter, &PageRequest::first(args.limit)).await?;
            EventPage {
                events: page.items.into_iter().map(wire::event).collect(),
                total: page.total,
                total_exact: page.total_exact,
                next: page.next,
                message: None,
            }
        }
    };
    cx.output.result(&page, |out, style| {
        page.events.iter().try_for_each(|event| render::event::line(out, style, event))
    })?;
    Ok(Exit::Done)
}

async fn export(cx: &Context, args: AuditExportArgs) -> CommandResult {
    let mut stream: BoxStream<'static, Result<Bytes, Failure>> = match Admin::log(cx, &args.flags).await? {
        Admin::Remote(client) => {
            let query = ExportQuery::default();
            let download = match args.form {
                ExportForm::Csv => client.export_audit_csv(&query).await?,
                ExportForm::Jsonl => client.export_audit_jsonl(&query).await?,
            };
            download.into_stream().map_err(|error| Failure::io("the export broke off", &error)).boxed()
        }
        Admin::Direct(service, caller) => {
            let format = match args.form {
                ExportForm::Csv => ExportFormat::Csv,
                ExportForm::Jsonl => ExportFormat::JsonLines,
            };
            service
                .export_audit(&caller, &EventFilter::default(), format)
                .await?
                .map_err(Failure::from)
                .boxed()
        }
    };
    let mut file = match &args.output {
        Some(path) => {
            let path = cx.directory()?.join(path);
            let created = std::fs::File::create(&path);
            Some(BufWriter::new(
                created.map_err(|error| Failure::io(format!("cannot create {}", path.display()), &error))?,
            ))
        }
        None => None,
    };
    let failed = |error: io::Error| Failure::io("cannot write the export", &error);
    while let Some(bytes) = stream.next().await {
        let bytes = bytes?;
        match &mut file {
            Some(file) => file.write_all(&bytes).map_err(failed)?,
            None => cx.output.write(|out| out.write_all(&bytes))?,
        }
        if cx.cancel.is_cancelled() {
            return Err(Failure::interrupted());
        }
        if cx.output.is_closed() {
            break;
        }
    }
    if let Some(mut file) = file {
        file.flush().map_err(failed)?;
    }
    Ok(Exit::Done)
}

async fn verify(cx: &Context, args: AuditVerifyArgs) -> CommandResult {
    let expected = args.expect_head.as_deref().map(parse_head).transpose()?;
    let admin = Admin::log(cx, &args.flags).await?;
    let mut report = match &admin {
        Admin::Remote(client) => client.verify_audit().await?,
        Admin::Direct(service, caller) => wire::audit_verification(service.verify_audit(caller).await?),
    };
    if let Some((seq, hash)) = expected
        && let Some(problem) = missing_head(&admin, &report, seq, &hash).await?
    {
        report.valid = false;
        report.problems.push(problem);
    }
    cx.output.result(&report, |out, style| {
        for problem in &report.problems {
            writeln!(out, "{} {}", style.error("problem:"), human::one_line(problem))?;
        }
        let verdict = if report.valid { style.good("intact") } else { style.error("broken") };
        writeln!(out, "{verdict}: {}", human::count(report.checked, "event", "events"))?;
        writeln!(out, "head: {}:{}", report.last_seq, report.last_hash)
    })?;
    Ok(if report.valid { Exit::Done } else { Exit::Negative })
}

/// Why the head noted earlier is not in the chain; `None` when it is.
async fn missing_head(
    admin: &Admin,
    report: &AuditVerification,
    seq: u64,
    hash: &str,
) -> Result<Option<String>, Failure> {
    if report.last_seq < seq {
        return Ok(Some(format!(
            "the log ends at event {}, before the expected event {seq}",
            report.last_seq
        )));
    }
    if report.last_seq == seq {
        let differs = report.last_hash != hash;
        return Ok(differs.then(|| format!("event {seq} is not the expected one")));
    }
    let Admin::Direct(service, caller) = admin else {
        return Ok(Some("--expect-head of an older event works on the data directory only".to_owned()));
    };
    let event = service.show_event(caller, seq).await?;
    let same = event.hash.to_string() == hash;
    Ok((!same).then(|| format!("event {seq} is not the expected one")))
}

fn parse_head(text: &str) -> Result<(u64, String), Failure> {
    let wrong = || Failure::usage(format!("`{text}` is not NUMBER:HASH as `audit verify` prints it"));
    let (seq, hash) = text.split_once(':').ok_or_else(wrong)?;
    let seq = seq.parse().ok().filter(|seq| *seq > 0).ok_or_else(wrong)?;
    let hash = EventHash::parse(hash).ok_or_else(wrong)?;
    Ok((seq, hash.to_string()))
}
