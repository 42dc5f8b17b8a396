//! Fills a catalog with a year of rows and measures what people wait for.
//!
//! `cargo run --release -p backstay-catalog --example scale -- --database sqlite:PATH [--snapshots N] [--events N] [--keep]
//! [--only WORDS] [--json]`
//!
//! Without `--database` it is the one that `BACKSTAY_DATABASE` names, which is the way for a URL with a password.
//! The database must be fresh, or filled by an earlier run with the same numbers (`--keep` skips the filling). With `--only` just the
//! lists whose name has these words are measured. The last line on stdout is one JSON object; progress goes to stderr.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use backstay_catalog::testing::{FillOptions, Generator, fill};
use backstay_catalog::{Catalog, CatalogOptions, EventFilter, Paging, SnapshotFilter, Total};
use backstay_model::{EventData, EventDraft, Outcome, SnapshotState, Subject, TenantId, Trigger};
use futures_util::StreamExt;
use serde_json::{Value as Json, json};

/// How many times everything is measured; the figures are medians of the rounds. Other guests of the same hardware take it away for
/// some milliseconds now and then, in some minutes more than in others.
const ROUNDS: usize = 5;

/// How often a query runs in a round; a tenth of it when it is slow.
const RUNS: usize = 200;

/// How often it runs before that: each connection of the pool has then seen it, as in a server that has been up for a minute.
const WARM: usize = 16;

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

type SnapshotList = (&'static str, Option<f64>, SnapshotFilter, Paging);
type EventList = (&'static str, Option<f64>, EventFilter, Paging);

fn snapshot_lists(generator: &Generator) -> Vec<SnapshotList> {
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

fn event_lists(generator: &Generator) -> Vec<EventList> {
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

/// What was measured, query by query.
#[derive(Default)]
struct Table(Vec<Row>);

struct Row {
    name: &'static str,
    limit_ms: Option<f64>,
    total: u64,
    /// The times of each round in milliseconds, shortest first.
    rounds: Vec<Vec<f64>>,
}

impl Table {
    /// Runs `query` again and again, as one more round of its row.
    async fn measure<F: Future<Output = Result<u64>>>(
        &mut self,
        name: &'static str,
        limit_ms: Option<f64>,
        mut query: impl FnMut() -> F,
    ) -> Result<()> {
        let mut total = 0;
        for _ in 0..WARM {
            total = query().await?;
        }
        let first = Instant::now();
        query().await?;
        let runs = if first.elapsed() > Duration::from_millis(100) { RUNS / 10 } else { RUNS };
        let mut times = Vec::with_capacity(runs);
        for _ in 0..runs {
            let begun = Instant::now();
            query().await?;
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
        times.sort_by(f64::total_cmp);
        match self.0.iter_mut().find(|row| row.name == name) {
            Some(row) => row.rounds.push(times),
            None => self.0.push(Row { name, limit_ms, total, rounds: vec![times] }),
        }
        Ok(())
    }

    fn summary(&self) -> Vec<Json> {
        self.0.iter().map(Row::summary).collect()
    }
}

impl Row {
    /// The median over the rounds of what `share` of a round's times are not above.
    fn at(&self, share: f64) -> f64 {
        let of_round = |times: &Vec<f64>| times[((times.len() - 1) as f64 * share).round() as usize];
        let mut values: Vec<f64> = self.rounds.iter().map(of_round).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    }

    fn summary(&self) -> Json {
        let (p50, p99) = (self.at(0.5), self.at(0.99));
        let longest = self.rounds.iter().filter_map(|times| times.last()).copied().fold(0.0, f64::max);
        let mark = if self.limit_ms.is_some_and(|limit| p99 > limit) { "LATE" } else { "    " };
        eprintln!("{mark} {p50:>9.3} ms p50 {p99:>9.3} ms p99  {} ({})", self.name, self.total);
        json!({
            "name": self.name, "rounds": self.rounds.len(), "p50_ms": p50, "p99_ms": p99, "max_ms": longest,
            "limit_ms": self.limit_ms, "total": self.total,
        })
    }
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
