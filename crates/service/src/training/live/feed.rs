//! The telemetry of a tenant's runs: numbered frames, kept for a while, rendered once for all who follow.

use std::collections::VecDeque;
use std::sync::Arc;

use backstay_model::{SourceId, Timestamp};
use bytes::Bytes;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

/// The most frames that are kept.
const MOST_FRAMES: usize = 4096;
/// The most bytes of them. The newest is kept whatever its size.
const MOST_BYTES: usize = 64 << 20;

/// The most bytes that are given out at once, beside the first frame.
const MOST_BATCH_BYTES: usize = 256 << 10;

/// A frame as it is sent.
#[derive(Debug)]
pub struct Frame {
    /// Its number.
    pub seq: u64,
    /// The run that it tells of.
    pub run: SourceId,
    /// The JSON, UTF-8.
    pub text: Bytes,
}

/// Frames in the order in which they were published.
///
/// Who follows holds a number and asks for what came after it, so that a slow reader holds no memory and delays nobody. Numbers
/// go up by one and begin with the microseconds since 1970 at which the feed was opened: those of a later process are larger.
#[derive(Debug)]
pub struct Feed {
    ring: Mutex<Ring>,
    newest: watch::Sender<u64>,
    first: u64,
}

#[derive(Debug)]
struct Ring {
    frames: VecDeque<Arc<Frame>>,
    bytes: usize,
}

/// What came after a number.
#[derive(Debug)]
pub struct Followed {
    /// The frames, oldest first.
    pub frames: Vec<Arc<Frame>>,
    /// Whether frames before them are not kept any more.
    pub missed: bool,
}

impl Feed {
    pub(super) fn new(now: Timestamp) -> Self {
        let first = now.as_micros().max(0) as u64;
        let (newest, _) = watch::channel(first);
        Self { ring: Mutex::new(Ring { frames: VecDeque::new(), bytes: 0 }), newest, first }
    }

    /// The number of the newest frame.
    pub fn newest(&self) -> u64 {
        *self.newest.borrow()
    }

    /// How many frames there were.
    pub fn published(&self) -> u64 {
        self.newest() - self.first
    }

    /// Follows the number of the newest frame.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// At most `most` frames after `seq`, and not too many bytes of them.
    pub fn after(&self, seq: u64, most: usize) -> Followed {
        let ring = self.ring.lock();
        let Some(oldest) = ring.frames.front().map(|frame| frame.seq) else {
            return Followed { frames: Vec::new(), missed: seq < self.first };
        };
        let skip = (seq + 1).saturating_sub(oldest) as usize;
        let mut bytes = 0;
        let fits = |frame: &&Arc<Frame>| {
            let fits = bytes < MOST_BATCH_BYTES;
            bytes += frame.text.len();
            fits
        };
        let frames = ring.frames.iter().skip(skip).take(most).take_while(fits).cloned().collect();
        Followed { frames, missed: seq + 1 < oldest }
    }

    /// Publishes a frame of `kind` with the fields of `data`, to which the run and the number are added.
    pub(super) fn publish(&self, kind: &str, run: &SourceId, now: Timestamp, data: &impl Serialize) {
        // Everything but the number is written before the lock is taken.
        let fields = serde_json::to_string(data).ok().filter(|text| text.starts_with('{'));
        let fields = fields.unwrap_or_else(|| "{}".to_owned());
        let rest = &fields[1..];
        let comma = if rest == "}" { "" } else { "," };
        let head = format!(
            r#"{{"type":{},"timestamp":{},"data":{{"run_id":{},"seq":"#,
            Value::from(kind),
            Value::from(seconds(now)),
            Value::from(run.as_str())
        );
        let mut ring = self.ring.lock();
        let seq = self.newest() + 1;
        let text = Bytes::from(format!("{head}{seq}{comma}{rest}}}"));
        ring.bytes += text.len();
        ring.frames.push_back(Arc::new(Frame { seq, run: run.clone(), text }));
        while ring.frames.len() > MOST_FRAMES || (ring.bytes > MOST_BYTES && ring.frames.len() > 1) {
            let Some(old) = ring.frames.pop_front() else { break };
            ring.bytes -= old.text.len();
        }
        self.newest.send_replace(seq);
    }
}

/// Seconds since 1970, as dashboards read times.
pub(super) fn seconds(at: Timestamp) -> f64 {
    at.seconds_since(Timestamp::EPOCH)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run() -> SourceId {
        SourceId::parse("src-1").unwrap()
    }

    #[test]
    fn frames_are_numbered_and_carry_run_and_number() {
        let feed = Feed::new(Timestamp::from_micros(1000));
        feed.publish("event", &run(), Timestamp::from_micros(2_500_000), &json!({"a": 1}));
        feed.publish("pulse", &run(), Timestamp::from_micros(3_000_000), &json!({}));
        let found = feed.after(1000, 10);
        assert!(!found.missed);
        let frames: Vec<Value> =
            found.frames.iter().map(|frame| serde_json::from_slice(&frame.text).unwrap()).collect();
        assert_eq!(
            frames,
            [
                json!({"type": "event", "timestamp": 2.5, "data": {"run_id": "src-1", "seq": 1001, "a": 1}}),
                json!({"type": "pulse", "timestamp": 3.0, "data": {"run_id": "src-1", "seq": 1002}}),
            ]
        );
        assert_eq!((feed.newest(), feed.published()), (1002, 2));
        assert!(feed.after(1002, 10).frames.is_empty());
    }

    #[test]
    fn old_frames_go_and_whoever_was_there_is_told() {
        let feed = Feed::new(Timestamp::EPOCH);
        for _ in 0..MOST_FRAMES + 10 {
            feed.publish("x", &run(), Timestamp::EPOCH, &json!({}));
        }
        let found = feed.after(5, 3);
        assert!(found.missed);
        assert_eq!(found.frames.iter().map(|frame| frame.seq).collect::<Vec<_>>(), [11, 12, 13]);
        assert!(!feed.after(10, 1).missed);
    }

    #[test]
    fn large_frames_do_not_fill_the_memory() {
        let feed = Feed::new(Timestamp::EPOCH);
        let large = json!({"text": "x".repeat(20 << 20)});
        for _ in 0..5 {
            feed.publish("x", &run(), Timestamp::EPOCH, &large);
        }
        assert_eq!(feed.after(0, 100).frames.iter().map(|frame| frame.seq).collect::<Vec<_>>(), [3]);
        assert_eq!(feed.after(3, 100).frames.iter().map(|frame| frame.seq).collect::<Vec<_>>(), [4]);
    }
}
