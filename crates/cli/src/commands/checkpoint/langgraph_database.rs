//! The SQLite databases of LangGraph's saver, read page by page. Nothing is changed, and no object is built from what they hold.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use backstay_model::ErrorKind;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions, Row, SqliteConnection};

use crate::failure::Failure;

/// The longest value that is read: more than a server takes.
const MOST_BYTES: i64 = 65 << 20;
/// How many checkpoints are read at once.
const PAGE: i64 = 8;
/// The most pending writes of a checkpoint, and what they may have together.
const MOST_WRITES: i64 = 10_000;

/// How a file of SQLite begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Whether there is a database of SQLite at `path`.
pub(super) fn is_database(path: &Path) -> bool {
    let mut begin = [0; 16];
    File::open(path).and_then(|mut file| file.read_exact(&mut begin)).is_ok() && begin == *MAGIC
}

/// Which checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) thread: String,
    pub(super) namespace: String,
    pub(super) id: String,
}

/// A checkpoint as the database holds it.
pub(super) struct Stored {
    pub(super) key: Key,
    pub(super) parent: Option<String>,
    pub(super) value_type: Option<String>,
    /// `None` when it is too long.
    pub(super) bytes: Option<Vec<u8>>,
    /// JSON; `None` when it is absent or too long.
    pub(super) metadata: Option<Vec<u8>>,
}

/// A pending write.
pub(super) struct StoredWrite {
    pub(super) task: String,
    pub(super) task_path: String,
    pub(super) index: i64,
    pub(super) channel: String,
    pub(super) value_type: Option<String>,
    pub(super) bytes: Vec<u8>,
}

/// An opened database, seen as it was when it was opened.
pub(super) struct Database {
    connection: SqliteConnection,
    name: String,
    task_path: &'static str,
}

