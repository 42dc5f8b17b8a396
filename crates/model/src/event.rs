//! An entry of the event log, its canonical bytes and its place in the hash chain.
//!
//! The log is one chain: `hash(n) = SHA-256(canonical(n))`, and the canonical bytes of `n` begin with
//! `hash(n - 1)`. The first event has the number 1 and follows [`GENESIS`], 32 zero bytes.
//!
//! # Canonical bytes
//! In this order, where `text(x)` is the length of the UTF-8 bytes of `x` as 4 bytes little-endian followed
//! by the bytes, `option(x)` is one byte 0 for nothing or one byte 1 followed by `text(x)`, and integers are
//! 8 bytes little-endian:
//!
//! | field | form |
//! |---|---|
//! | domain | the 18 bytes `backstay-event-v1\n` |
//! | hash of the previous event | 32 bytes |
//! | seq | integer |
//! | at | integer, microseconds since the Unix epoch, two's complement |
//! | tenant | text |
//! | actor kind, id, name | text, text, text |
//! | action | text |
//! | kind | option |
//! | source | option |
//! | subject type, id | text, text |
//! | outcome | text |
//! | data | text: the JSON exactly as stored |
//! | request id | option |

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::actor::Actor;
use crate::clock::Timestamp;
use crate::id::{SourceId, TenantId};
use crate::kind::Kind;
use crate::snapshot::words;

/// The first bytes of every canonical encoding.
const DOMAIN: &[u8; 18] = b"backstay-event-v1\n";

/// What the first event follows.
pub const GENESIS: EventHash = EventHash([0; 32]);

words! {
    /// How an attempt ended.
    Outcome {
        /// It was done.
        Ok = "ok",
        /// The caller may not do it.
        Denied = "denied",
        /// It was tried and did not succeed.
        Failed = "failed",
    }
}

/// The SHA-256 hash of an event's canonical bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventHash([u8; 32]);

impl EventHash {
    /// The hash with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes of the hash.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for EventHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&digits).expect("hexadecimal digits are ASCII"))
    }
}

impl fmt::Debug for EventHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for EventHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("an event hash has 64 hexadecimal digits"))
    }
}

/// The particulars of an event: a JSON text that is hashed exactly as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventData(String);

impl EventData {
    /// No particulars: `{}`.
    pub fn empty() -> Self {
        Self("{}".to_owned())
    }

    /// Takes a stored JSON text as it is; `None` when it is not JSON.
    pub fn from_json(text: String) -> Option<Self> {
        serde_json::from_str::<serde::de::IgnoredAny>(&text).ok().map(|_| Self(text))
    }

    /// Takes a stored text without looking at it, to verify or export what is there.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The JSON text.
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// The parsed particulars; `null` when the stored text is not JSON.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or(Value::Null)
    }
}

impl From<Value> for EventData {
    fn from(value: Value) -> Self {
        Self(value.to_string())
    }
}

impl Serialize for EventData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::value::RawValue::from_string(self.0.clone())
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for EventData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<serde_json::value::RawValue>::deserialize(deserializer)?;
        Ok(Self(raw.get().to_owned()))
    }
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// The type of thing, for example `snapshot`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
}

impl Subject {
    /// The thing of type `kind` with the given id.
    pub fn new(kind: &str, id: &(impl ToString + ?Sized)) -> Self {
        Self { kind: kind.to_owned(), id: id.to_string() }
    }
}

/// An event before it has its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventDraft {
    /// When it happened, by the clock of whoever recorded it.
    pub at: Timestamp,
    /// In which tenant.
    pub tenant: TenantId,
    /// Who did it.
    pub actor: Actor,
    /// What was done, for example `snapshot.created`.
    pub action: String,
    /// The kind of the source, when there is one.
    pub kind: Option<Kind>,
    /// The source, when there is one.
    pub source: Option<SourceId>,
    /// What it was done to.
    pub subject: Subject,
    /// How it ended.
    pub outcome: Outcome,
    /// Particulars.
    pub data: EventData,
    /// The id of the request that caused it.
    pub request_id: Option<String>,
}

/// One entry of the event log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its number: 1, 2, 3 and so on without gaps.
    pub seq: u64,
    /// When it happened; not necessarily later than the event before, because clocks jump.
    pub at: Timestamp,
    /// In which tenant.
    pub tenant: TenantId,
    /// Who did it.
    pub actor: Actor,
    /// What was done, for example `snapshot.created`.
    pub action: String,
    /// The kind of the source, when there is one.
    pub kind: Option<Kind>,
    /// The source, when there is one.
    pub source: Option<SourceId>,
    /// What it was done to.
    pub subject: Subject,
    /// How it ended.
    pub outcome: Outcome,
    /// Particulars.
    pub data: EventData,
    /// The id of the request that caused it.
    pub request_id: Option<String>,
    /// The hash of the event before.
    pub prev_hash: EventHash,
    /// The hash of this event.
    pub hash: EventHash,
}

