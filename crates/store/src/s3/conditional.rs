//! Creating an object on S3 only when there is none.

use std::sync::Arc;

use bytes::Bytes;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutPayload};

use super::Shared;
use super::failure::S3Failure;
use crate::error::{StoreError, StoreErrorKind};
use crate::name::ObjectName;
use crate::store::PutOutcome;

/// What one try to create an object came to.
enum Attempt {
    Created,
    /// There was an object before, or another writer is at it just now.
    Taken,
    /// The server does not know conditional writes.
    Unsupported,
    /// The answer was lost or says nothing of the object.
    Ambiguous(S3Failure),
}

/// Creates the object with `If-None-Match: *`.
///
/// A request whose answer is lost is repeated, and the repetition meets what the first one wrote; so after a lost
/// answer an object of the same bytes counts as created by this call.
pub(super) fn put_new(
    shared: &Arc<Shared>,
    name: &ObjectName,
    data: &[u8],
) -> Result<PutOutcome, StoreError> {
    // A server that overlooks the condition would replace what is there; looking first leaves it no more than a race.
    if shared.head(name)?.is_some() {
        return Ok(PutOutcome::Exists);
    }
    let data = Bytes::copy_from_slice(data);
    let mut answer_was_lost = false;
    let mut pause = shared.retry.first_pause;
    for tries_left in (0..=shared.retry.max_retries).rev() {
        let failure = match attempt(shared, name, data.clone())? {
            Attempt::Created => return Ok(PutOutcome::Created),
            Attempt::Unsupported => return put_and_look(shared, name, &data),
            Attempt::Taken => match shared.read(name) {
                Ok(found) if answer_was_lost && found == data => return Ok(PutOutcome::Created),
                Ok(_) => return Ok(PutOutcome::Exists),
                // The other writer failed, or the object was deleted at once: the name is free again.
                Err(error) if error.kind == StoreErrorKind::NotFound => {
                    S3Failure::local(StoreErrorKind::Unavailable, "other writers are at the same object")
                }
                Err(error) => return Err(error),
            },
            Attempt::Ambiguous(failure) => {
                answer_was_lost = true;
                failure
            }
        };
        if tries_left == 0 {
            return Err(shared.failed("write", name.as_str(), failure));
        }
        shared.pause(pause);
        pause = (pause * 2).min(shared.retry.longest_pause);
    }
    Err(StoreError::new(StoreErrorKind::Unavailable, "write", name, &shared.location))
}

fn attempt(shared: &Arc<Shared>, name: &ObjectName, data: Bytes) -> Result<Attempt, StoreError> {
    let (client, path) = (shared.unrepeated.clone(), shared.path(name));
    let payload = PutPayload::from(data);
    let outcome =
        shared.runtime.wait(async move { client.put_opts(&path, payload, PutMode::Create.into()).await });
    match outcome {
        Some(Ok(_)) => Ok(Attempt::Created),
        Some(Err(Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotModified { .. })) => {
            Ok(Attempt::Taken)
        }
        Some(Err(Error::NotImplemented { .. })) => Ok(Attempt::Unsupported),
        Some(Err(error)) => match S3Failure::of(&error) {
            failure if failure.is_unsupported => Ok(Attempt::Unsupported),
            failure if failure.is_ambiguous => Ok(Attempt::Ambiguous(failure)),
            failure => Err(shared.failed("write", name.as_str(), failure)),
        },
        None => Err(shared.panicked("write", name.as_str())),
    }
}

/// The way on a server without conditional writes: of two that write at once, the one whose bytes stay has won. Between
/// two such writers and a third that reads in between, this is no guarantee.
fn put_and_look(shared: &Arc<Shared>, name: &ObjectName, data: &Bytes) -> Result<PutOutcome, StoreError> {
    let (client, path, payload) = (shared.client.clone(), shared.path(name), PutPayload::from(data.clone()));
    shared.wait("write", name, async move { client.put(&path, payload).await.map(drop) })?;
    Ok(if shared.read(name)? == *data { PutOutcome::Created } else { PutOutcome::Exists })
}
