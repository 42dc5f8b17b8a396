//! Inserting many rows: several per statement, with the indexes built afterwards.

use std::collections::HashMap;

use crate::error::Result;
use crate::session::Session;
use crate::sql::{Fields, Value, sql};

const ROWS_PER_STATEMENT: usize = 100;

/// Collects rows of one table and inserts them in groups.
pub(super) struct Inserter {
    head: &'static str,
    row: String,
    width: usize,
    values: Vec<Value>,
}

impl Inserter {
    /// Inserts with `head`, for example `INSERT INTO t (a, b)`; `row` stands for one row with `{}` for each value.
    pub(super) fn new(head: &'static str, row: &str) -> Self {
        Self { head, row: row.to_owned(), width: row.matches("{}").count(), values: Vec::new() }
    }

    pub(super) async fn add(
        &mut self,
        session: &mut Session,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<()> {
        self.values.extend(values);
        if self.values.len() >= self.width * ROWS_PER_STATEMENT {
            self.flush(session).await?;
        }
        Ok(())
    }

    pub(super) async fn flush(&mut self, session: &mut Session) -> Result<()> {
        if self.values.is_empty() {
            return Ok(());
        }
        let values = std::mem::take(&mut self.values);
        let mut text = format!("{} VALUES ", self.head);
        for row in 0..values.len() / self.width {
            if row > 0 {
                text.push(',');
            }
            let mut place = row * self.width;
            for (index, part) in self.row.split("{}").enumerate() {
                if index > 0 {
                    place += 1;
                    // SQLite takes `$1` for a name, and looking thousands of names up is what would take the time.
                    if session.is_postgres() {
                        text.push('$');
                        text.push_str(&place.to_string());
                    } else {
                        text.push('?');
                    }
                }
                text.push_str(part);
            }
        }
        session.execute(sql("insert generated rows", text).bind_all(values)).await.map(|_| ())
    }
}

/// What was taken away from the big tables for the time of the filling.
pub(super) struct Stripped {
    put_back: Vec<String>,
}

impl Stripped {
    /// Takes indexes and triggers of the filled tables away.
    pub(super) async fn strip(session: &mut Session) -> Result<Self> {
        let postgres = session.is_postgres();
        let text = if postgres {
            "SELECT CAST(indexname AS TEXT), indexdef FROM pg_indexes WHERE schemaname = current_schema()
                 AND tablename IN ('snapshots', 'events', 'event_text', 'snapshot_text')
                 AND indexname NOT LIKE '%\\_pkey' AND indexname <> 'snapshots_by_id'"
        } else {
            "SELECT name, sql, upper(type) FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL
                 AND tbl_name IN ('snapshots', 'events') AND name <> 'snapshots_by_id'"
        };
        let mut put_back = Vec::new();
        for row in &session.raw(sql("look at the schema", text)).await? {
            let mut fields = Fields::new("schema", row);
            let (name, definition, what) = if postgres {
                (fields.text()?, fields.text()?, "INDEX".to_owned())
            } else {
                (fields.text()?, fields.text()?, fields.text()?)
            };
            session.execute(sql("strip the schema", format!("DROP {what} {name}"))).await?;
            put_back.push(definition);
        }
        if postgres {
            for table in ["snapshots", "events"] {
                let text = format!("ALTER TABLE {table} DISABLE TRIGGER USER");
                session.execute(sql("strip the schema", text)).await?;
                put_back.push(format!("ALTER TABLE {table} ENABLE TRIGGER USER"));
            }
        }
        Ok(Self { put_back })
    }

    pub(super) async fn put_back(self, session: &mut Session) -> Result<()> {
        for text in self.put_back {
            session.execute(sql("restore the schema", text)).await?;
        }
        Ok(())
    }
}

/// Counters as the triggers would have kept them.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) counts: HashMap<(String, i64, i64, i64), [i64; 4]>,
}

impl Counters {
    /// Counts a row at `at` in `scope`, in buckets of these widths.
    pub(super) fn count(&mut self, scope: &str, widths: &[i64], at: i64, facet: i64, sizes: [u64; 3]) {
        for width in widths {
            let bucket = if *width == 0 { 0 } else { at / (width * 1_000_000) };
            let entry = self.counts.entry((scope.to_owned(), *width, bucket, facet)).or_default();
            entry[0] += 1;
            for (sum, size) in entry[1..].iter_mut().zip(sizes) {
                *sum += size as i64;
            }
        }
    }
}
