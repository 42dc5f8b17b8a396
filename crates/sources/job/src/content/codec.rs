//! Encoding a content, alone or against an older one.

use std::cell::RefCell;

use zstd::zstd_safe::{CCtx, DCtx};

use super::ContentError;
use super::seal::JobKey;
use crate::state::MAX_STATE_BYTES;
use crate::wire::{Decoder, Encoder};

/// How many contents at most must be decoded before one that is encoded against them.
pub const MAX_DEPTH: u64 = 200;

/// What is shorter is encoded alone: the base would cost more to fetch than it saves.
const MIN_BASED_BYTES: usize = 1024;
/// A window of zstd at this level reaches over base and content up to this length each. What is longer would be stored
/// whole at each step.
pub(super) const MAX_BASED_BYTES: usize = 1 << 20;
/// Larger than any content: a state, or a typed checkpoint with the names of its channels.
const MAX_CONTENT_BYTES: u64 = MAX_STATE_BYTES as u64 * 2;
const LEVEL: i32 = 3;
/// How a formatted zstd dictionary begins; such a base would be taken for one.
const DICTIONARY_MAGIC: [u8; 4] = [0x37, 0xa4, 0x30, 0xec];

const STORED: u8 = 0;
const ALONE: u8 = 1;
const BASED: u8 = 2;
pub(super) const ELSEWHERE: u8 = 3;

/// The place of a content in its chain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Chain {
    /// How many contents must be decoded before it.
    pub depth: u64,
    /// The bytes of the deltas from the start of the chain up to here.
    pub delta_bytes: u64,
    /// The bytes of the start of the chain.
    pub start_bytes: u64,
}

/// An encoded content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The bytes to seal.
    pub bytes: Vec<u8>,
    /// Whether the base is needed to decode it.
    pub based: bool,
    /// Its place in the chain.
    pub chain: Chain,
}

struct Contexts {
    compress: CCtx<'static>,
    decompress: DCtx<'static>,
}

thread_local! {
    static CONTEXTS: RefCell<Contexts> =
        RefCell::new(Contexts { compress: CCtx::create(), decompress: DCtx::create() });
}

/// Encodes `raw`, against `base` (its content and its place in the chain) when that saves a fourth at least.
pub fn encode(key: &JobKey, raw: &[u8], base: Option<(&[u8], Chain)>) -> Encoded {
    let hash = key.hash(raw);
    let base = base.filter(|(base, chain)| {
        (MIN_BASED_BYTES..=MAX_BASED_BYTES).contains(&raw.len())
            && (8..=MAX_BASED_BYTES).contains(&base.len())
            && !base.starts_with(&DICTIONARY_MAGIC)
            && chain.depth < MAX_DEPTH
    });
    if let Some((base, chain)) = base {
        let payload = compress(raw, Some(base));
        let delta_bytes = chain.delta_bytes + payload.as_ref().map_or(0, Vec::len) as u64;
        if let Some(payload) = payload
            && payload.len() < raw.len() - raw.len() / 4
            && delta_bytes <= 2 * chain.start_bytes.max(512)
        {
            let chain = Chain { depth: chain.depth + 1, delta_bytes, ..chain };
            return packed(BASED, raw.len(), chain, hash, &payload);
        }
    }
    match compress(raw, None) {
        Some(payload) if payload.len() < raw.len() - raw.len() / 16 => {
            let chain = Chain { start_bytes: payload.len() as u64, ..Chain::default() };
            packed(ALONE, raw.len(), chain, hash, &payload)
        }
        _ => {
            let chain = Chain { start_bytes: raw.len() as u64, ..Chain::default() };
            packed(STORED, raw.len(), chain, hash, raw)
        }
    }
}

fn packed(form: u8, length: usize, chain: Chain, hash: [u8; 16], payload: &[u8]) -> Encoded {
    Encoded { bytes: pack(form, length, chain, hash, payload), based: form == BASED, chain }
}

pub(super) fn pack(form: u8, length: usize, chain: Chain, hash: [u8; 16], payload: &[u8]) -> Vec<u8> {
    let mut out = Encoder(Vec::with_capacity(payload.len() + 32));
    out.byte(form);
    out.number(length as u64);
    out.number(chain.depth);
    out.number(chain.delta_bytes);
    out.number(chain.start_bytes);
    out.0.extend_from_slice(&hash);
    out.0.extend_from_slice(payload);
    out.0
}

pub(super) struct Parts<'b> {
    pub(super) form: u8,
    pub(super) length: usize,
    chain: Chain,
    pub(super) hash: &'b [u8],
    pub(super) payload: &'b [u8],
}

pub(super) fn parts(encoded: &[u8]) -> Result<Parts<'_>, ContentError> {
    let damaged = |_| ContentError::Damaged;
    let mut from = Decoder(encoded);
    let form = from.byte().map_err(damaged)?;
    let length = from.number().map_err(damaged)?;
    if length > MAX_CONTENT_BYTES {
        return Err(ContentError::Damaged);
    }
    let chain = Chain {
        depth: from.number().map_err(damaged)?,
        delta_bytes: from.number().map_err(damaged)?,
        start_bytes: from.number().map_err(damaged)?,
    };
    let hash = from.take(16).map_err(damaged)?;
    Ok(Parts { form, length: length as usize, chain, hash, payload: from.0 })
}

