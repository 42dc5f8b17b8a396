//! What people wait for: every list and every search that is measured.

use backstay_catalog::testing::Generator;
use backstay_catalog::{EventFilter, Paging, SnapshotFilter, Total};
use backstay_model::{Outcome, SnapshotState, Subject, TenantId, Trigger};

/// Its name, the most that it may take at p99 in milliseconds, and what is asked.
pub(crate) type SnapshotList = (&'static str, Option<f64>, SnapshotFilter, Paging);
pub(crate) type EventList = (&'static str, Option<f64>, EventFilter, Paging);

pub(crate) fn snapshot_lists(generator: &Generator) -> Vec<SnapshotList> {
    let none = SnapshotFilter::default;
    let tenant = Some(TenantId::default_tenant());
    let ready = vec![SnapshotState::Ready];
    let month = |n: i64| Some(generator.start.plus_seconds(n * 30 * 86_400 + 4711));
    let page = Paging::first(50);
    vec![
        ("list everything", Some(5.0), none(), page.clone()),
        ("list a tenant", Some(5.0), SnapshotFilter { tenant: tenant.clone(), ..none() }, page.clone()),
        (
            "list a filtered page",
            Some(5.0),
            SnapshotFilter {
                tenant: tenant.clone(),
                states: ready.clone(),
                triggers: vec![Trigger::Manual, Trigger::Scheduled],
                ..none()
            },
            page.clone(),
        ),
        (
            "list a rare state",
            Some(5.0),
            SnapshotFilter { tenant: tenant.clone(), states: vec![SnapshotState::Creating], ..none() },
            page.clone(),
        ),
        (
            "list pinned",
            Some(5.0),
            SnapshotFilter { tenant: tenant.clone(), pinned: Some(true), ..none() },
            page.clone(),
        ),
        (
            "list a source",
            Some(5.0),
            SnapshotFilter {
                tenant: Some(TenantId::default_tenant()),
                source: Some(generator.source_id(5)),
                ..none()
            },
            page.clone(),
        ),
        (
            "list months of a tenant",
            Some(5.0),
            SnapshotFilter {
                tenant: tenant.clone(),
                states: ready.clone(),
                since: month(2),
                until: month(7),
                ..none()
            },
            page.clone(),
        ),
        (
            "list months of everything",
            Some(5.0),
            SnapshotFilter { since: month(1), until: month(11), ..none() },
            page.clone(),
        ),
        (
            // Paging by number costs time in proportion.
            "list the thousandth row on",
            None,
            SnapshotFilter { tenant: tenant.clone(), states: ready.clone(), ..none() },
            Paging { offset: 1000, ..page.clone() },
        ),
        (
            "list a rare label",
            Some(5.0),
            SnapshotFilter { tenant: tenant.clone(), label: Some("alpha review 17".into()), ..none() },
            page.clone(),
        ),
        (
            "list a label of half of all",
            None,
            SnapshotFilter {
                tenant: tenant.clone(),
                label: Some("nightly".into()),
                states: ready.clone(),
                ..none()
            },
            page.clone(),
        ),
        (
            "search snapshots for three words",
            None,
            SnapshotFilter { tenant: tenant.clone(), text: Some("schema upgrade 17".into()), ..none() },
            page.clone(),
        ),
        (
            "search snapshots for a common word",
            None,
            SnapshotFilter { tenant: tenant.clone(), text: Some("nightly".into()), ..none() },
            Paging { total: Total::UpTo(1000), ..page.clone() },
        ),
        (
            "search snapshots for a common word, all counted",
            None,
            SnapshotFilter { tenant, text: Some("nightly".into()), ..none() },
            page,
        ),
    ]
}

pub(crate) fn event_lists(generator: &Generator) -> Vec<EventList> {
    let none = EventFilter::default;
    let tenant = Some(TenantId::default_tenant());
    let month = |n: i64| Some(generator.start.plus_seconds(n * 30 * 86_400 + 4711));
    // As the service asks.
    let page = Paging { total: Total::UpTo(1000), ..Paging::first(50) };
    let limit = Some(20.0);
    vec![
        ("audit: everything", limit, none(), page.clone()),
        ("audit: a tenant", limit, EventFilter { tenant: tenant.clone(), ..none() }, page.clone()),
        (
            "audit: an action and an outcome",
            limit,
            EventFilter {
                tenant: tenant.clone(),
                actions: vec!["snapshot.deleted".into()],
                outcome: Some(Outcome::Denied),
                ..none()
            },
            page.clone(),
        ),
        (
            "audit: an actor",
            limit,
            EventFilter { tenant: tenant.clone(), actor: Some(generator.actor(17).id), ..none() },
            page.clone(),
        ),
        (
            "audit: an actor in a time",
            limit,
            EventFilter {
                tenant: tenant.clone(),
                actor: Some(generator.actor(17).id),
                since: month(3),
                until: month(5),
                ..none()
            },
            page.clone(),
        ),
        (
            "audit: a source",
            limit,
            EventFilter { tenant: tenant.clone(), source: Some(generator.source_id(5)), ..none() },
            page.clone(),
        ),
        (
            "audit: a thing",
            limit,
            EventFilter {
                subject: Some(Subject::new("snapshot", &generator.snapshot_id(4711 % generator.snapshots))),
                ..none()
            },
            page.clone(),
        ),
        (
            "audit: a time",
            limit,
            EventFilter { tenant: tenant.clone(), since: month(2), until: month(7), ..none() },
            page.clone(),
        ),
        (
            "audit: words",
            limit,
            EventFilter { tenant: tenant.clone(), text: Some("restored case4711".into()), ..none() },
            page.clone(),
        ),
        (
            "audit: a rare word",
            limit,
            EventFilter { tenant: tenant.clone(), text: Some("case4711".into()), ..none() },
            page.clone(),
        ),
        (
            "audit: no match",
            limit,
            EventFilter { tenant: tenant.clone(), text: Some("nowhere".into()), ..none() },
            page.clone(),
        ),
        (
            "audit: a common word of an actor in a time",
            limit,
            EventFilter {
                tenant: tenant.clone(),
                actor: Some(generator.actor(17).id),
                since: month(3),
                until: month(5),
                text: Some("nightly".into()),
                ..none()
            },
            page.clone(),
        ),
        (
            "audit: a common word",
            limit,
            EventFilter { tenant: tenant.clone(), text: Some("nightly".into()), ..none() },
            page.clone(),
        ),
        (
            "audit: two common words",
            limit,
            EventFilter { tenant: tenant.clone(), text: Some("nightly deleted".into()), ..none() },
            page.clone(),
        ),
        (
            "audit: a common word, all counted",
            None,
            EventFilter { tenant, text: Some("nightly".into()), ..none() },
            Paging { total: Total::Exact, ..page },
        ),
    ]
}
