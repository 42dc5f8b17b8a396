//! The queue of saves, and the task that commits what waits in it together.

use std::sync::Arc;

use backstay_model::{Caller, ErrorKind};
use backstay_source_job::content::LARGE_BYTES;
use parking_lot::{Mutex, RwLock};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::batch::Batch;
use super::cache::ContentCache;
use super::keyring::Keyring;
use super::stored::PreparedContents;
use crate::error::{Result, ServiceError};
use crate::executions::{Completion, Fork};
use crate::service::{Service, WeakService};
use crate::view::{Checkpoint, Execution, NewCheckpoint, Step, ThreadDone, ThreadOperation};

/// How many requests share a transaction at most.
const MOST_REQUESTS: usize = 256;
/// How many bytes of states share a transaction at most.
const MOST_BYTES: usize = 32 << 20;
/// How many requests write large contents to the repository at the same time.
const LARGE_WRITERS: usize = 4;

/// What saving needs to keep at hand.
pub(crate) struct Saving {
    pub(crate) keyring: RwLock<Option<Keyring>>,
    pub(crate) cache: Mutex<ContentCache>,
    /// Turns of those that write large contents.
    pub(crate) large_writers: Semaphore,
    sender: Mutex<Option<mpsc::UnboundedSender<Request>>>,
}

impl Default for Saving {
    fn default() -> Self {
        Self {
            keyring: RwLock::default(),
            cache: Mutex::default(),
            large_writers: Semaphore::new(LARGE_WRITERS),
            sender: Mutex::default(),
        }
    }
}

/// One request that waits.
pub(crate) struct Request {
    pub(crate) caller: Caller,
    /// The id of the HTTP request.
    pub(crate) cause: Option<Arc<str>>,
    pub(crate) project: String,
    pub(crate) work: Work,
    /// What of it lies in the repository already.
    pub(crate) prepared: PreparedContents,
    pub(crate) reply: oneshot::Sender<Result<Answer>>,
}

/// What a request wants.
#[derive(Clone)]
pub(crate) enum Work {
    /// Save states: all or none, or each for itself.
    Create { new: Arc<Vec<Result<NewCheckpoint, ServiceError>>>, atomic: bool },
    /// Save typed checkpoints and pending writes, in order.
    Thread(Arc<Vec<ThreadOperation>>),
    /// End a step of an execution, with the state that it leaves.
    Complete(Arc<Completion>),
    /// Start an execution from another one, with the state that it begins with.
    Fork(Arc<Fork>),
}

/// What became of it.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Each state, in order.
    Created(Vec<Result<Checkpoint>>),
    /// Each operation, in order; `None` for one that was skipped.
    Threads(Vec<Option<Result<ThreadDone>>>),
    /// The step that ended.
    Completed(Box<Step>),
    /// The execution that started.
    Forked(Box<Execution>),
}

impl Request {
    /// How many bytes go through the transaction.
    fn bytes(&self) -> usize {
        match &self.work {
            Work::Create { new, .. } => {
                new.iter().map(|new| new.as_ref().map_or(0, |new| in_row(new.raw().len()))).sum()
            }
            Work::Thread(operations) => operations.iter().map(bytes_of).sum(),
            Work::Complete(completion) => {
                completion.end.state.as_ref().map_or(0, |state| in_row(state.as_str().len()))
            }
            Work::Fork(fork) => fork.state.as_ref().map_or(0, |(_, new)| in_row(new.raw().len())),
        }
    }
}

/// Of a large content the row holds the reference alone.
fn in_row(bytes: usize) -> usize {
    if bytes > LARGE_BYTES { 0 } else { bytes }
}

fn bytes_of(operation: &ThreadOperation) -> usize {
    match operation {
        ThreadOperation::Put(new) => {
            let values = new.changed.iter().map(|channel| in_row(channel.value.data.len()));
            new.head.data.len() + values.sum::<usize>()
        }
        ThreadOperation::PutWrites(new) => new.writes.iter().map(|write| write.value.data.len()).sum(),
    }
}

impl Service {
    /// Hands `work` to the queue, its large contents to the repository before, and waits until it is durable.
    pub(crate) async fn save(&self, caller: &Caller, project: &str, work: Work) -> Result<Answer> {
        // Opening the keys may take a transaction, so it comes first.
        self.keyring().await?;
        let prepared = self.prepare(caller, project, &work).await?;
        self.save_prepared(caller, project, work, prepared).await
    }

    /// Hands `work`, of which `prepared` lies in the repository, to the queue and waits until it is durable.
    pub(crate) async fn save_prepared(
        &self,
        caller: &Caller,
        project: &str,
        work: Work,
        prepared: PreparedContents,
    ) -> Result<Answer> {
        let (reply, answer) = oneshot::channel();
        let request = Request {
            caller: caller.clone(),
            cause: self.request_id(),
            project: project.to_owned(),
            work,
            prepared,
            reply,
        };
        self.saver().send(request).map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    fn forget_contents(&self) {
        *self.saving().cache.lock() = ContentCache::default();
    }

    fn saver(&self) -> mpsc::UnboundedSender<Request> {
        let mut sender = self.saving().sender.lock();
        if let Some(sender) = sender.as_ref().filter(|sender| !sender.is_closed()) {
            return sender.clone();
        }
        let (made, receiver) = mpsc::unbounded_channel();
        tokio::spawn(run(self.downgrade(), receiver));
        *sender = Some(made.clone());
        made
    }
}

fn stopped() -> ServiceError {
    ServiceError::internal("Could not save", "the task that saves ended")
}

/// Takes what waits and commits it, until the service is gone. While a commit is on its way to the disk, the next
/// requests gather.
async fn run(service: WeakService, mut receiver: mpsc::UnboundedReceiver<Request>) {
    while let Some(first) = receiver.recv().await {
        let mut bytes = first.bytes();
        let mut requests = vec![first];
        while requests.len() < MOST_REQUESTS && bytes < MOST_BYTES {
            let Ok(next) = receiver.try_recv() else { break };
            bytes += next.bytes();
            requests.push(next);
        }
        let Some(service) = service.upgrade() else { return };
        let kept = service.clone();
        // A defect in one batch ends that batch alone.
        if let Err(error) = tokio::spawn(async move { commit(&service, requests).await }).await {
            tracing::error!(%error, "a batch of saves did not end");
            kept.forget_contents();
        }
    }
}

/// Commits `requests` together. When the database refuses, each is tried alone, so that one bad row fails nobody else.
async fn commit(service: &Service, requests: Vec<Request>) {
    let error = match Batch::run(service, &requests).await {
        Ok(done) => {
            for (request, answer) in requests.into_iter().zip(done.answers) {
                let _ = request.reply.send(answer);
            }
            service.give_back(done.unused);
            return;
        }
        Err(error) => error,
    };
    // Numbers that were not committed are given again, so nothing may be remembered under them.
    service.forget_contents();
    let hopeless = matches!(error.kind, ErrorKind::Unavailable | ErrorKind::StorageFull | ErrorKind::Busy);
    if requests.len() == 1 || hopeless {
        for request in requests {
            let _ = request.reply.send(Err(error.repeated()));
        }
        return;
    }
    for request in requests {
        let answer = match Batch::run(service, std::slice::from_ref(&request)).await {
            Ok(mut done) => {
                service.give_back(done.unused);
                done.answers.pop().unwrap_or_else(|| Err(stopped()))
            }
            Err(error) => {
                service.forget_contents();
                Err(error)
            }
        };
        let _ = request.reply.send(answer);
    }
}
