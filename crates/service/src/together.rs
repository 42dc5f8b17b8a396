//! Reads that wait at the same time and are answered by one query.

use std::collections::HashMap;
use std::hash::Hash;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use crate::error::{Result, ServiceError};
use crate::service::{Service, WeakService};

/// How many keys one query looks up at most.
const MOST_KEYS: usize = 64;

/// Something that is looked up by key.
pub(crate) trait Lookup: Send + Sync + 'static {
    /// What names it.
    type Key: Clone + Eq + Hash + Send + Sync + 'static;
    /// What is found.
    type Found: Clone + Send + 'static;

    /// Finds those of `keys`, each different, that there are.
    fn look_up(
        service: &Service,
        keys: &[Self::Key],
    ) -> impl Future<Output = Result<HashMap<Self::Key, Self::Found>>> + Send;
}

/// The queue of those who ask. While a query runs the next ones gather, and share the query after it.
///
/// A query begins after everybody whom it answers has asked, so nobody sees anything older than if he had asked alone.
pub(crate) struct Together<L: Lookup> {
    sender: Mutex<Option<mpsc::UnboundedSender<Asked<L>>>>,
}

struct Asked<L: Lookup> {
    key: L::Key,
    reply: oneshot::Sender<Result<Option<L::Found>>>,
}

impl<L: Lookup> Default for Together<L> {
    fn default() -> Self {
        Self { sender: Mutex::new(None) }
    }
}

impl<L: Lookup> Together<L> {
    /// What `key` names; `None` when there is nothing.
    pub(crate) async fn find(&self, service: &Service, key: L::Key) -> Result<Option<L::Found>> {
        let (reply, answer) = oneshot::channel();
        self.sender(service).send(Asked { key, reply }).map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    fn sender(&self, service: &Service) -> mpsc::UnboundedSender<Asked<L>> {
        let mut sender = self.sender.lock();
        if let Some(sender) = sender.as_ref().filter(|sender| !sender.is_closed()) {
            return sender.clone();
        }
        let (made, receiver) = mpsc::unbounded_channel();
        tokio::spawn(run(service.downgrade(), receiver));
        *sender = Some(made.clone());
        made
    }
}

fn stopped() -> ServiceError {
    ServiceError::internal("Could not read", "the task that reads ended")
}

/// Answers what waits, until the service is gone.
async fn run<L: Lookup>(service: WeakService, mut receiver: mpsc::UnboundedReceiver<Asked<L>>) {
    while let Some(first) = receiver.recv().await {
        let mut asked = vec![first];
        while asked.len() < MOST_KEYS {
            let Ok(next) = receiver.try_recv() else { break };
            asked.push(next);
        }
        let Some(service) = service.upgrade() else { return };
        // A defect in one query ends that query alone.
        if let Err(error) = tokio::spawn(async move { answer(&service, asked).await }).await {
            tracing::error!(%error, "a query for several requests did not end");
        }
    }
}

async fn answer<L: Lookup>(service: &Service, asked: Vec<Asked<L>>) {
    let mut keys = Vec::with_capacity(asked.len());
    let mut last_of = HashMap::with_capacity(asked.len());
    for (place, Asked { key, .. }) in asked.iter().enumerate() {
        if last_of.insert(key.clone(), place).is_none() {
            keys.push(key.clone());
        }
    }
    let mut found = match L::look_up(service, &keys).await {
        Ok(found) => found,
        Err(error) => {
            for Asked { reply, .. } in asked {
                let _ = reply.send(Err(error.repeated()));
            }
            return;
        }
    };
    for (place, Asked { key, reply }) in asked.into_iter().enumerate() {
        let is_last = last_of.get(&key) == Some(&place);
        let _ = reply.send(Ok(if is_last { found.remove(&key) } else { found.get(&key).cloned() }));
    }
}
