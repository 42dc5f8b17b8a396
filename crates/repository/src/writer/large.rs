//! Stores one large file with several threads.
//!
//! Threads take segments one after the other. Each looks for candidates of boundaries in its own segment; then, in the
//! order of the segments, boundaries are chosen and the end of the last chunk is handed on, which takes microseconds;
//! then each hashes, compresses and seals its own chunks. The chunks are those that one thread would have made.

use std::collections::BTreeMap;
use std::io::Read;
use std::mem::take;

use parking_lot::{Condvar, Mutex};

use crate::chunker::{Boundaries, Candidate, HEAD_BYTES, Shape, candidates, is_zero, shape_of};
use crate::content::{Content, ContentHint, Extent};
use crate::content_list::ContentBuilder;
use crate::error::{RepositoryError, Result};
use crate::writer::lane::Lane;
use crate::writer::random_access::RandomAccess;
use crate::writer::segments::{
    FileSegments, HEADROOM_BYTES, SEGMENT_BYTES, Segment, Segments, StreamSegments,
};

/// A thread is started for every so many bytes, up to the number of threads of the session.
const BYTES_PER_THREAD: u64 = 3 << 20;

pub(crate) fn store_file(
    lane: &mut Lane<'_>,
    file: &(dyn RandomAccess + Sync),
    length: u64,
    hint: ContentHint,
) -> Result<Content> {
    if length == 0 {
        return Ok(Content::empty());
    }
    let first = file.next_data(0, length).map_err(RepositoryError::reading)?;
    let sparse = first != Some(0..length);
    if length <= lane.small_bytes() && !sparse {
        let mut buffer = take(&mut lane.state().segment);
        let result =
            read_small(file, length as usize, &mut buffer).and_then(|data| lane.store_bytes(data, hint));
        lane.state().segment = buffer;
        return result;
    }
    let shape = look_at(file, length, sparse, hint)?;
    let grid = match shape {
        Shape::Image => u64::from(lane.writer.session.shared.config.chunking.image_block_bytes),
        Shape::Array | Shape::Stream => 1,
    };
    let data_bytes = if sparse { length / 4 } else { length };
    let job = Job::new(Box::new(FileSegments::new(file, length, grid)), shape, hint, lane);
    job.run(lane, data_bytes / BYTES_PER_THREAD)
}

fn read_small<'b>(
    file: &(dyn RandomAccess + Sync),
    length: usize,
    buffer: &'b mut Vec<u8>,
) -> Result<&'b [u8]> {
    let mut segments = FileSegments::new(file, length as u64, 1);
    match segments.next(buffer)? {
        Some(Segment::Data { length, .. }) => Ok(&buffer[HEADROOM_BYTES..][..length]),
        _ => Ok(&[]),
    }
}

/// Looks at the beginning and the middle of a file.
fn look_at(file: &(dyn RandomAccess + Sync), length: u64, sparse: bool, hint: ContentHint) -> Result<Shape> {
    if hint != ContentHint::Auto || length < SEGMENT_BYTES as u64 {
        return Ok(shape_of(hint, length, sparse, &[], &[]));
    }
    let read = |offset: u64, bytes: usize| -> Result<Vec<u8>> {
        let mut buffer = vec![0; bytes];
        let count = file.read_at(&mut buffer, offset).map_err(RepositoryError::reading)?;
        buffer.truncate(count);
        Ok(buffer)
    };
    Ok(shape_of(hint, length, sparse, &read(0, HEAD_BYTES)?, &read((length / 2) & !4095, 32 << 10)?))
}

pub(crate) fn store_stream(
    lane: &mut Lane<'_>,
    stream: &mut (dyn Read + Send),
    hint: ContentHint,
) -> Result<Content> {
    let segments = StreamSegments::new(stream)?;
    let (head, ended) = segments.head();
    if head.is_empty() {
        return Ok(Content::empty());
    }
    if ended && head.len() as u64 <= lane.small_bytes() {
        return lane.store_bytes(head, hint);
    }
    // An unknown length is taken for one that an image may have.
    let length = if ended { head.len() as u64 } else { SEGMENT_BYTES as u64 * 2 };
    let middle = &head[(head.len() / 2) & !7..];
    let shape = shape_of(hint, length, false, head, &middle[..middle.len().min(32 << 10)]);
    let threads = if ended { 0 } else { 64 };
    Job::new(Box::new(segments), shape, hint, lane).run(lane, threads)
}

