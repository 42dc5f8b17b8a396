//! No list reads a big table from end to end.

use backstay_model::execution::{ApprovalStatus, ExecutionState};
use backstay_model::{
    Kind, OperationId, Outcome, SnapshotId, SnapshotState, SourceId, Subject, TaskId, TenantId, Timestamp,
};

use crate::catalog::{Catalog, CatalogOptions};
use crate::events::EventFilter;
use crate::page::{Paging, Total, encode};
use crate::session::Session;
use crate::snapshots::SnapshotFilter;
use crate::sql::{Fields, Statement, sql};
use crate::testing::{FillOptions, Generator, fill};
use crate::{ApprovalFilter, ClaimOptions, ExecutionFilter, OperationFilter, TaskFilter};

/// Tables that grow without end.
const BIG: [&str; 13] = [
    "snapshots",
    "events",
    "snapshot_counts",
    "event_counts",
    "event_spans",
    "operations",
    "tasks",
    "holds",
    "webhook_deliveries",
    "executions",
    "execution_steps",
    "resumes",
    "stored_contents",
];

async fn open() -> (tempfile::TempDir, Catalog) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("catalog.db");
    let catalog = Catalog::open(path.to_str().unwrap(), &CatalogOptions::default()).await.unwrap();
    fill(&catalog, &FillOptions { generator: Generator::new(200, 600), progress: &|_, _| {} }).await.unwrap();
    (directory, catalog)
}

/// The steps of a plan that read a big table without an index, apart from `allowed` ones.
async fn scans(session: &mut Session, statement: &Statement) -> Vec<String> {
    let explain =
        Statement { text: format!("EXPLAIN QUERY PLAN {}", statement.text).into(), ..statement.clone() };
    let rows = session.raw(explain).await.unwrap();
    let mut found = Vec::new();
    for row in &rows {
        let mut fields = Fields::new("plan", row);
        fields.int().unwrap();
        fields.int().unwrap();
        fields.int().unwrap();
        let step = fields.text().unwrap();
        // The waiting tasks, in the order in which they are due.
        let small = step.ends_with("USING INDEX tasks_queued");
        let big = step
            .strip_prefix("SCAN ")
            .is_some_and(|rest| BIG.contains(&rest.split(' ').next().unwrap_or("")));
        if big && !small {
            found.push(step);
        }
    }
    found
}

/// Checks everything that `session` ran since the last check.
async fn check(session: &mut Session, what: &dyn std::fmt::Debug, whole_order: bool) {
    for statement in std::mem::take(&mut session.trace) {
        for step in scans(session, &statement).await {
            // The newest rows of everything, in the order of the table, end after one page.
            let harmless = whole_order
                && statement.text.contains("WHERE true ORDER BY")
                && statement.text.contains("LIMIT");
            assert!(harmless, "{what:?}: {step}\n{}", statement.text);
        }
    }
    session.trace.clear();
}

