//! What the catalog promises, tested on SQLite and on PostgreSQL.
//!
//! PostgreSQL is found through `BACKSTAY_TEST_POSTGRES_URL`; each test gets a schema of its own. `tools/with-services`
//! starts a private server and sets the variable. With `BACKSTAY_TEST_SKIP_SERVICES=1` those tests are passed over.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod accounts;
mod chain;
mod concurrency;
mod events;
mod executions;
mod executors;
mod filled;
mod fixture;
mod jobs;
mod layouts;
mod lists;
mod opening;
mod operations;
mod plans;
mod search;
mod snapshots;
mod sources;
mod tasks;
mod totals;
mod webhooks;

/// Runs each function of the module on both databases.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let fixture = crate::fixture::Fixture::sqlite().await;
                super::$name(&fixture).await;
                fixture.finish().await;
            })+
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let Some(fixture) = crate::fixture::Fixture::postgres().await else { return };
                super::$name(&fixture).await;
                fixture.finish().await;
            })+
        }
    };
}
pub(crate) use on_both;
