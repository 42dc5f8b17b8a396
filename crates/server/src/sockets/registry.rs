//! The sockets that are open.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use backstay_api::telemetry::SocketInfo;
use backstay_model::{TenantId, Timestamp};

/// The sockets that are open, and those on their way.
#[derive(Debug, Default)]
pub(crate) struct Sockets(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    places: usize,
    by_id: BTreeMap<String, Arc<Socket>>,
}

/// An open socket.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) client_id: String,
    tenant: TenantId,
    connected_at: Timestamp,
    sent: AtomicU64,
    /// Microseconds since 1970; 0 before the first.
    last: AtomicI64,
}

/// A place, given back when it is dropped.
pub(super) struct Place<'s> {
    sockets: &'s Sockets,
    socket: Option<Arc<Socket>>,
}

impl Sockets {
    /// A place for one more, unless there are `most` already.
    pub(super) fn place(&self, most: usize) -> Option<Place<'_>> {
        let mut open = self.0.lock().expect("no holder of this lock panics");
        (open.places < most).then(|| {
            open.places += 1;
            Place { sockets: self, socket: None }
        })
    }

    /// How many are open, of all tenants.
    pub(crate) fn count(&self) -> u64 {
        self.0.lock().expect("no holder of this lock panics").by_id.len() as u64
    }

    /// Those of a tenant.
    pub(crate) fn of(&self, tenant: &TenantId) -> Vec<SocketInfo> {
        let open = self.0.lock().expect("no holder of this lock panics");
        open.by_id.values().filter(|socket| socket.tenant == *tenant).map(|socket| socket.info()).collect()
    }
}

impl Place<'_> {
    /// The one who has the place is known now.
    pub(super) fn occupy(&mut self, client_id: String, tenant: TenantId, now: Timestamp) -> Arc<Socket> {
        let socket = Arc::new(Socket {
            client_id: client_id.clone(),
            tenant,
            connected_at: now,
            sent: AtomicU64::new(0),
            last: AtomicI64::new(0),
        });
        let mut open = self.sockets.0.lock().expect("no holder of this lock panics");
        open.by_id.insert(client_id, Arc::clone(&socket));
        self.socket = Some(Arc::clone(&socket));
        socket
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut open = self.sockets.0.lock().expect("no holder of this lock panics");
        open.places -= 1;
        if let Some(socket) = &self.socket {
            open.by_id.remove(&socket.client_id);
        }
    }
}

impl Socket {
    /// So many frames were sent.
    pub(super) fn sent(&self, frames: u64, now: Timestamp) {
        self.sent.fetch_add(frames, Ordering::Relaxed);
        self.last.store(now.as_micros(), Ordering::Relaxed);
    }

    fn info(&self) -> SocketInfo {
        let last = self.last.load(Ordering::Relaxed);
        SocketInfo {
            client_id: self.client_id.clone(),
            connected_at: seconds(self.connected_at),
            messages_sent: self.sent.load(Ordering::Relaxed),
            last_message_at: (last != 0).then(|| seconds(Timestamp::from_micros(last))),
        }
    }
}

/// Seconds since 1970, as dashboards read times.
pub(crate) fn seconds(at: Timestamp) -> f64 {
    at.seconds_since(Timestamp::EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_and_given_back() {
        let (sockets, now) = (Sockets::default(), Timestamp::from_micros(5_000_000));
        let tenant = TenantId::default_tenant();
        let mut first = sockets.place(2).unwrap();
        let second = sockets.place(2).unwrap();
        assert!(sockets.place(2).is_none());
        assert_eq!(sockets.count(), 0, "nobody is known yet");
        let socket = first.occupy("a".to_owned(), tenant.clone(), now);
        socket.sent(3, now);
        let info = sockets.of(&tenant);
        assert_eq!(
            (info[0].messages_sent, info[0].connected_at, info[0].last_message_at),
            (3, 5.0, Some(5.0))
        );
        assert!(sockets.of(&TenantId::parse("other").unwrap()).is_empty());
        drop(second);
        drop(first);
        assert!(sockets.of(&tenant).is_empty() && sockets.place(1).is_some());
    }
}
