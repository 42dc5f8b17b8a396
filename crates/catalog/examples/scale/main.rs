//! Fills a catalog with a year of rows and measures what people wait for.
//!
//! `cargo run --release -p backstay-catalog --example scale -- --database sqlite:PATH [--snapshots N] [--events N] [--keep]
//! [--only WORDS] [--json]`
//!
//! Without `--database` it is the one that `BACKSTAY_DATABASE` names, which is the way for a URL with a password.
//! The database must be fresh, or filled by an earlier run with the same numbers (`--keep` skips the filling). With `--only` just the
//! lists whose name has these words are measured. The last line on stdout is one JSON object; progress goes to stderr.

mod queries;
mod table;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use backstay_catalog::testing::{FillOptions, Generator, fill};
use backstay_catalog::{Catalog, CatalogOptions, EventFilter, Paging, SnapshotFilter};
use backstay_model::{EventData, EventDraft, Outcome, SnapshotState, Subject, TenantId};
use futures_util::StreamExt;
use serde_json::{Value as Json, json};

use crate::queries::{event_lists, snapshot_lists};
use crate::table::{ROUNDS, Table};

struct Arguments {
    database: String,
    snapshots: u64,
    events: u64,
    keep: bool,
    only: Option<String>,
    json: bool,
}

fn arguments() -> Result<Arguments> {
    let mut found = Arguments {
        database: std::env::var("BACKSTAY_DATABASE").unwrap_or_default(),
        snapshots: 1_000_000,
        events: 5_000_000,
        keep: false,
        only: None,
        json: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "--database" => found.database = value()?,
            "--snapshots" => found.snapshots = value()?.parse()?,
            "--events" => found.events = value()?.parse()?,
            "--only" => found.only = Some(value()?),
            "--keep" => found.keep = true,
            "--json" => found.json = true,
            other => bail!("unknown argument {other}"),
        }
    }
    if found.database.is_empty() {
        bail!("neither --database nor BACKSTAY_DATABASE names a database");
    }
    Ok(found)
}

fn main() -> Result<()> {
    let arguments = arguments()?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(&arguments))
}

async fn run(arguments: &Arguments) -> Result<()> {
    let generator = Generator::new(arguments.snapshots, arguments.events);
    let mut fill_seconds = None;
    if !arguments.keep {
        let options = CatalogOptions { cache_kib: 256 * 1024, ..CatalogOptions::default() };
        let catalog = Catalog::open(&arguments.database, &options).await?;
        let begun = Instant::now();
        let progress = |what: &str, rows: u64| {
            if rows.is_multiple_of(500_000) {
                eprintln!("{:>7.1} s  {what} {rows}", begun.elapsed().as_secs_f64());
            }
        };
        fill(&catalog, &FillOptions { generator: generator.clone(), progress: &progress }).await?;
        fill_seconds = Some(begun.elapsed().as_secs_f64());
        catalog.close().await;
    }
    let catalog = Catalog::open(&arguments.database, &CatalogOptions::default()).await?;
    let database_bytes = arguments
        .database
        .strip_prefix("sqlite:")
        .and_then(|path| std::fs::metadata(path).ok())
        .map(|metadata| metadata.len());

    let mut table = Table::default();
    for round in 0..ROUNDS {
        eprintln!("round {} of {ROUNDS}", round + 1);
        measure_queries(&catalog, &generator, arguments, &mut table).await?;
    }
    let queries = table.summary();
    if arguments.only.is_some() {
        println!("{:#}", json!(queries));
        return Ok(());
    }
    let export = export(&catalog).await?;
    let verify = verify(&catalog).await?;
    let concurrent = concurrent(&catalog, &generator).await?;
    let result = json!({
        "backend": if arguments.database.starts_with("postgres") { "postgres" } else { "sqlite" },
        "snapshots": arguments.snapshots,
        "events": arguments.events,
        "fill_seconds": fill_seconds,
        "database_bytes": database_bytes,
        "queries": queries,
        "export": export,
        "verify": verify,
        "concurrent": concurrent,
    });
    if arguments.json {
        println!("{result}");
    } else {
        println!("{result:#}");
    }
    Ok(())
}

/// Asks everything that people wait for, once each round.
async fn measure_queries(
    catalog: &Catalog,
    generator: &Generator,
    arguments: &Arguments,
    table: &mut Table,
) -> Result<()> {
    let wanted = |name: &str| arguments.only.as_ref().is_none_or(|only| name.contains(only));
    for (name, limit_ms, filter, paging) in
        snapshot_lists(generator).into_iter().filter(|list| wanted(list.0))
    {
        table.measure(name, limit_ms, || list(catalog, &filter, &paging)).await?;
    }
    for (name, limit_ms, filter, paging) in event_lists(generator).into_iter().filter(|list| wanted(list.0)) {
        table.measure(name, limit_ms, || search(catalog, &filter, &paging)).await?;
    }
    if arguments.only.is_some() {
        return Ok(());
    }
    let mut number = 0;
    table
        .measure("show a snapshot", Some(5.0), || {
            number += 7919;
            show(catalog, generator, number % arguments.snapshots)
        })
        .await?;
    table.measure("append an event durably", None, || append(catalog, generator)).await?;
    table.measure("a fixed computation", None, fixed_computation).await
}

async fn list(catalog: &Catalog, filter: &SnapshotFilter, paging: &Paging) -> Result<u64> {
    Ok(catalog.read().await?.list_snapshots(filter, paging).await?.total)
}

async fn search(catalog: &Catalog, filter: &EventFilter, paging: &Paging) -> Result<u64> {
    Ok(catalog.read().await?.list_events(filter, paging).await?.total)
}

