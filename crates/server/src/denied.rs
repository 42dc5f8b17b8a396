//! Notes requests that were refused before a use case ran.
//!
//! Each leaves an event, but not without limit: who cannot even sign in must not be able to fill the log.

use std::sync::Mutex;

use backstay_model::{Actor, ActorKind, Caller, Role, Subject, TenantId, Timestamp};

use crate::state::AppState;

/// So many refusals are noted in a minute; the others are only counted (`backstay_denied_unrecorded_total`).
const PER_MINUTE: u32 = 60;

/// How many refusals were noted in the present minute.
#[derive(Debug, Default)]
pub(crate) struct DeniedLimit(Mutex<(i64, u32)>);

impl DeniedLimit {
    fn take(&self, now: Timestamp) -> bool {
        let minute = now.as_seconds().div_euclid(60);
        let mut window = self.0.lock().expect("no holder of this lock panics");
        if window.0 != minute {
            *window = (minute, 0);
        }
        window.1 += 1;
        window.1 <= PER_MINUTE
    }
}

/// Notes that somebody unknown was refused, `remote` being the address.
pub(crate) async fn record_unknown(state: &AppState, action: &str, remote: &str, detail: &str) {
    let actor = Actor { kind: ActorKind::Anonymous, id: "anonymous".to_owned(), name: remote.to_owned() };
    let caller = Caller { actor, tenant: TenantId::default_tenant(), role: Role::Viewer };
    record(state, &caller, action, Subject::new("address", remote), detail).await;
}

/// Notes that `caller` was refused.
pub(crate) async fn record(state: &AppState, caller: &Caller, action: &str, subject: Subject, detail: &str) {
    if !state.denied().take(state.service().clock().now()) {
        metrics::counter!("backstay_denied_unrecorded_total").increment(1);
        return;
    }
    if let Err(error) = state.service().record_denied(caller, action, subject, detail).await {
        tracing::warn!(error.message = %error, "a refused request could not be noted in the event log");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_fills_no_log() {
        let limit = DeniedLimit::default();
        let now = Timestamp::from_micros(1_767_435_330_000_000);
        assert_eq!((0..1000).filter(|_| limit.take(now)).count(), PER_MINUTE as usize);
        assert!(limit.take(now.plus_seconds(60)));
    }
}
