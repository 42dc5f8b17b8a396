//! A store on an S3 server.

mod conditional;
mod connect;
mod failure;
mod runtime;
mod settings;
mod writer;

use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use backstay_model::Timestamp;
use bytes::Bytes;
use futures_util::StreamExt;
use object_store::aws::AmazonS3;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use crate::error::{StoreError, StoreErrorKind};
use crate::name::ObjectName;
use crate::prefix;
use crate::store::{ObjectMeta, ObjectWriter, PutOutcome, Store};
use failure::S3Failure;
use runtime::OwnRuntime;
pub use settings::{S3Credentials, S3Retry, S3Secret, S3Settings};

/// How many objects are deleted at the same time.
const PARALLEL_DELETES: usize = 16;

/// A store in a bucket of an S3 server: the object `packs/ab12` has the key `<prefix>/packs/ab12`.
///
/// S3 itself makes objects appear whole, durable and visible at once. Requests are signed over their content, repeated
/// with growing pauses when the server fails, and checked for completeness. An object up to 64 MiB is one request; a
/// larger one is sent in parts, and the parts of a writer that was killed stay until the bucket's rule for incomplete
/// uploads removes them. A writer holds its object in memory until `finish`.
///
/// [`Store::put_new`] is decided by the server (`If-None-Match`), atomically. On a server that refuses conditional
/// writes, or overlooks the condition, it looks first and writes then: two callers at the same moment may both believe
/// they created the object, and the later one's bytes stay.
#[derive(Debug)]
pub struct S3Store {
    shared: Arc<Shared>,
}

struct Shared {
    runtime: OwnRuntime,
    client: AmazonS3,
    /// For conditional writes, whose repetitions have to be seen.
    unrepeated: AmazonS3,
    /// Empty, or the prefix with a slash at its end.
    prefix: String,
    location: String,
    retry: S3Retry,
}

impl fmt::Debug for Shared {
    /// Leaves out the clients, which know the credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("location", &self.location).finish_non_exhaustive()
    }
}

impl S3Store {
    /// A store in `bucket` under `prefix`, which may be empty. Sends nothing; a wrong setting shows at the first use.
    pub fn open(bucket: &str, prefix: &str, settings: &S3Settings) -> Result<Self, StoreError> {
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let location = format!("s3://{bucket}/{prefix}").trim_end_matches('/').to_owned();
        let failed = |failure: S3Failure| {
            StoreError::about(failure.kind, "open", "the bucket", &location).with_source(failure)
        };
        if !is_bucket(bucket) || !is_prefix(prefix.trim_end_matches('/')) {
            return Err(failed(S3Failure::local(
                StoreErrorKind::Misconfigured,
                "a bucket takes 3 to 63 of a-z, 0-9, `.` and `-`; a prefix takes A-Z, a-z, 0-9, `.`, `_`, `-` and `/`",
            )));
        }
        let client = connect::connect(bucket, settings, true).map_err(failed)?;
        let unrepeated = connect::connect(bucket, settings, false).map_err(failed)?;
        let runtime = OwnRuntime::start()
            .map_err(|source| StoreError::from_io("open", "the bucket", &location, source))?;
        let retry = settings.retry.clone();
        Ok(Self { shared: Arc::new(Shared { runtime, client, unrepeated, prefix, location, retry }) })
    }
}

fn is_bucket(bucket: &str) -> bool {
    matches!(bucket.len(), 3..=63)
        && bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'))
        && !bucket.starts_with(['.', '-'])
}

fn is_prefix(prefix: &str) -> bool {
    let part_is_good = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    prefix.is_empty() || (prefix.len() <= 500 && prefix.split('/').all(part_is_good))
}

impl Shared {
    fn path(&self, name: &ObjectName) -> Path {
        Path::from(format!("{}{name}", self.prefix))
    }

    fn failed(&self, operation: &'static str, subject: &str, failure: S3Failure) -> StoreError {
        StoreError::about(failure.kind, operation, subject, &self.location).with_source(failure)
    }

    fn panicked(&self, operation: &'static str, subject: &str) -> StoreError {
        let failure =
            S3Failure::local(StoreErrorKind::Io, "the request was given up by a defect in the client");
        self.failed(operation, subject, failure)
    }