#[tokio::test]
async fn lists_of_snapshots_use_indexes() {
    let (_directory, catalog) = open().await;
    let generator = Generator::new(200, 600);
    let mut session = catalog.read().await.unwrap();
    let tenants = [None, Some(TenantId::default_tenant())];
    let sources = [None, Some(generator.source_id(0))];
    let states = [Vec::new(), vec![SnapshotState::Ready]];
    let times = [(None, None), (Some(at(10)), Some(at(200))), (Some(at(1)), None)];
    let texts =
        [(None, None), (Some("nightly"), None), (None, Some("alpha")), (Some("nightly"), Some("rel*"))];
    for tenant in &tenants {
        for source in &sources {
            for states in &states {
                for (since, until) in times {
                    for (label, text) in texts {
                        let filter = SnapshotFilter {
                            tenant: tenant.clone(),
                            source: source.clone(),
                            states: states.clone(),
                            since,
                            until,
                            label: label.map(str::to_owned),
                            text: text.map(str::to_owned),
                            ..SnapshotFilter::default()
                        };
                        for after in [None, Some(encode(at(100).as_micros()))] {
                            for total in [Total::Exact, Total::UpTo(10)] {
                                let paging = Paging { after: after.clone(), total, ..Paging::first(5) };
                                session.list_snapshots(&filter, &paging).await.unwrap();
                                check(&mut session, &filter, true).await;
                            }
                        }
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn searches_of_the_log_use_indexes() {
    let (_directory, catalog) = open().await;
    let generator = Generator::new(200, 600);
    let mut session = catalog.read().await.unwrap();
    let none = EventFilter::default;
    let subject = Some(Subject::new("snapshot", &generator.snapshot_id(3)));
    let narrow: [EventFilter; 6] = [
        none(),
        EventFilter { actor: Some(generator.actor(1).id), ..none() },
        EventFilter { source: Some(generator.source_id(0)), ..none() },
        EventFilter { actor: Some(generator.actor(1).id), source: Some(generator.source_id(0)), ..none() },
        EventFilter { subject, ..none() },
        EventFilter { text: Some("nightly".into()), ..none() },
    ];
    for narrow in narrow {
        for tenant in [None, Some(TenantId::default_tenant())] {
            for (actions, outcome) in
                [(vec![], None), (vec!["snapshot.".to_owned()], None), (vec![], Some(Outcome::Ok))]
            {
                for (since, until) in [(None, None), (Some(at(10)), Some(at(200))), (None, Some(at(300)))] {
                    let filter = EventFilter {
                        tenant: tenant.clone(),
                        actions: actions.clone(),
                        outcome,
                        since,
                        until,
                        ..narrow.clone()
                    };
                    for after in [None, Some(encode(300))] {
                        let paging = Paging { after, ..Paging::first(5) };
                        session.list_events(&filter, &paging).await.unwrap();
                        check(&mut session, &filter, true).await;
                    }
                    session.events_after(100, &filter, 5).await.unwrap();
                    check(&mut session, &filter, false).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn reads_of_executions_use_indexes() {
    let (_directory, catalog) = open().await;
    let mut session = catalog.read().await.unwrap();
    let tenant = TenantId::default_tenant();
    for state in [None, Some(ExecutionState::Paused)] {
        for workflow_name in [None, Some("nightly".to_owned())] {
            for job in [None, Some(1)] {
                let filter = ExecutionFilter { state, workflow_name: workflow_name.clone(), job };
                session.list_executions(&tenant, "default", &filter, 10, 5).await.unwrap();
                session.count_executions(&tenant, "default", &filter).await.unwrap();
                check(&mut session, &filter, false).await;
            }
        }
    }
    for project in [None, Some("default".to_owned())] {
        let filter = ApprovalFilter { status: ApprovalStatus::Pending, project };
        session.list_approvals(&tenant, &filter, 10, 5).await.unwrap();
        session.count_approvals(&tenant, &filter).await.unwrap();
        check(&mut session, &filter, false).await;
    }
    session.execution(1).await.unwrap();
    session.executions_by_number(&[1, 2, 3]).await.unwrap();
    session.open_executions(1).await.unwrap();
    session.executions_ended(&tenant, "default", at(1), 5).await.unwrap();
    session.step(1).await.unwrap();
    session.steps_by_number(&[1, 2, 3]).await.unwrap();
    session.open_steps(1).await.unwrap();
    session.list_steps(1, 10, 5).await.unwrap();
    session.count_steps_named(1).await.unwrap();
    session.newest_step_named(1).await.unwrap();
    session.approvals_due(at(1), 5).await.unwrap();
    session.resume(1).await.unwrap();
    session.open_resumes(1).await.unwrap();
    session.newest_resume(1).await.unwrap();
    session.resume_to_deliver(1, at(1)).await.unwrap();
    session.overdue_resumes(at(1), 5).await.unwrap();
    session.pins_over(at(1), 5).await.unwrap();
    check(&mut session, &"single reads", false).await;
}

#[tokio::test]
async fn single_reads_use_indexes() {
    let (_directory, catalog) = open().await;
    let mut session = catalog.read().await.unwrap();
    let source = SourceId::parse("src-1").unwrap();
    let snapshot = SnapshotId::parse("snapshot-1").unwrap();
    session.snapshot(&snapshot).await.unwrap();
    session.snapshots_with_prefix(None, "snapshot-17", 5).await.unwrap();
    session.snapshots_with_prefix(Some(&source), "snapshot-17", 5).await.unwrap();
    session.snapshot_of_manifest("m").await.unwrap();
    session.known_manifests(&["m".into(), "n".into()]).await.unwrap();
    session.known_contents(&["m".into(), "n".into()]).await.unwrap();
    session.dropped_contents(5).await.unwrap();
    session.has_stored_contents(1).await.unwrap();
    session.checkpoints_of_contents(&["m".into(), "n".into()]).await.unwrap();
    session.snapshots_of_group("g").await.unwrap();
    session.latest_ready(&source).await.unwrap();
    session.ready_snapshots(&source).await.unwrap();
    session.expired_captures(at(1)).await.unwrap();
    session.holds_of(&snapshot).await.unwrap();
    session.expired_holds(at(1)).await.unwrap();
    session.statistics(None, Some(&source)).await.unwrap();
    session.growth(None, None, at(0), at(1000)).await.unwrap();
    session.operation(&OperationId::parse("op-1").unwrap()).await.unwrap();
    session.last_undoable(&source).await.unwrap();
    session.open_operations(&source).await.unwrap();
    session.task(&TaskId::parse("t-1").unwrap()).await.unwrap();
    session.event(5).await.unwrap();
    session.event_head().await.unwrap();
    session.next_delivery_at().await.unwrap();
    session.source_at("h", "/r").await.unwrap();
    session.source_named(&TenantId::default_tenant(), Kind::Job, "n").await.unwrap();
    check(&mut session, &"single reads", false).await;
    let filter = OperationFilter { source: Some(source.clone()), ..OperationFilter::default() };
    session.list_operations(&filter, &Paging::default()).await.unwrap();
    let filter = TaskFilter { tenant: Some(TenantId::default_tenant()), ..TaskFilter::default() };
    session.list_tasks(&filter, &Paging::default()).await.unwrap();
    check(&mut session, &"lists", false).await;
    drop(session);

    let options =
        ClaimOptions { kinds: vec!["capture".into()], owner: "w".into(), now: at(1), lease_seconds: 1 };
    let mut tx = catalog.begin().await.unwrap();
    for condition in ["state = 'queued' AND run_at <= $3", "state = 'running' AND lease_expires_at <= $3"] {
        let statement = crate::tasks::claim_statement(condition, &options);
        assert_eq!(scans(&mut tx, &statement).await, Vec::<String>::new());
    }
    let drop = "UPDATE stored_contents SET dropped = 1 WHERE holder = $1 AND number IN ($2, $3)";
    assert_eq!(
        scans(&mut tx, &sql("test", drop).bind(1i64).bind(7i64).bind(8i64)).await,
        Vec::<String>::new()
    );
    let due = "UPDATE webhook_deliveries SET attempts = 1 WHERE id IN (SELECT id FROM webhook_deliveries
               WHERE state = 'pending' AND next_attempt_at <= $1 ORDER BY next_attempt_at LIMIT 5)";
    assert_eq!(scans(&mut tx, &sql("test", due).bind(at(1))).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_check_finds_a_scan() {
    let (_directory, catalog) = open().await;
    let mut session = catalog.read().await.unwrap();
    let bad = sql("test", "SELECT count(*) FROM events WHERE request_id = $1").bind("r");
    assert_eq!(scans(&mut session, &bad).await.len(), 1);
}

fn at(days: i64) -> Timestamp {
    Generator::new(200, 600).start.plus_seconds(days * 86_400 + 4711)
}
