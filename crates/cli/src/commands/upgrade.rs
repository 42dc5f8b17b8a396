//! `backstay upgrade`

use std::io::Write;

use backstay_api::upgrade::{NewUpgradePlan, UpgradeEvent, UpgradePlan, UpgradeReport};
use clap::{ArgGroup, Args};

use crate::args::Changing;
use crate::backend::dependencies::{Needs, name, reference, require};
use crate::backend::{Backend, OnUpgradeEvent, on};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};

/// The variable that limits commands of which nothing else is said, in milliseconds.
const TIMEOUT_VARIABLE: &str = "GRAFT_PROCESS_TIMEOUT_MS";

/// What a plan says itself.
const PLANNED: [&str; 13] = [
    "dry_run",
    "skip_migration",
    "skip_verify",
    "verify_each",
    "allow_undeclared",
    "allow_downgrade",
    "keep_snapshot",
    "keep_failed",
    "in_place",
    "offline",
    "no_stage",
    "migration_timeout",
    "verify_timeout",
];

/// Move a dependency to another version, with its migrations and checks, whole or not at all
///
/// Migrations and the check run in a private copy of the workspace, with --in-place in the workspace itself. When all of them succeed, what they changed, the
/// checkout, graft.yaml, graft.lock and the git index change at one moment. When one fails, everything is as it was.
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
  0 upgraded, or nothing to do; 1 failed; 3 a hook after it failed; 4 busy; 130 interrupted
  Whether everything is as it was after 1 or 130, the report says.")]
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

    /// Do what the plan with this id says, and nothing else
    #[arg(long, value_name = "ID", conflicts_with_all = PLANNED)]
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

    /// When a command fails, keep the tree that it left as a snapshot
    #[arg(long)]
    pub(crate) keep_failed: bool,

    /// Run migrations and checks in the workspace itself; after a failure it is put back as it was
    #[arg(long)]
    pub(crate) in_place: bool,

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
    fn request(&self) -> Result<NewUpgradePlan, Failure> {
        if self.dependency.is_some() && self.to.is_none() && !self.latest {
            return Err(Failure::usage("say where to: --to REF or --latest"));
        }
        let default_timeout_ms = match std::env::var(TIMEOUT_VARIABLE) {
            Ok(text) => Some(text.parse().map_err(|_| {
                Failure::usage(format!("{TIMEOUT_VARIABLE} must be a number of milliseconds"))
            })?),
            Err(_) => None,
        };
        Ok(NewUpgradePlan {
            dependency: self.dependency.clone(),
            to: self.to.clone(),
            skip_migration: self.skip_migration,
            skip_verify: self.skip_verify,
            verify_each: self.verify_each,
            allow_undeclared: self.allow_undeclared,
            allow_downgrade: self.allow_downgrade,
            keep_snapshot: self.keep_snapshot,
            keep_failed: self.keep_failed,
            in_place: self.in_place,
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
    if let Some(dependency) = &args.dependency {
        name(dependency)?;
    }
    if let Some(to) = &args.to {
        reference(to)?;
    }
    let backend = Backend::open(cx).await?;
    if matches!(backend, Backend::Local(_)) {
        require(cx, Needs::Declarations).await?;
    }
    if args.changing.dry_run {
        let plan = on!(backend, plan_upgrade(cx, request))?;
        cx.output.result(&plan, |out, _| show_plan(out, &plan))?;
        return Ok(Exit::Done);
    }
    let plan = args.plan.as_deref();
    let report =
        Box::pin(async { on!(backend, upgrade(cx, request, plan, teller(cx), args.changing.wait)) }).await?;
    cx.output.result(&report, |out, _| show_report(out, &report))?;
    if report.success {
        return Ok(Exit::Done);
    }
    if let Some(error) = &report.error {
        cx.output.complain(error, report.hint.as_deref());
    }
    Ok(if report.code.as_deref() == Some("cancelled") { Exit::Interrupted } else { Exit::Negative })
}

/// Tells what happens, as it happens.
fn teller(cx: &Context) -> OnUpgradeEvent {
    let output = cx.output.clone();
    Box::new(move |event| match event {
        UpgradeEvent::Recovered { operation } => {
            output.note(&format!("ended the interrupted operation {operation} first"));
            output.event("recovered", event);
        }
        UpgradeEvent::Started { dependency, change, kind, name, .. } => {
            output.note(&format!("{kind} `{name}` of {dependency} {change}"));
            output.event("step", event);
        }
        UpgradeEvent::Output { text, .. } => {
            output.live(text);
            output.event("output", event);
        }
        UpgradeEvent::Truncated { .. } | UpgradeEvent::Ended { .. } => output.event("step", event),
        // The result tells it.
        UpgradeEvent::Finished { .. } => {}
    })
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
    writeln!(out, "state {}", plan.state_serial)?;
    let digests = &plan.digests;
    let bound = [
        ("graft.yaml", &digests.yaml),
        ("graft.lock", &digests.lock),
        ("gitlink", &digests.gitlink),
        ("HEAD", &digests.head),
    ];
    for (what, digest) in bound {
        writeln!(out, "  {what} {}", digest.as_deref().unwrap_or("-"))?;
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
    for unknown in &report.unresolvable {
        writeln!(out, "{unknown} is declared and means no commit")?;
    }
    for dropped in &report.dropped {
        writeln!(out, "Dropped from graft.lock: {dropped}")?;
    }
    if report.not_staged && report.success {
        writeln!(out, "Nothing was staged: graft.yaml or graft.lock had edits that were not")?;
    }
    for left in &report.not_restored {
        writeln!(out, "not restored: {}: {}", left.path, left.reason)?;
    }
    if let Some(snapshot) = &report.snapshot_id {
        writeln!(out, "Snapshot: {snapshot}")?;
    }
    if let Some(snapshot) = &report.failed_snapshot_id {
        writeln!(out, "Failed tree: {snapshot}")?;
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
