//! `backstay upgrade`

use std::io::Write;

use backstay_service::Watch;
use backstay_service::view::{UpgradeEvent, UpgradePlan, UpgradeReport, UpgradeRequest};
use clap::{ArgGroup, Args};

use crate::args::Changing;
use crate::backend::Backend;
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};

/// The variable that limits commands of which nothing else is said, in milliseconds.
const TIMEOUT_VARIABLE: &str = "GRAFT_PROCESS_TIMEOUT_MS";

/// Move a dependency to another version, with its migrations and checks, whole or not at all
///
/// Migrations and the check run in a private copy of the workspace. When all of them succeed, what they changed, the
/// checkout, graft.yaml, graft.lock and the git index change at one moment. When one fails, nothing changes.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["dependency", "all", "plan"])))]
#[command(after_long_help = "\
Examples:
  backstay upgrade kb --to v4
  backstay upgrade kb --latest
  backstay upgrade --all
  backstay upgrade kb --to v4 --dry-run    show what would run, and the id of a plan
  backstay upgrade --plan PLAN             run exactly that

Exit codes:
  0 upgraded, or nothing to do; 1 failed and everything is as it was; 4 busy; 130 interrupted")]
pub(crate) struct UpgradeArgs {
    /// The dependency
    #[arg(value_name = "DEPENDENCY", conflicts_with_all = ["all", "plan"])]
    pub(crate) dependency: Option<String>,

    /// Move to this ref
    #[arg(long, value_name = "REF", conflicts_with_all = ["latest", "all", "plan"])]
    pub(crate) to: Option<String>,

    /// Move to the newest declared change
    #[arg(long, conflicts_with_all = ["all", "plan"])]
    pub(crate) latest: bool,

    /// Move every dependency to its newest declared change, all or none
    #[arg(long, conflicts_with = "plan")]
    pub(crate) all: bool,

    /// Do what the plan with this id says
    #[arg(long, value_name = "ID")]
    pub(crate) plan: Option<String>,

    /// Run no migration
    #[arg(long)]
    pub(crate) skip_migration: bool,

    /// Run no check
    #[arg(long)]
    pub(crate) skip_verify: bool,

    /// Run the check of every change on the way
    #[arg(long, conflicts_with = "skip_verify")]
    pub(crate) verify_each: bool,

    /// Take a ref that is not declared as a change
    #[arg(long)]
    pub(crate) allow_undeclared: bool,

    /// Move to a commit that is not newer
    #[arg(long)]
    pub(crate) allow_downgrade: bool,

    /// Keep the snapshot of the state before
    #[arg(long)]
    pub(crate) keep_snapshot: bool,

    /// Fetch nothing
    #[arg(long)]
    pub(crate) offline: bool,

    /// Leave the git index alone
    #[arg(long)]
    pub(crate) no_stage: bool,

    /// End a migration after SECONDS; 0 never (default: what it declares, else 1800)
    #[arg(long, value_name = "SECONDS")]
    pub(crate) migration_timeout: Option<u64>,

