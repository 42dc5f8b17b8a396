//! The SQL catalog on SQLite and PostgreSQL: snapshots, events, tasks, users.