impl Event {
    /// Gives `draft` the number `seq` after the event with the hash `prev_hash`.
    ///
    /// NUL characters in its texts become U+FFFD, because not every database can store them.
    pub fn seal(draft: EventDraft, seq: u64, prev_hash: EventHash) -> Self {
        let EventDraft { at, tenant, actor, action, kind, source, subject, outcome, data, request_id } =
            draft;
        let mut event = Self {
            seq,
            at,
            tenant,
            actor: Actor { kind: actor.kind, id: without_nul(actor.id), name: without_nul(actor.name) },
            action: without_nul(action),
            kind,
            source,
            subject: Subject { kind: without_nul(subject.kind), id: without_nul(subject.id) },
            outcome,
            data: EventData(without_nul(data.0)),
            request_id: request_id.map(without_nul),
            prev_hash,
            hash: GENESIS,
        };
        event.hash = event.computed_hash();
        event
    }

    /// The bytes that are hashed, as the module's documentation lays down.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256 + self.data.0.len());
        out.extend_from_slice(DOMAIN);
        out.extend_from_slice(&self.prev_hash.0);
        out.extend_from_slice(&self.seq.to_le_bytes());
        out.extend_from_slice(&self.at.as_micros().to_le_bytes());
        text(&mut out, self.tenant.as_str());
        text(&mut out, self.actor.kind.as_str());
        text(&mut out, &self.actor.id);
        text(&mut out, &self.actor.name);
        text(&mut out, &self.action);
        option(&mut out, self.kind.map(Kind::as_str));
        option(&mut out, self.source.as_ref().map(SourceId::as_str));
        text(&mut out, &self.subject.kind);
        text(&mut out, &self.subject.id);
        text(&mut out, self.outcome.as_str());
        text(&mut out, &self.data.0);
        option(&mut out, self.request_id.as_deref());
        out
    }

    /// The hash that this event should have.
    pub fn computed_hash(&self) -> EventHash {
        EventHash(Sha256::digest(self.canonical_bytes()).into())
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn option(out: &mut Vec<u8>, value: Option<&str>) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        text(out, value);
    }
}

fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

/// What is wrong at one place of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChainFault {
    /// The content does not have the hash that is stored with it.
    Altered,
    /// One or more events before this one are missing.
    Missing {
        /// The number that was expected here.
        expected: u64,
    },
    /// The event's number was seen before or is lower than the one before: inserted or reordered.
    OutOfOrder {
        /// The number that was expected here.
        expected: u64,
    },
    /// The event does not follow the one before it: something was exchanged or rewritten before it.
    Unlinked,
}

/// Walks the chain, event by event.
#[derive(Debug, Clone)]
pub struct ChainVerifier {
    last_seq: u64,
    last_hash: EventHash,
}

impl Default for ChainVerifier {
    fn default() -> Self {
        Self { last_seq: 0, last_hash: GENESIS }
    }
}

impl ChainVerifier {
    /// Starts after an event that is known to be good.
    pub fn after(seq: u64, hash: EventHash) -> Self {
        Self { last_seq: seq, last_hash: hash }
    }

    /// The number and hash of the last event seen.
    pub fn last(&self) -> (u64, EventHash) {
        (self.last_seq, self.last_hash)
    }

