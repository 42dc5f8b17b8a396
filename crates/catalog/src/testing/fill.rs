//! Filling a fresh catalog.

use std::collections::HashMap;

use backstay_model::event::GENESIS;
use backstay_model::{Event, EventHash, SnapshotState};
use serde_json::json;

use super::bulk::{Counters, Inserter, Stripped};
use super::generate::Generator;
use crate::buckets::{DAY, HOUR, PERIOD};
use crate::catalog::Catalog;
use crate::error::Result;
use crate::events::append::searchable as event_words;
use crate::events::facet as event_facet;
use crate::snapshots::SnapshotRow;
use crate::snapshots::facet::Facet;
use crate::snapshots::write::searchable as snapshot_words;
use crate::sql::{Value, sql};
use crate::tenants::TenantRow;

/// What to fill in.
pub struct FillOptions<'a> {
    /// Makes the rows.
    pub generator: Generator,
    /// Is told what is done: a table, and how many rows of it.
    pub progress: &'a (dyn Fn(&str, u64) + Sync),
}

/// Rows per transaction.
const BATCH: u64 = 50_000;

/// Fills a fresh catalog with everything that the generator makes.
pub async fn fill(catalog: &Catalog, options: &FillOptions<'_>) -> Result<()> {
    let generator = &options.generator;
    let mut tx = catalog.begin().await?;
    for n in 1..generator.tenants {
        let id = generator.tenant(n);
        let row = TenantRow { name: id.to_string(), id, settings: json!({}), created_at: generator.start };
        tx.insert_tenant(&row).await?;
    }
    for n in 0..generator.sources {
        tx.insert_source(&generator.source(n)).await?;
    }
    let stripped = Stripped::strip(&mut tx).await?;
    tx.commit().await?;

    snapshots(catalog, options).await?;
    events(catalog, options).await?;

    (options.progress)("indexes", 0);
    let mut tx = catalog.begin().await?;
    stripped.put_back(&mut tx).await?;
    tx.commit().await?;
    let mut session = catalog.read().await?;
    if session.is_postgres() {
        session.execute(sql("analyze", "VACUUM ANALYZE")).await?;
    }
    Ok(())
}

fn text_inserter(table: &'static str, key: &'static str, postgres: bool) -> Inserter {
    let head = match (table, postgres) {
        ("snapshot_text", true) => "INSERT INTO snapshot_text (created_at, body)",
        ("snapshot_text", false) => "INSERT INTO snapshot_text (rowid, body)",
        (_, true) => "INSERT INTO event_text (seq, body)",
        (_, false) => "INSERT INTO event_text (rowid, body)",
    };
    debug_assert!(!key.is_empty());
    Inserter::new(
        head,
        if postgres { "({}, array_to_tsvector(string_to_array({}, ' ')))" } else { "({}, {})" },
    )
}

async fn snapshots(catalog: &Catalog, options: &FillOptions<'_>) -> Result<()> {
    let generator = &options.generator;
    let mut counters = Counters::default();
    let mut n = 0;
    while n < generator.snapshots {
        let mut tx = catalog.begin().await?;
        let mut rows = Inserter::new(
            "INSERT INTO snapshots (created_at, id, tenant_id, source_id, facet, kind, state, cause, pinned, label,
                 finished_at, manifest_id, tree_id, logical_bytes, added_bytes, stored_bytes, counts, created_by, failure,
                 deleted_at, deleted_by, deleted_reason)",
            "({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})",
        );
        let mut texts = text_inserter("snapshot_text", "created_at", tx.is_postgres());
        for _ in 0..BATCH.min(generator.snapshots - n) {
            let row = generator.snapshot(n);
            n += 1;
            let facet =
                Facet { kind: row.kind, state: row.state, trigger: row.trigger, pinned: row.pinned }.number();
            let at = row.created_at.as_micros();
            let sizes = [row.logical_bytes, row.added_bytes, row.stored_bytes];
            counters.count("*", &[0, PERIOD, DAY, HOUR], at, facet, sizes);
            counters.count(&format!("t/{}", row.tenant), &[0, PERIOD, DAY, HOUR], at, facet, sizes);
            counters.count(&format!("s/{}", row.source), &[0, PERIOD, DAY], at, facet, sizes);
            texts.add(&mut tx, [Value::from(at), snapshot_words(&row).into()]).await?;
            rows.add(&mut tx, values(&row, facet)).await?;
        }
        texts.flush(&mut tx).await?;
        rows.flush(&mut tx).await?;
        tx.commit().await?;
        (options.progress)("snapshots", n);
    }
    let mut tx = catalog.begin().await?;
    let mut rows = Inserter::new(
        "INSERT INTO snapshot_counts (scope, width, bucket, facet, count, logical_bytes, added_bytes, stored_bytes)",
        "({}, {}, {}, {}, {}, {}, {}, {})",
    );
    for ((scope, width, bucket, facet), [count, logical, added, stored]) in sorted(counters.counts) {
        let row: [Value; 8] = [
            scope.into(),
            width.into(),
            bucket.into(),
            facet.into(),
            count.into(),
            logical.into(),
            added.into(),
            stored.into(),
        ];
        rows.add(&mut tx, row).await?;
    }
    rows.flush(&mut tx).await?;
    tx.commit().await.map(|_| ())
}