async fn show(catalog: &Catalog, generator: &Generator, number: u64) -> Result<u64> {
    let id = generator.snapshot_id(number);
    catalog.read().await?.snapshot(&id).await?.context("a generated snapshot is there")?;
    Ok(1)
}

/// About a millisecond of work that waits for nothing: what its times differ by is the machine's doing.
async fn fixed_computation() -> Result<u64> {
    let bytes = vec![7u8; 1 << 20];
    let mut hasher = DefaultHasher::new();
    black_box(&bytes).hash(&mut hasher);
    black_box(hasher.finish());
    Ok(0)
}

/// One event per transaction, one writer.
async fn append(catalog: &Catalog, generator: &Generator) -> Result<u64> {
    let mut tx = catalog.begin().await?;
    tx.record(EventDraft {
        at: generator.start.plus_seconds(366 * 86_400),
        tenant: TenantId::default_tenant(),
        actor: generator.actor(1),
        action: "bench.appended".into(),
        kind: None,
        source: None,
        subject: Subject::new("bench", &0),
        outcome: Outcome::Ok,
        data: EventData::empty(),
        request_id: None,
    });
    tx.commit().await?;
    Ok(1)
}

async fn export(catalog: &Catalog) -> Result<Json> {
    reset_peak();
    let before = memory("VmRSS:");
    let begun = Instant::now();
    let mut groups = catalog.read().await?.export_events(&EventFilter::default()).await?;
    let (mut events, mut bytes) = (0u64, 0u64);
    let mut line = Vec::new();
    while let Some(group) = groups.next().await {
        for event in group? {
            line.clear();
            serde_json::to_writer(&mut line, &event)?;
            bytes += line.len() as u64 + 1;
            events += 1;
        }
    }
    let rate = events as f64 / begun.elapsed().as_secs_f64();
    let peak = memory("VmHWM:");
    eprintln!(
        "     export: {rate:.0} events/s, {bytes} bytes of JSON Lines, peak {} KiB above {} KiB",
        peak - before,
        before
    );
    Ok(json!({"events": events, "events_per_second": rate, "json_bytes": bytes, "peak_bytes": peak * 1024}))
}

async fn verify(catalog: &Catalog) -> Result<Json> {
    let begun = Instant::now();
    let report = catalog.read().await?.verify_chain().await?;
    if !report.is_whole() {
        bail!("the generated log is broken: {:?}", report.breaks.first());
    }
    let rate = report.events as f64 / begun.elapsed().as_secs_f64();
    eprintln!("     verify: {rate:.0} events/s");
    Ok(json!({"events": report.events, "events_per_second": rate}))
}

/// 100 clients, each lists, shows, searches and appends in turn.
async fn concurrent(catalog: &Catalog, generator: &Generator) -> Result<Json> {
    let mut clients = tokio::task::JoinSet::new();
    let begun = Instant::now();
    for client in 0..100u64 {
        let (catalog, generator) = (catalog.clone(), generator.clone());
        clients.spawn(async move {
            let mut times = Vec::new();
            let mut failures = 0u64;
            for round in 0..20u64 {
                let begun = Instant::now();
                let done = one_request(&catalog, &generator, client, round).await;
                failures += u64::from(done.is_err());
                times.push(begun.elapsed().as_secs_f64() * 1000.0);
            }
            (times, failures)
        });
    }
    let (mut times, mut failures) = (Vec::new(), 0);
    while let Some(done) = clients.join_next().await {
        let (some, failed) = done?;
        times.extend(some);
        failures += failed;
    }
    times.sort_by(f64::total_cmp);
    let rate = times.len() as f64 / begun.elapsed().as_secs_f64();
    let p99 = times[(times.len() - 1) * 99 / 100];
    eprintln!(
        "     100 clients: {rate:.0} requests/s, {:.1} ms p50, {p99:.1} ms p99, {failures} failures",
        times[times.len() / 2]
    );
    Ok(json!({
        "clients": 100, "requests": times.len(), "requests_per_second": rate, "p50_ms": times[times.len() / 2],
        "p99_ms": p99, "failures": failures,
    }))
}

async fn one_request(catalog: &Catalog, generator: &Generator, client: u64, round: u64) -> Result<()> {
    let tenant = Some(TenantId::default_tenant());
    match round % 4 {
        0 => {
            let filter =
                SnapshotFilter { tenant, states: vec![SnapshotState::Ready], ..SnapshotFilter::default() };
            catalog.read().await?.list_snapshots(&filter, &Paging::first(50)).await?;
        }
        1 => {
            let id = generator.snapshot_id((client * 9973 + round * 31) % generator.snapshots);
            catalog.read().await?.snapshot(&id).await?.context("a generated snapshot is there")?;
        }
        2 => {
            let filter =
                EventFilter { tenant, actor: Some(generator.actor(client).id), ..EventFilter::default() };
            catalog.read().await?.list_events(&filter, &Paging::first(50)).await?;
        }
        _ => {
            let mut tx = catalog.begin().await?;
            tx.record(EventDraft {
                at: generator.start.plus_seconds(366 * 86_400),
                tenant: TenantId::default_tenant(),
                actor: generator.actor(client),
                action: "bench.appended".into(),
                kind: None,
                source: None,
                subject: Subject::new("bench", &round),
                outcome: Outcome::Ok,
                data: EventData::empty(),
                request_id: None,
            });
            tx.commit().await?;
        }
    }
    Ok(())
}

/// A line of `/proc/self/status`, in KiB; 0 where there is none.
fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").ok();
}