    /// Takes the next event; tells what is wrong with it. Goes on after a fault as if the event were good.
    pub fn next(&mut self, event: &Event) -> Option<ChainFault> {
        let expected = self.last_seq + 1;
        let fault = if event.seq > expected {
            Some(ChainFault::Missing { expected })
        } else if event.seq < expected {
            Some(ChainFault::OutOfOrder { expected })
        } else if event.computed_hash() != event.hash {
            Some(ChainFault::Altered)
        } else if event.prev_hash != self.last_hash {
            Some(ChainFault::Unlinked)
        } else {
            None
        };
        self.last_seq = self.last_seq.max(event.seq);
        self.last_hash = event.hash;
        fault
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actor::ActorKind;

    fn draft(n: i64) -> EventDraft {
        EventDraft {
            at: Timestamp::from_micros(1_767_435_330_123_456 + n),
            tenant: TenantId::default_tenant(),
            actor: Actor { kind: ActorKind::User, id: "user-1".into(), name: "Ada".into() },
            action: "snapshot.created".into(),
            kind: Some(Kind::Workspace),
            source: Some(SourceId::parse("src-1").unwrap()),
            subject: Subject::new("snapshot", "snapshot-1"),
            outcome: Outcome::Ok,
            data: EventData::from(json!({"label": "before", "n": n})),
            request_id: None,
        }
    }

    fn chain(length: u64) -> Vec<Event> {
        let mut prev = GENESIS;
        (1..=length)
            .map(|seq| {
                let event = Event::seal(draft(seq as i64), seq, prev);
                prev = event.hash;
                event
            })
            .collect()
    }

    fn faults(events: &[Event]) -> Vec<(u64, ChainFault)> {
        let mut verifier = ChainVerifier::default();
        events.iter().filter_map(|event| verifier.next(event).map(|fault| (event.seq, fault))).collect()
    }

    #[test]
    fn the_canonical_bytes_are_the_documented_ones() {
        let mut event = Event::seal(draft(0), 1, GENESIS);
        event.request_id = Some("r".into());
        let mut expected = Vec::new();
        expected.extend_from_slice(b"backstay-event-v1\n");
        expected.extend_from_slice(&[0; 32]);
        expected.extend_from_slice(&1u64.to_le_bytes());
        expected.extend_from_slice(&1_767_435_330_123_456i64.to_le_bytes());
        expected.extend_from_slice(b"\x07\0\0\0default\x04\0\0\0user\x06\0\0\0user-1\x03\0\0\0Ada");
        expected.extend_from_slice(b"\x10\0\0\0snapshot.created\x01\x09\0\0\0workspace\x01\x05\0\0\0src-1");
        expected.extend_from_slice(b"\x08\0\0\0snapshot\x0a\0\0\0snapshot-1\x02\0\0\0ok");
        expected.extend_from_slice(b"\x18\0\0\0{\"label\":\"before\",\"n\":0}\x01\x01\0\0\0r");
        assert_eq!(event.canonical_bytes(), expected);
    }

    #[test]
    fn the_hash_of_the_first_two_events_is_fixed() {
        let events = chain(2);
        assert_eq!(
            events.iter().map(|event| event.hash.to_string()).collect::<Vec<_>>(),
            [
                "34b76850082d53205b32fac616b2300aa5fc6d1690316707582b4828dadfba94",
                "365e7c886259c11ef8e11b4bacff02362a1e51e54a5707fdfb2e2034d7b5d893"
            ]
        );
    }

    #[test]
    fn an_untouched_chain_has_no_fault() {
        assert_eq!(faults(&chain(20)), []);
    }

    #[test]
    fn every_altered_field_is_found() {
        let alterations: [fn(&mut Event); 12] = [
            |event| event.at = event.at.plus_seconds(1),
            |event| event.tenant = TenantId::parse("other").unwrap(),
            |event| event.actor.kind = ActorKind::Token,
            |event| event.actor.id.push('x'),
            |event| event.actor.name.clear(),
            |event| event.action = "snapshot.deleted".into(),
            |event| event.kind = None,
            |event| event.source = None,
            |event| event.subject.id.push('x'),
            |event| event.outcome = Outcome::Denied,
            |event| event.data = EventData::from(json!({"label": "after"})),
            |event| event.request_id = Some(String::new()),
        ];
        for alter in alterations {
            let mut events = chain(5);
            alter(&mut events[2]);
            assert_eq!(faults(&events), [(3, ChainFault::Altered)]);
        }
    }

    #[test]
    fn a_rewritten_event_with_a_fitting_hash_breaks_the_link_after_it() {
        let mut events = chain(5);
        events[2].action = "snapshot.deleted".into();
        events[2].hash = events[2].computed_hash();
        assert_eq!(faults(&events), [(4, ChainFault::Unlinked)]);
    }

    #[test]
    fn removed_inserted_and_reordered_events_are_found() {
        let mut removed = chain(5);
        removed.remove(2);
        assert_eq!(faults(&removed), [(4, ChainFault::Missing { expected: 3 })]);

        let mut inserted = chain(5);
        inserted.insert(3, inserted[2].clone());
        assert_eq!(faults(&inserted)[0], (3, ChainFault::OutOfOrder { expected: 4 }));

        let mut reordered = chain(5);
        reordered.swap(1, 2);
        assert!(!faults(&reordered).is_empty());
    }

    #[test]
    fn data_is_hashed_and_kept_as_it_was_written() {
        let text = r#"{"b": 1.10, "a":1}"#.to_owned();
        let data = EventData::from_json(text.clone()).unwrap();
        let back: EventData = serde_json::from_str(&serde_json::to_string(&data).unwrap()).unwrap();
        assert_eq!(back.as_json(), text);
        assert_eq!(EventData::from_json("{".into()), None);
    }

    #[test]
    fn nul_becomes_a_replacement_character_before_hashing() {
        let mut hostile = draft(0);
        hostile.actor.name = "a\0b".into();
        let event = Event::seal(hostile, 1, GENESIS);
        assert_eq!(event.actor.name, "a\u{fffd}b");
        assert_eq!(event.hash, event.computed_hash());
    }
}