    /// End a check after SECONDS; 0 never (default: what it declares, else 1800)
    #[arg(long, value_name = "SECONDS")]
    pub(crate) verify_timeout: Option<u64>,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

impl UpgradeArgs {
    fn request(&self) -> Result<UpgradeRequest, Failure> {
        if self.dependency.is_some() && self.to.is_none() && !self.latest {
            return Err(Failure::usage("say where to: --to REF or --latest"));
        }
        let default_timeout_ms = match std::env::var(TIMEOUT_VARIABLE) {
            Ok(text) => Some(text.parse().map_err(|_| {
                Failure::usage(format!("{TIMEOUT_VARIABLE} must be a number of milliseconds"))
            })?),
            Err(_) => None,
        };
        Ok(UpgradeRequest {
            dependency: self.dependency.clone(),
            to: self.to.clone(),
            skip_migration: self.skip_migration,
            skip_verify: self.skip_verify,
            verify_each: self.verify_each,
            allow_undeclared: self.allow_undeclared,
            allow_downgrade: self.allow_downgrade,
            keep_snapshot: self.keep_snapshot,
            offline: self.offline,
            no_stage: self.no_stage,
            migration_timeout_s: self.migration_timeout,
            verify_timeout_s: self.verify_timeout,
            default_timeout_ms,
        })
    }
}

/// Plans or upgrades.
pub(crate) async fn run(cx: &Context, args: UpgradeArgs) -> CommandResult {
    let request = args.request()?;
    let Backend::Local(local) = Backend::open(cx).await? else {
        return Err(
            Failure::usage("upgrade works on the machine of the workspace").hint("leave out --server")
        );
    };
    if args.changing.dry_run {
        let plan = local.plan_upgrade(cx, request).await?;
        cx.output.result(&plan, |out, _| show_plan(out, &plan))?;
        return Ok(Exit::Done);
    }
    let output = cx.output.clone();
    let watch = Watch::new(move |event| match event {
        UpgradeEvent::Started { dependency, change, kind, name, .. } => {
            output.note(&format!("{kind} `{name}` of {dependency} {change}"));
            output.event("step", event);
        }
        UpgradeEvent::Output { text, .. } => {
            output.live(text);
            output.event("output", event);
        }
        UpgradeEvent::Truncated { .. } | UpgradeEvent::Ended { .. } => output.event("step", event),
    });
    let report =
        Box::pin(local.upgrade(cx, request, args.plan.as_deref(), watch, args.changing.wait)).await?;
    for id in &report.recovered {
        cx.output.note(&format!("ended the interrupted operation {id} first"));
    }
    cx.output.result(&report, |out, _| show_report(out, &report))?;
    if report.success {
        return Ok(Exit::Done);
    }
    if let Some(error) = &report.error {
        cx.output.complain(error, report.hint.as_deref());
    }
    Ok(if report.code.as_deref() == Some("cancelled") { Exit::Interrupted } else { Exit::Negative })
}

fn show_plan(out: &mut dyn Write, plan: &UpgradePlan) -> std::io::Result<()> {
    if plan.moves.is_empty() {
        return writeln!(out, "nothing to upgrade");
    }
    for planned in &plan.moves {
        writeln!(out, "{} {} -> {}", planned.dependency, planned.from.reference, planned.to.reference)?;
        for change in &planned.changes {
            let run = [("migration", &change.migration), ("verify", &change.verify)];
            let run: Vec<String> = run
                .iter()
                .filter_map(|(kind, name)| name.as_ref().map(|name| format!("{kind} `{name}`")))
                .collect();
            writeln!(out, "  {} {}", change.reference, run.join(", "))?;
        }
        for unknown in &planned.unresolvable {
            writeln!(out, "  {unknown} is declared and means no commit")?;
        }
    }
    writeln!(out, "plan {} until {}", plan.plan_id, plan.expires_at)
}

fn show_report(out: &mut dyn Write, report: &UpgradeReport) -> std::io::Result<()> {
    if report.success && !report.changed {
        let to = report.to.as_ref().map(|to| to.reference.as_str()).unwrap_or_default();
        return match &report.dependency {
            Some(name) => writeln!(out, "{name} is at {to} already"),
            None => writeln!(out, "nothing to upgrade"),
        };
    }
    if report.success {
        writeln!(out, "✓ Upgrade complete")?;
        for (name, reference) in moved(report) {
            writeln!(out, "Updated graft.lock: {name}@{reference}")?;
        }
        let counts = report.changed_paths;
        writeln!(out, "{} added, {} modified, {} deleted", counts.added, counts.modified, counts.deleted)?;
    } else if let Some(rollback) = &report.rollback {
        if rollback.complete {
            writeln!(out, "All changes have been rolled back")?;
            writeln!(out, "Lock file remains unchanged")?;
        } else {
            writeln!(out, "Rollback is incomplete:")?;
            for failed in &rollback.failed {
                writeln!(out, "  {}: {}", failed.path, failed.reason)?;
            }
        }
    }
    for left in &report.not_restored {
        writeln!(out, "not restored: {}: {}", left.path, left.reason)?;
    }
    if let Some(snapshot) = &report.snapshot_id {
        writeln!(out, "Snapshot: {snapshot}")?;
    }
    Ok(())
}

fn moved(report: &UpgradeReport) -> Vec<(&str, &str)> {
    if !report.moves.is_empty() {
        return report
            .moves
            .iter()
            .map(|planned| (planned.dependency.as_str(), planned.to.reference.as_str()))
            .collect();
    }
    match (&report.dependency, &report.to) {
        (Some(name), Some(to)) => vec![(name.as_str(), to.reference.as_str())],
        _ => Vec::new(),
    }
}
