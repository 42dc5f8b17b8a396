//! The use cases on a real catalog, a real repository and a real directory; each on SQLite and on PostgreSQL.
//!
//! `tools/with-services` starts the PostgreSQL. With `BACKSTAY_TEST_SKIP_SERVICES=1` those tests are passed over.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod approvals;
mod audit;
mod checkpoints;
mod execution_table;
mod executions;
mod executors;
mod fixture;
mod forks;
mod groups;
mod hooks;
mod jobs;
mod large_states;
mod live_training;
mod probes;
mod recovery;
mod restoring;
mod resumes;
mod snapshots;
mod tasks;
mod training;
mod training_restore;
mod webhooks;

/// Runs each function of the module on both databases, with a service of these settings.
macro_rules! on_both {
    ($settings:expr; $($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                let database = crate::fixture::Database::sqlite();
                let fixture = crate::fixture::Fixture::with(database, $settings).await;
                super::$name(&fixture).await;
            })+
        }

        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                let Some(database) = crate::fixture::Database::postgres() else { return };
                let fixture = crate::fixture::Fixture::with(database, $settings).await;
                super::$name(&fixture).await;
            })+
        }
    };
    ($($name:ident),+ $(,)?) => { $crate::on_both!(crate::fixture::settings(); $($name),+); };
}
pub(crate) use on_both;