    /// Runs a request about `subject` and blocks until it is done.
    fn wait<T: Send + 'static>(
        &self,
        operation: &'static str,
        subject: impl AsRef<str>,
        request: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let subject = subject.as_ref();
        match self.runtime.wait(request) {
            Some(outcome) => outcome.map_err(|error| self.failed(operation, subject, S3Failure::of(&error))),
            None => Err(self.panicked(operation, subject)),
        }
    }

    fn pause(&self, pause: Duration) {
        self.runtime.wait(async move { tokio::time::sleep(pause).await });
    }

    fn read(&self, name: &ObjectName) -> Result<Bytes, StoreError> {
        let (client, path) = (self.client.clone(), self.path(name));
        self.wait("read", name, async move { client.get(&path).await?.bytes().await })
    }

    fn head(&self, name: &ObjectName) -> Result<Option<ObjectMeta>, StoreError> {
        let (client, path) = (self.client.clone(), self.path(name));
        match self.wait("read", name, async move { client.head(&path).await }) {
            Ok(meta) => Ok(Some(described(name.clone(), &meta))),
            Err(error) if error.kind == StoreErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn described(name: ObjectName, meta: &object_store::ObjectMeta) -> ObjectMeta {
    let modified = Timestamp::from_micros(meta.last_modified.timestamp_micros());
    ObjectMeta { name, size: meta.size, modified }
}

impl Store for S3Store {
    fn location(&self) -> &str {
        &self.shared.location
    }

    fn create(&self) -> Result<Box<dyn ObjectWriter>, StoreError> {
        Ok(Box::new(writer::S3Writer::new(Arc::clone(&self.shared))))
    }

    fn put_new(&self, name: &ObjectName, data: &[u8]) -> Result<PutOutcome, StoreError> {
        conditional::put_new(&self.shared, name, data)
    }

    fn get(&self, name: &ObjectName) -> Result<Bytes, StoreError> {
        self.shared.read(name)
    }

    fn get_range(&self, name: &ObjectName, range: Range<u64>) -> Result<Bytes, StoreError> {
        let shared = &self.shared;
        let out_of_range =
            || StoreError::new(StoreErrorKind::OutOfRange, "read", name, shared.location.as_str());
        if range.start >= range.end {
            // S3 has no empty ranges.
            return match shared.head(name)? {
                None => {
                    Err(StoreError::new(StoreErrorKind::NotFound, "read", name, shared.location.as_str()))
                }
                Some(meta) if range.start > range.end || range.start > meta.size => Err(out_of_range()),
                Some(_) => Ok(Bytes::new()),
            };
        }
        let (client, path, wanted) = (shared.client.clone(), shared.path(name), range.clone());
        let bytes = shared.wait("read", name, async move { client.get_range(&path, wanted).await })?;
        if bytes.len() as u64 == range.end - range.start { Ok(bytes) } else { Err(out_of_range()) }
    }

    fn head(&self, name: &ObjectName) -> Result<Option<ObjectMeta>, StoreError> {
        self.shared.head(name)
    }

    fn list(&self, prefix: &str, visit: &mut dyn FnMut(ObjectMeta) -> bool) -> Result<(), StoreError> {
        let shared = &self.shared;
        prefix::check(prefix, &shared.location)?;
        let slash = if prefix.is_empty() { "" } else { "/" };
        let start = format!("{}{prefix}{slash}", shared.prefix);
        let mut page_token = None;
        loop {
            let (client, start) = (shared.client.clone(), start.clone());
            let options = PaginatedListOptions { page_token, ..PaginatedListOptions::default() };
            let page = shared.wait("list", prefix, async move {
                client.list_paginated((!start.is_empty()).then_some(start.as_str()), options).await
            })?;
            for meta in &page.result.objects {
                let name = meta.location.as_ref().strip_prefix(shared.prefix.as_str()).unwrap_or_default();
                let Ok(name) = ObjectName::parse(name) else { continue };
                if !visit(described(name, meta)) {
                    return Ok(());
                }
            }
            page_token = page.page_token;
            if page_token.is_none() {
                return Ok(());
            }
        }
    }

    fn delete(&self, name: &ObjectName) -> Result<(), StoreError> {
        self.delete_many(std::slice::from_ref(name))
    }

    fn delete_many(&self, names: &[ObjectName]) -> Result<(), StoreError> {
        let shared = &self.shared;
        let requests: Vec<_> = names
            .iter()
            .map(|name| {
                let (client, path) = (shared.client.clone(), shared.path(name));
                async move { client.delete(&path).await }
            })
            .collect();
        let Some(first) = names.first() else { return Ok(()) };
        shared.wait("delete", first, async move {
            let mut answers = futures_util::stream::iter(requests).buffer_unordered(PARALLEL_DELETES);
            while let Some(answer) = answers.next().await {
                match answer {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        })
    }

    fn put(&self, name: &ObjectName, data: &[u8]) -> Result<(), StoreError> {
        let (client, path) = (self.shared.client.clone(), self.shared.path(name));
        let payload = PutPayload::from(Bytes::copy_from_slice(data));
        self.shared.wait("write", name, async move { client.put(&path, payload).await.map(drop) })
    }
}