fn values(row: &SnapshotRow, facet: i64) -> [Value; 22] {
    let deleted = row.state == SnapshotState::Deleted;
    let tombstone = row.tombstone.as_ref().filter(|_| deleted);
    [
        row.created_at.into(),
        (&row.id).into(),
        (&row.tenant).into(),
        (&row.source).into(),
        facet.into(),
        row.kind.into(),
        row.state.into(),
        row.trigger.into(),
        row.pinned.into(),
        (&row.label).into(),
        row.finished_at.into(),
        (&row.manifest_id).into(),
        (&row.tree_id).into(),
        row.logical_bytes.into(),
        row.added_bytes.into(),
        row.stored_bytes.into(),
        (&row.counts).into(),
        json!(row.created_by).to_string().into(),
        (&row.failure).into(),
        tombstone.map(|tombstone| tombstone.at).into(),
        tombstone.map(|tombstone| json!(tombstone.by).to_string()).into(),
        tombstone.map(|tombstone| tombstone.reason.clone()).into(),
    ]
}

async fn events(catalog: &Catalog, options: &FillOptions<'_>) -> Result<()> {
    let generator = &options.generator;
    let mut counters = Counters::default();
    let mut spans: HashMap<(i64, i64), (u64, u64)> = HashMap::new();
    let mut facets: HashMap<i64, (String, String)> = HashMap::new();
    let mut hash: EventHash = GENESIS;
    let mut seq = 0;
    while seq < generator.events {
        let mut tx = catalog.begin().await?;
        let mut rows = Inserter::new(
            "INSERT INTO events (seq, at, tenant_id, actor_kind, actor_id, actor_name, action, kind, source_id, subject_type,
                 subject_id, outcome, data, request_id, prev_hash, hash, facet)",
            "({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})",
        );
        let mut texts = text_inserter("event_text", "seq", tx.is_postgres());
        for _ in 0..BATCH.min(generator.events - seq) {
            seq += 1;
            let event = Event::seal(generator.event(seq - 1), seq, hash);
            hash = event.hash;
            let facet = event_facet::number(&event.action, event.outcome);
            let at = event.at.as_micros();
            facets.entry(facet).or_insert_with(|| (event.action.clone(), event.outcome.to_string()));
            counters.count("*", &[0, PERIOD, DAY], at, facet, [0; 3]);
            counters.count(&format!("t/{}", event.tenant), &[0, PERIOD, DAY], at, facet, [0; 3]);
            counters.count(&format!("a/{}/{}", event.tenant, event.actor.id), &[0], at, facet, [0; 3]);
            if let Some(source) = &event.source {
                counters.count(&format!("s/{}/{source}", event.tenant), &[0], at, facet, [0; 3]);
            }
            for width in [DAY, HOUR] {
                spans.entry((width, at / (width * 1_000_000))).or_insert((seq, seq)).1 = seq;
            }
            texts.add(&mut tx, [Value::from(seq), event_words(&event).into()]).await?;
            let row: [Value; 17] = [
                event.seq.into(),
                event.at.into(),
                (&event.tenant).into(),
                event.actor.kind.into(),
                event.actor.id.into(),
                event.actor.name.into(),
                event.action.into(),
                event.kind.into(),
                (&event.source).into(),
                event.subject.kind.into(),
                event.subject.id.into(),
                event.outcome.into(),
                event.data.as_json().into(),
                event.request_id.into(),
                event.prev_hash.as_bytes().as_slice().into(),
                event.hash.as_bytes().as_slice().into(),
                facet.into(),
            ];
            rows.add(&mut tx, row).await?;
        }
        texts.flush(&mut tx).await?;
        rows.flush(&mut tx).await?;
        tx.commit().await?;
        (options.progress)("events", seq);
    }
    let mut tx = catalog.begin().await?;
    let mut rows = Inserter::new(
        "INSERT INTO event_counts (scope, width, bucket, facet, count)",
        "({}, {}, {}, {}, {})",
    );
    for ((scope, width, bucket, facet), [count, ..]) in sorted(counters.counts) {
        let row: [Value; 5] = [scope.into(), width.into(), bucket.into(), facet.into(), count.into()];
        rows.add(&mut tx, row).await?;
    }
    rows.flush(&mut tx).await?;
    let mut rows =
        Inserter::new("INSERT INTO event_spans (width, bucket, first_seq, last_seq)", "({}, {}, {}, {})");
    for ((width, bucket), (first, last)) in spans {
        rows.add(&mut tx, [Value::from(width), bucket.into(), first.into(), last.into()]).await?;
    }
    rows.flush(&mut tx).await?;
    let mut rows = Inserter::new("INSERT INTO event_facets (facet, action, outcome)", "({}, {}, {})");
    for (facet, (action, outcome)) in facets {
        rows.add(&mut tx, [Value::from(facet), action.into(), outcome.into()]).await?;
    }
    rows.flush(&mut tx).await?;
    let head = sql("move the head of the log", "UPDATE event_head SET seq = $1, hash = $2 WHERE id = 1");
    tx.execute(head.bind(seq).bind(hash.as_bytes().as_slice())).await?;
    tx.commit().await.map(|_| ())
}

/// In the order of the key, so that rows are appended to the table.
fn sorted<V>(counts: HashMap<(String, i64, i64, i64), V>) -> Vec<((String, i64, i64, i64), V)> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    counts
}