/// One large file being stored.
struct Job<'f> {
    shape: Shape,
    hint: ContentHint,
    alignment: u64,
    segments: Mutex<(u64, Box<dyn Segments + 'f>)>,
    turn: Mutex<Turn>,
    turned: Condvar,
    collected: Mutex<Collected>,
}

/// What is handed on from segment to segment.
struct Turn {
    /// The segment whose turn it is.
    number: u64,
    boundaries: Boundaries,
    /// The bytes of the open chunk.
    tail: Vec<u8>,
    /// Whether a thread failed: then nobody's turn will come.
    failed: bool,
}

/// Extents of segments, waiting for those before them.
#[derive(Default)]
struct Collected {
    number: u64,
    waiting: BTreeMap<u64, Vec<Extent>>,
    builder: ContentBuilder,
}

/// Lets waiting threads go when a thread ends before its turn was over.
struct FailUnlessDone<'j, 'f>(&'j Job<'f>, bool);

impl Drop for FailUnlessDone<'_, '_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.turn.lock().failed = true;
            self.0.turned.notify_all();
        }
    }
}

impl<'f> Job<'f> {
    fn new(segments: Box<dyn Segments + 'f>, shape: Shape, hint: ContentHint, lane: &Lane<'_>) -> Self {
        let chunking = lane.writer.session.shared.config.chunking;
        let alignment = if shape == Shape::Array { 8 } else { 1 };
        let hint = match (shape, hint) {
            (Shape::Array, _) => ContentHint::Array,
            (Shape::Image, ContentHint::Auto) => ContentHint::Image,
            (_, hint) => hint,
        };
        let turn = Turn {
            number: 0,
            boundaries: Boundaries::new(chunking, alignment, 0),
            tail: Vec::new(),
            failed: false,
        };
        Self {
            shape,
            hint,
            alignment,
            segments: Mutex::new((0, segments)),
            turn: Mutex::new(turn),
            turned: Condvar::new(),
            collected: Mutex::default(),
        }
    }

