//! Writing many stored files at once, block by block.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use backstay_repository::{Content, Extent, Location, Reader};
use backstay_source::RestoreContext;
use parking_lot::Mutex;
use rustix::io::Errno;

use crate::change_set::{Metadata, Rights};
use crate::error::{Result, WorkspaceError};
use crate::fs::Dir;

/// Files from this size on are written one after the other, each by all threads.
const LARGE_FILE_BYTES: u64 = 8 << 20;

/// A file to write.
#[derive(Debug)]
pub(super) struct FileJob {
    /// Where, below the directory given to [`write_files`]; nothing is there yet.
    pub(super) path: Vec<u8>,
    pub(super) content: Content,
    pub(super) metadata: Metadata,
}

/// Writes files. Every chunk is verified before its bytes are written; every block is opened once.
///
/// After an error some files are there and some are not; the caller removes the directory.
pub(super) fn write_files(
    target: &Dir,
    jobs: Vec<FileJob>,
    reader: &Reader,
    rights: &Rights,
    context: &RestoreContext,
) -> Result<u64> {
    let mut bytes = 0;
    let mut small = Vec::with_capacity(jobs.len());
    for job in jobs {
        bytes += job.content.length();
        if job.content.length() >= LARGE_FILE_BYTES {
            write_large(target, &job, reader, rights, context)?;
        } else {
            small.push((reader.first_location(&job.content)?, job));
        }
    }
    small.sort_by_key(|(location, _)| *location);
    let batches = batches(&small);
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let work = || {
        loop {
            let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
            for (_, job) in &small[batch.clone()] {
                let written = context
                    .cancel
                    .check()
                    .map_err(WorkspaceError::from)
                    .and_then(|()| write_small(target, job, reader, rights));
                if let Err(error) = written {
                    next.store(batches.len(), Ordering::Relaxed);
                    failure.lock().get_or_insert(error);
                    return;
                }
                context.progress.advance(1, job.content.length());
            }
            if let Some((_, job)) = small.get(batch.start) {
                context.progress.current(&job.path);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..context.threads.max(1).min(batches.len().max(1)) {
            scope.spawn(work);
        }
        work();
    });
    match failure.into_inner() {
        Some(error) => Err(error),
        None => Ok(bytes),
    }
}

/// Runs of files that lie in one block, so that no two threads open the same one.
fn batches(jobs: &[(Option<Location>, FileJob)]) -> Vec<std::ops::Range<usize>> {
    let mut batches = Vec::new();
    let mut start = 0;
    for at in 1..=jobs.len() {
        let block = |at: usize| jobs[at].0.map(|location| location.block);
        if at == jobs.len() || block(at) != block(start) {
            batches.push(start..at);
            start = at;
        }
    }
    batches
}

fn create(target: &Dir, job: &FileJob, rights: &Rights) -> Result<OwnedFd> {
    target
        .create_file(&job.path, rights.creation_mode(&job.metadata))
        .map_err(|errno| WorkspaceError::path("create", &job.path, errno))
}

fn write_small(target: &Dir, job: &FileJob, reader: &Reader, rights: &Rights) -> Result<()> {
    let file = create(target, job, rights)?;
    let failed = |errno| WorkspaceError::path("write", &job.path, errno);
    let mut offset = 0;
    let mut written_to = 0;
    for extent in reader.extents(&job.content) {
        let extent = extent?;
        if let Extent::Data { id, length } = extent {
            let data = reader.chunk(&id)?;
            if data.len() != length as usize {
                return Err(WorkspaceError::HostileTree {
                    reason: "a chunk has another length than its file says".to_owned(),
                });
            }
            write_at(&file, &data, offset).map_err(failed)?;
            written_to = offset + u64::from(length);
        }
        offset += extent.length();
    }
    if written_to < offset {
        rustix::fs::ftruncate(&file, offset).map_err(failed)?;
    }
    rights
        .finish_new_file(&file, &job.path, &job.metadata)
        .map_err(|errno| WorkspaceError::path("set the metadata of", &job.path, errno))
}

pub(super) fn write_at(file: &OwnedFd, mut data: &[u8], mut offset: u64) -> Result<(), Errno> {
    while !data.is_empty() {
        match rustix::io::pwrite(file, data, offset) {
            Ok(0) => return Err(Errno::NOSPC),
            Ok(length) => {
                data = &data[length..];
                offset += length as u64;
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

fn write_large(
    target: &Dir,
    job: &FileJob,
    reader: &Reader,
    rights: &Rights,
    context: &RestoreContext,
) -> Result<()> {
    context.cancel.check()?;
    context.progress.current(&job.path);
    let file = File::from(create(target, job, rights)?);
    reader.write_to_file(&job.content, &file, context.threads, &*context.progress, &context.cancel).map_err(
        |error| match error {
            backstay_repository::RepositoryError::Content { source, .. } => {
                WorkspaceError::Path { operation: "write", path: crate::fs::display(&job.path), source }
            }
            error => error.into(),
        },
    )?;
    context.progress.advance(1, 0);
    rights
        .finish_new_file(&OwnedFd::from(file), &job.path, &job.metadata)
        .map_err(|errno| WorkspaceError::path("set the metadata of", &job.path, errno))
}
