//! Measures queries in rounds.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value as Json, json};

/// How many times everything is measured; the figures are medians of the rounds. Other guests of the same hardware take it away for
/// some milliseconds now and then, in some minutes more than in others.
pub(crate) const ROUNDS: usize = 5;

/// How often a query runs in a round; a tenth of it when it is slow.
const RUNS: usize = 200;

/// How often it runs before that: each connection of the pool has then seen it, as in a server that has been up for a minute.
const WARM: usize = 16;

/// What was measured, query by query.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

struct Row {
    name: &'static str,
    limit_ms: Option<f64>,
    total: u64,
    /// The times of each round in milliseconds, shortest first.
    rounds: Vec<Vec<f64>>,
}

impl Table {
    /// Runs `query` again and again, as one more round of its row.
    pub(crate) async fn measure<F: Future<Output = Result<u64>>>(
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

    pub(crate) fn summary(&self) -> Vec<Json> {
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
