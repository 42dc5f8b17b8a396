//! What is kept of a command's output.

use std::collections::VecDeque;
use std::fmt::Write;

/// One of the two streams that a command writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What one run of bytes costs besides the bytes.
const RUN_BYTES: usize = size_of::<(Stream, usize)>();

/// The first quarter and the last three quarters of what a command wrote, in the order in which it arrived.
///
/// The beginning says what was started, the end says how it failed; what lies between is dropped and counted. Never
/// more than the limit is held, however the streams alternate.
#[derive(Debug, Clone, Default)]
pub struct KeptOutput {
    limit: usize,
    head: Runs,
    tail: Runs,
    dropped_bytes: u64,
}

impl KeptOutput {
    /// Keeps at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Adds what arrived next.
    pub fn push(&mut self, stream: Stream, mut bytes: &[u8]) {
        if self.tail.is_empty() && self.dropped_bytes == 0 {
            let room = (self.limit / 4).saturating_sub(self.head.cost() + RUN_BYTES).min(bytes.len());
            self.head.push(stream, &bytes[..room]);
            bytes = &bytes[room..];
        }
        let room = self.limit - self.limit / 4;
        let most = room.saturating_sub(RUN_BYTES);
        if bytes.len() > most {
            self.dropped_bytes += (bytes.len() - most) as u64;
            bytes = &bytes[bytes.len() - most..];
        }
        self.tail.push(stream, bytes);
        while self.tail.cost() > room {
            self.dropped_bytes += self.tail.drop_front(self.tail.cost() - room);
        }
    }

    /// How many bytes are not kept.
    pub fn dropped_bytes(&self) -> u64 {
        self.dropped_bytes
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.head.is_empty() && self.tail.is_empty() && self.dropped_bytes == 0
    }

    /// What is kept of one stream.
    pub fn of(&self, stream: Stream) -> Vec<u8> {
        let mut bytes = self.head.of(stream);
        bytes.extend(self.tail.of(stream));
        bytes
    }

    /// What is kept of both, as text: bytes that are not UTF-8 become U+FFFD, and a line tells what was dropped.
    pub fn text(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.head.all()).into_owned();
        if self.dropped_bytes > 0 {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            // Writing to a string does not fail.
            let _ = writeln!(text, "[{} bytes of output were not kept]", self.dropped_bytes);
        }
        text.push_str(&String::from_utf8_lossy(&self.tail.all()));
        text
    }

    /// The last lines of both streams, at most so many bytes of them: what a message can quote.
    pub fn last_lines(&self, most_bytes: usize) -> String {
        let text = self.text();
        let text = text.trim_end();
        let mut start = text.len().saturating_sub(most_bytes);
        while !text.is_char_boundary(start) {
            start += 1;
        }
        let cut = &text[start..];
        match cut.find('\n') {
            Some(line) if start > 0 => cut[line + 1..].to_owned(),
            _ => cut.to_owned(),
        }
    }
}

/// Bytes with the stream that each came from.
#[derive(Debug, Clone, Default)]
struct Runs {
    bytes: VecDeque<u8>,
    runs: VecDeque<(Stream, usize)>,
}

impl Runs {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn cost(&self) -> usize {
        self.bytes.len() + self.runs.len() * RUN_BYTES
    }

    fn push(&mut self, stream: Stream, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.bytes.extend(bytes);
        match self.runs.back_mut() {
            Some((last, length)) if *last == stream => *length += bytes.len(),
            _ => self.runs.push_back((stream, bytes.len())),
        }
    }

    /// Gives up at least one byte, and at least `cost` or a whole run. Returns how many bytes those were.
    fn drop_front(&mut self, cost: usize) -> u64 {
        let Some((_, length)) = self.runs.front_mut() else { return 0 };
        let dropped = cost.min(*length);
        *length -= dropped;
        if *length == 0 {
            self.runs.pop_front();
        }
        self.bytes.drain(..dropped);
        dropped as u64
    }

    fn all(&self) -> Vec<u8> {
        self.bytes.iter().copied().collect()
    }

    fn of(&self, stream: Stream) -> Vec<u8> {
        let mut found = Vec::new();
        let mut at = 0;
        for &(of, length) in &self.runs {
            if of == stream {
                found.extend(self.bytes.range(at..at + length));
            }
            at += length;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_kept_below_the_limit() {
        let mut kept = KeptOutput::new(1 << 20);
        kept.push(Stream::Stdout, b"one\n");
        kept.push(Stream::Stderr, b"two\n");
        kept.push(Stream::Stdout, b"three\n");
        assert_eq!(kept.text(), "one\ntwo\nthree\n");
        assert_eq!(kept.of(Stream::Stdout), b"one\nthree\n");
        assert_eq!(kept.of(Stream::Stderr), b"two\n");
        assert_eq!(kept.dropped_bytes(), 0);
    }

    #[test]
    fn head_and_tail_are_kept_above_it() {
        let mut kept = KeptOutput::new(4000);
        let mut written = 0;
        for number in 0..10_000 {
            let line = format!("line {number}\n");
            written += line.len();
            kept.push(Stream::Stdout, line.as_bytes());
        }
        let bytes = kept.of(Stream::Stdout);
        assert!(bytes.len() <= 4000 && bytes.len() > 3900, "{}", bytes.len());
        assert!(bytes.starts_with(b"line 0\nline 1\n") && bytes.ends_with(b"line 9999\n"));
        assert_eq!(bytes.len() as u64 + kept.dropped_bytes(), written as u64);
        assert!(kept.text().contains("bytes of output were not kept]\n"));
    }

    #[test]
    fn streams_that_alternate_cost_no_more_memory() {
        let mut kept = KeptOutput::new(4000);
        for _ in 0..50_000 {
            kept.push(Stream::Stdout, b"o");
            kept.push(Stream::Stderr, b"e");
        }
        assert!(kept.head.cost() + kept.tail.cost() <= 4000);
        let bytes = kept.of(Stream::Stdout).len() + kept.of(Stream::Stderr).len();
        assert_eq!(bytes as u64 + kept.dropped_bytes(), 100_000);
    }

    #[test]
    fn one_write_larger_than_the_limit_is_cut() {
        let mut kept = KeptOutput::new(400);
        kept.push(Stream::Stderr, &vec![b'x'; 100_000]);
        assert_eq!(kept.of(Stream::Stderr).len() as u64 + kept.dropped_bytes(), 100_000);
        let mut none = KeptOutput::new(0);
        none.push(Stream::Stdout, b"gone");
        assert_eq!((none.dropped_bytes(), none.text().as_str()), (4, "[4 bytes of output were not kept]\n"));
    }

    #[test]
    fn the_last_lines_are_whole() {
        let mut kept = KeptOutput::new(1000);
        kept.push(Stream::Stdout, "first\nsecond äöü\nthird\n".as_bytes());
        assert_eq!(kept.last_lines(9), "third");
        assert_eq!(kept.last_lines(1000), "first\nsecond äöü\nthird");
    }
}