impl Database {
    /// Opens it for reading.
    pub(super) async fn open(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let failed = |error: &sqlx::Error| unreadable(&name, error);
        let options = SqliteConnectOptions::new().filename(path).read_only(true).disable_statement_logging();
        let mut connection = options.connect().await.map_err(|error| failed(&error))?;
        sqlx::query("BEGIN").execute(&mut connection).await.map_err(|error| failed(&error))?;
        let text = "SELECT (SELECT count(*) FROM pragma_table_info('checkpoints') WHERE name IN ('thread_id', 'checkpoint_ns',
                        'checkpoint_id', 'parent_checkpoint_id', 'type', 'checkpoint', 'metadata')),
                    (SELECT count(*) FROM pragma_table_info('writes') WHERE name IN ('thread_id', 'checkpoint_ns', 'checkpoint_id',
                        'task_id', 'idx', 'channel', 'type', 'value')),
                    (SELECT count(*) FROM pragma_table_info('writes') WHERE name = 'task_path')";
        let row = sqlx::query(text).fetch_one(&mut connection).await.map_err(|error| failed(&error))?;
        let columns = |place| row.try_get::<i64, _>(place).unwrap_or_default();
        if (columns(0), columns(1)) != (7, 8) {
            return Err(Failure::new(
                ErrorKind::Invalid,
                format!("{name} holds no checkpoints of LangGraph"),
            )
            .hint("its saver for SQLite makes the tables `checkpoints` and `writes`"));
        }
        // Older savers had no such column.
        let task_path = if columns(2) == 1 { "task_path" } else { "''" };
        Ok(Self { connection, name, task_path })
    }

    /// The next checkpoints after `key`, by thread, namespace and id: a parent comes before what follows it.
    pub(super) async fn page(&mut self, after: &Key) -> Result<Vec<Stored>, Failure> {
        let text = "SELECT thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type,
                        CASE WHEN length(checkpoint) <= $4 THEN CAST(checkpoint AS BLOB) END,
                        CASE WHEN length(metadata) <= $4 THEN CAST(metadata AS BLOB) END
                    FROM checkpoints WHERE (thread_id, checkpoint_ns, checkpoint_id) > ($1, $2, $3)
                    ORDER BY thread_id, checkpoint_ns, checkpoint_id LIMIT $5";
        let query = sqlx::query(text)
            .bind(&after.thread)
            .bind(&after.namespace)
            .bind(&after.id)
            .bind(MOST_BYTES)
            .bind(PAGE);
        let rows =
            query.fetch_all(&mut self.connection).await.map_err(|error| unreadable(&self.name, &error))?;
        let read = |row: &SqliteRow| -> Result<Stored, sqlx::Error> {
            Ok(Stored {
                key: Key { thread: row.try_get(0)?, namespace: row.try_get(1)?, id: row.try_get(2)? },
                parent: row.try_get(3)?,
                value_type: row.try_get(4)?,
                bytes: row.try_get(5)?,
                metadata: row.try_get(6)?,
            })
        };
        rows.iter().map(read).collect::<Result<_, _>>().map_err(|error| unreadable(&self.name, &error))
    }

    /// The pending writes of a checkpoint by task and index; the inner error tells why they are not read.
    pub(super) async fn writes(&mut self, key: &Key) -> Result<Result<Vec<StoredWrite>, String>, Failure> {
        let of = "FROM writes WHERE thread_id = $1 AND checkpoint_ns = $2 AND checkpoint_id = $3";
        let text = format!("SELECT count(*), coalesce(sum(length(CAST(value AS BLOB))), 0) {of}");
        let query =
            sqlx::query(sqlx::AssertSqlSafe(text)).bind(&key.thread).bind(&key.namespace).bind(&key.id);
        let failed = |error: &sqlx::Error| unreadable(&self.name, error);
        let row = query.fetch_one(&mut self.connection).await.map_err(|error| failed(&error))?;
        let (count, bytes): (i64, i64) =
            row.try_get(0).and_then(|count| Ok((count, row.try_get(1)?))).map_err(|error| failed(&error))?;
        if count > MOST_WRITES || bytes > MOST_BYTES {
            return Ok(Err(format!("its {count} pending writes have {bytes} bytes, which is too much")));
        }
        let text = format!(
            "SELECT task_id, {}, idx, channel, type, CAST(value AS BLOB) {of} ORDER BY task_id, idx",
            self.task_path
        );
        let query =
            sqlx::query(sqlx::AssertSqlSafe(text)).bind(&key.thread).bind(&key.namespace).bind(&key.id);
        let rows = query.fetch_all(&mut self.connection).await.map_err(|error| failed(&error))?;
        let read = |row: &SqliteRow| -> Result<StoredWrite, sqlx::Error> {
            Ok(StoredWrite {
                task: row.try_get(0)?,
                task_path: row.try_get(1)?,
                index: row.try_get(2)?,
                channel: row.try_get(3)?,
                value_type: row.try_get(4)?,
                bytes: row.try_get::<Option<Vec<u8>>, _>(5)?.unwrap_or_default(),
            })
        };
        rows.iter().map(read).collect::<Result<_, _>>().map(Ok).map_err(|error| failed(&error))
    }

    /// How many pending writes belong to no checkpoint.
    pub(super) async fn lone_writes(&mut self) -> Result<i64, Failure> {
        let text = "SELECT count(*) FROM writes w WHERE NOT EXISTS (SELECT 1 FROM checkpoints c WHERE c.thread_id = w.thread_id
                        AND c.checkpoint_ns = w.checkpoint_ns AND c.checkpoint_id = w.checkpoint_id)";
        let count = sqlx::query_scalar(text).fetch_one(&mut self.connection).await;
        count.map_err(|error| unreadable(&self.name, &error))
    }
}

fn unreadable(name: &str, error: &sqlx::Error) -> Failure {
    Failure::new(ErrorKind::Invalid, format!("cannot read the database {name}")).because(error.to_string())
}