/// Whether the base is needed, the place in the chain and the length, without decoding.
pub fn peek(encoded: &[u8]) -> Result<(bool, Chain, usize), ContentError> {
    let parts = parts(encoded)?;
    Ok((parts.form == BASED, parts.chain, parts.length))
}

/// Decodes what [`encode`] made, with the same base, and checks its hash.
pub fn decode(key: &JobKey, encoded: &[u8], base: Option<&[u8]>) -> Result<(Vec<u8>, Chain), ContentError> {
    let parts = parts(encoded)?;
    let raw = match (parts.form, base) {
        (STORED, _) => parts.payload.to_vec(),
        (ALONE, _) => decompress(parts.payload, parts.length, &[])?,
        (BASED, Some(base)) => decompress(parts.payload, parts.length, base)?,
        _ => return Err(ContentError::Damaged),
    };
    if raw.len() != parts.length || key.hash(&raw) != parts.hash {
        return Err(ContentError::Damaged);
    }
    Ok((raw, parts.chain))
}

fn compress(raw: &[u8], base: Option<&[u8]>) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(zstd::zstd_safe::compress_bound(raw.len()));
    CONTEXTS.with_borrow_mut(|contexts| match base {
        Some(base) => contexts.compress.compress_using_dict(&mut out, raw, base, LEVEL).ok(),
        None => contexts.compress.compress(&mut out, raw, LEVEL).ok(),
    })?;
    Some(out)
}

fn decompress(payload: &[u8], length: usize, base: &[u8]) -> Result<Vec<u8>, ContentError> {
    let mut out = Vec::with_capacity(length);
    CONTEXTS
        .with_borrow_mut(|contexts| contexts.decompress.decompress_using_dict(&mut out, payload, base))
        .map_err(|_| ContentError::Damaged)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    use super::*;
    use crate::content::DataKey;

    fn key() -> JobKey {
        DataKey::new(1, Zeroizing::new([9; 32])).job("t", "p", "j")
    }

    fn noise(seed: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        backstay_model::Rng::fill(&backstay_model::SeededRng::new(seed), &mut bytes);
        bytes
    }

    #[test]
    fn one_changed_item_of_a_hundred_costs_little_more_than_itself() {
        let key = key();
        let mut raw = noise(1, 100_000);
        let mut last = encode(&key, &raw, None);
        assert!(!last.based);
        let (mut total, mut deepest) = (last.bytes.len(), 0);
        for step in 0..1000_usize {
            let base = raw.clone();
            raw[step % 100 * 1000..][..1000].copy_from_slice(&noise(step as u64 + 2, 1000));
            last = encode(&key, &raw, Some((&base, last.chain)));
            let based = last.based.then_some(&base[..]);
            assert_eq!(decode(&key, &last.bytes, based).unwrap(), (raw.clone(), last.chain));
            total += last.bytes.len();
            deepest = deepest.max(last.chain.depth);
        }
        assert!(deepest <= MAX_DEPTH);
        assert!(total < 1_900_000, "{total} bytes for 1000 steps of noise");
    }

    #[test]
    fn nothing_is_decoded_against_another_base() {
        let key = key();
        let base = noise(1, 5000);
        let mut raw = base.clone();
        raw[77] ^= 1;
        let encoded = encode(&key, &raw, Some((&base, Chain { start_bytes: 5000, ..Chain::default() })));
        assert!(encoded.based);
        assert_eq!(decode(&key, &encoded.bytes, Some(&noise(2, 5000))), Err(ContentError::Damaged));
        assert_eq!(decode(&key, &encoded.bytes, None), Err(ContentError::Damaged));
    }

    #[test]
    fn a_base_that_looks_like_a_dictionary_is_no_base() {
        let mut base = noise(1, 5000);
        base[..4].copy_from_slice(&DICTIONARY_MAGIC);
        let encoded = encode(&key(), &base, Some((&base, Chain { start_bytes: 5000, ..Chain::default() })));
        assert!(!encoded.based);
    }

    proptest! {
        #[test]
        fn damaged_encodings_are_errors(bytes in proptest::collection::vec(any::<u8>(), 0..200), base in any::<bool>()) {
            let old = noise(3, 2000);
            prop_assert!(decode(&key(), &bytes, base.then_some(&old[..])).is_err());
        }

        #[test]
        fn what_is_encoded_decodes(raw in proptest::collection::vec(any::<u8>(), 0..4000), flips in proptest::collection::vec(any::<prop::sample::Index>(), 0..20)) {
            let key = key();
            let first = encode(&key, &raw, None);
            let mut next = raw.clone();
            for flip in flips.iter().filter(|_| !raw.is_empty()) {
                next[flip.index(raw.len())] ^= 0x55;
            }
            let second = encode(&key, &next, Some((&raw, first.chain)));
            prop_assert_eq!(decode(&key, &second.bytes, second.based.then_some(&raw[..])).unwrap().0, next);
        }
    }
}