    /// Works with up to `wanted` further threads until there are no more segments.
    fn run(self, lane: &mut Lane<'_>, wanted: u64) -> Result<Content> {
        let writer = lane.writer;
        let helpers = writer.session.take_helpers(usize::try_from(wanted).unwrap_or(usize::MAX));
        let result = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..helpers).map(|_| scope.spawn(|| self.work(&mut writer.lane()))).collect();
            let mut result = self.work(lane);
            for thread in threads {
                let other = thread.join().unwrap_or(Err(RepositoryError::SessionFailed));
                // A thread that only found that another had failed has nothing to tell.
                if result.is_ok() || matches!(result, Err(RepositoryError::SessionFailed)) && other.is_err() {
                    result = other;
                }
            }
            result
        });
        writer.session.return_helpers(helpers);
        result?;
        self.collected.into_inner().builder.finish(lane)
    }

    fn work(&self, lane: &mut Lane<'_>) -> Result<()> {
        let mut buffer = take(&mut lane.state().segment);
        let mut found = Vec::new();
        let mut guard = FailUnlessDone(self, false);
        let result = loop {
            match self.one_segment(lane, &mut buffer, &mut found) {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        guard.1 = result.is_ok();
        lane.state().segment = buffer;
        result
    }

    /// Takes a segment and stores its chunks; false when there is none.
    fn one_segment(
        &self,
        lane: &mut Lane<'_>,
        buffer: &mut Vec<u8>,
        found: &mut Vec<Candidate>,
    ) -> Result<bool> {
        let (number, segment) = {
            let mut segments = self.segments.lock();
            let Some(segment) = segments.1.next(buffer)? else { return Ok(false) };
            let number = segments.0;
            segments.0 += 1;
            (number, segment)
        };
        let mut extents = Vec::new();
        match (segment, self.shape) {
            (Segment::Hole(length), shape) => {
                if shape != Shape::Image {
                    self.in_turn(number, |_| ())?;
                }
                extents.push(Extent::Hole { length });
            }
            (Segment::Data { length, .. }, Shape::Image) => {
                let block = lane.writer.session.shared.config.chunking.image_block_bytes as usize;
                let data = &buffer[HEADROOM_BYTES..][..length];
                // The first segment of a run that does not begin on the grid ends on it nevertheless.
                for part in data.chunks(block) {
                    extents.push(self.image_block(lane, part)?);
                }
            }
            (segment, _) => self.stream_segment(lane, number, segment, buffer, found, &mut extents)?,
        }
        self.collect(lane, number, extents)?;
        Ok(true)
    }

    fn image_block(&self, lane: &mut Lane<'_>, data: &[u8]) -> Result<Extent> {
        if is_zero(data) {
            lane.writer.session.options.progress.advance(0, data.len() as u64);
            return Ok(Extent::Hole { length: data.len() as u64 });
        }
        Ok(Extent::Data { id: lane.add(data, self.hint)?, length: data.len() as u32 })
    }

    fn stream_segment(
        &self,
        lane: &mut Lane<'_>,
        number: u64,
        segment: Segment,
        buffer: &mut [u8],
        found: &mut Vec<Candidate>,
        extents: &mut Vec<Extent>,
    ) -> Result<()> {
        let Segment::Data { offset, length, lookback, begins_run, ends_run } = segment else { return Ok(()) };
        let shared = &lane.writer.session.shared;
        let chunking = &shared.config.chunking;
        let (before, rest) = buffer.split_at(HEADROOM_BYTES);
        candidates(
            shared.boundary_table(),
            chunking,
            &before[HEADROOM_BYTES - lookback..],
            &rest[..length],
            found,
        );
        let mut cuts = Vec::new();
        let end = offset + length as u64;
        // The bytes from `start` on lie in the buffer from `origin` on.
        let (start, origin) = self.in_turn(number, |turn| {
            if begins_run {
                turn.boundaries = Boundaries::new(*chunking, self.alignment, offset);
            }
            let start = turn.boundaries.start();
            let origin = HEADROOM_BYTES - turn.tail.len();
            buffer[origin..HEADROOM_BYTES].copy_from_slice(&turn.tail);
            turn.boundaries.choose(offset, end, found, |cut| cuts.push(cut));
            turn.tail.clear();
            let open = turn.boundaries.start();
            if ends_run {
                cuts.extend((open < end).then_some(end));
            } else {
                turn.tail
                    .extend_from_slice(&buffer[origin + (open - start) as usize..HEADROOM_BYTES + length]);
            }
            (start, origin)
        })?;
        let mut from = start;
        for cut in cuts {
            let place = origin + (from - start) as usize;
            let data = &buffer[place..place + (cut - from) as usize];
            extents.push(Extent::Data { id: lane.add(data, self.hint)?, length: data.len() as u32 });
            from = cut;
        }
        Ok(())
    }

    /// Waits for the turn of segment `number`, and takes it.
    fn in_turn<T>(&self, number: u64, work: impl FnOnce(&mut Turn) -> T) -> Result<T> {
        let mut turn = self.turn.lock();
        while turn.number != number {
            if turn.failed {
                return Err(RepositoryError::SessionFailed);
            }
            self.turned.wait(&mut turn);
        }
        let result = work(&mut turn);
        turn.number += 1;
        drop(turn);
        self.turned.notify_all();
        Ok(result)
    }

    /// Appends the extents of segment `number`, and of those that waited for it, to the content.
    fn collect(&self, lane: &mut Lane<'_>, number: u64, extents: Vec<Extent>) -> Result<()> {
        let mut collected = self.collected.lock();
        let collected = &mut *collected;
        collected.waiting.insert(number, extents);
        while let Some(extents) = collected.waiting.remove(&collected.number) {
            collected.number += 1;
            extents.into_iter().try_for_each(|extent| collected.builder.push(lane, extent))?;
        }
        Ok(())
    }
}
