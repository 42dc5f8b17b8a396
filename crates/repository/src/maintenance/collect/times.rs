//! How old things are for a collection.

use std::time::Duration;

use backstay_model::Timestamp;

/// Ages by the clock of the store, and how old is old enough.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// The store's time before anything was looked at: what is old now was old then.
    pub(super) now: Timestamp,
    /// The grace period of this collection.
    pub(super) grace: Duration,
    /// The grace period of the repository, by which captures go.
    pub(super) captures_grace: Duration,
}

impl Times {
    /// How long ago something happened; nothing when it is yet to come, for the clock may have been put back.
    pub(super) fn age(&self, since: Timestamp) -> Duration {
        Duration::try_from_secs_f64(self.now.seconds_since(since)).unwrap_or_default()
    }

    /// The grace period and a little more, since some stores know the time to the second only.
    pub(super) fn waiting_time(&self) -> Duration {
        with_margin(self.grace)
    }

    /// How long captures must find what collections tell them: a capture at work for longer looks at everything again.
    pub(super) fn telling_time(&self) -> Duration {
        with_margin(self.grace.max(self.captures_grace))
    }
}

fn with_margin(period: Duration) -> Duration {
    period + (period / 10).min(Duration::from_mins(5))
}
