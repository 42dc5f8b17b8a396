//! Content-defined boundaries: FastCDC's gear hash with normalized chunking (Xia et al., USENIX ATC 2016), under a
//! table that is derived from the repository's secret, so that boundaries tell nothing about the content.
//!
//! The hash at a position depends on the 64 bytes before it alone. So candidates can be found in all segments of a
//! file at once, and only the choice among them goes from the beginning to the end.

use crate::config::Chunking;

/// How many bytes before a segment the search for candidates must see.
pub(crate) const LOOKBACK_BYTES: usize = 64;

/// A position where a chunk may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The number of bytes of the segment before the boundary, at least 1.
    pub(crate) end: u32,
    /// Whether a chunk shorter than the average may end here, too.
    pub(crate) strong: bool,
}

/// A candidate has this many leading zero bits less than the average asks for; a strong one that many more.
const NORMALIZATION_BITS: u32 = 2;

/// Finds the candidates in `segment`. `before` are the bytes before it: [`LOOKBACK_BYTES`], or all when there are fewer.
pub(crate) fn candidates(
    table: &[u64; 256],
    chunking: &Chunking,
    before: &[u8],
    segment: &[u8],
    found: &mut Vec<Candidate>,
) {
    found.clear();
    let search = Search::new(table, chunking);
    // One hash after the other would wait for each addition. Four parts of the segment, each with its own hash, keep
    // the processor busy; a part needs no more of what lies before it than the look-back.
    let part = segment.len() / STREAMS;
    if part < 4 * LOOKBACK_BYTES {
        let hash = search.warm(before);
        return search.scan_one(hash, segment, 0, found);
    }
    let (parts, rest) = segment.split_at(part * STREAMS);
    let mut hashes = [0; STREAMS];
    hashes[0] = search.warm(before);
    for (stream, hash) in hashes.iter_mut().enumerate().skip(1) {
        *hash = search.warm(&segment[stream * part - LOOKBACK_BYTES..stream * part]);
    }
    search.scan_parts(&mut hashes, parts, found);
    search.scan_one(hashes[STREAMS - 1], rest, part * STREAMS, found);
}

/// How many hashes are computed side by side.
const STREAMS: usize = 4;

struct Search<'t> {
    table: &'t [u64; 256],
    weak_below: u64,
    strong_below: u64,
}

impl<'t> Search<'t> {
    fn new(table: &'t [u64; 256], chunking: &Chunking) -> Self {
        let bits = chunking.average_bytes.trailing_zeros();
        Self {
            table,
            weak_below: 1 << (64 - (bits - NORMALIZATION_BITS)),
            strong_below: 1 << (64 - (bits + NORMALIZATION_BITS)),
        }
    }

    fn step(&self, hash: u64, byte: u8) -> u64 {
        (hash << 1).wrapping_add(self.table[usize::from(byte)])
    }

    /// The hash after `bytes`.
    fn warm(&self, bytes: &[u8]) -> u64 {
        bytes.iter().fold(0, |hash, byte| self.step(hash, *byte))
    }

    fn candidate(&self, hash: u64, end: usize) -> Candidate {
        Candidate { end: end as u32, strong: hash < self.strong_below }
    }

    fn scan_one(&self, mut hash: u64, bytes: &[u8], offset: usize, found: &mut Vec<Candidate>) {
        for (i, byte) in bytes.iter().enumerate() {
            hash = self.step(hash, *byte);
            if hash < self.weak_below {
                found.push(self.candidate(hash, offset + i + 1));
            }
        }
    }

    /// Scans equal parts side by side; what is found comes out in the order of the bytes.
    fn scan_parts(&self, hashes: &mut [u64; STREAMS], parts: &[u8], found: &mut Vec<Candidate>) {
        let length = parts.len() / STREAMS;
        let (a, rest) = parts.split_at(length);
        let (b, rest) = rest.split_at(length);
        let (c, d) = rest.split_at(length);
        let mut later: [Vec<Candidate>; STREAMS - 1] = Default::default();
        let [mut ha, mut hb, mut hc, mut hd] = *hashes;
        for (i, (((a, b), c), d)) in a.iter().zip(b).zip(c).zip(d).enumerate() {
            ha = self.step(ha, *a);
            hb = self.step(hb, *b);
            hc = self.step(hc, *c);
            hd = self.step(hd, *d);
            if ha.min(hb).min(hc.min(hd)) < self.weak_below {
                if ha < self.weak_below {
                    found.push(self.candidate(ha, i + 1));
                }
                for (stream, hash) in [hb, hc, hd].into_iter().enumerate() {
                    if hash < self.weak_below {
                        later[stream].push(self.candidate(hash, (stream + 1) * length + i + 1));
                    }
                }
            }
        }
        *hashes = [ha, hb, hc, hd];
        for part in &later {
            found.extend_from_slice(part);
        }
    }
}

/// Chooses boundaries among candidates, from the beginning of a file to its end.
#[derive(Debug, Clone)]
pub(crate) struct Boundaries {
    chunking: Chunking,
    /// Boundaries are rounded down to a multiple of this, counted from the beginning of the run of data.
    alignment: u64,
    /// Where the open chunk begins.
    start: u64,
}

impl Boundaries {
    /// Begins a run of data at `start`.
    pub(crate) fn new(chunking: Chunking, alignment: u64, start: u64) -> Self {
        Self { chunking, alignment, start }
    }

    /// Where the open chunk begins.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// Chooses the boundaries in the segment from `offset` to `end`, given its candidates.
    pub(crate) fn choose(&mut self, offset: u64, end: u64, found: &[Candidate], mut cut: impl FnMut(u64)) {
        let (min, average, max) = (
            u64::from(self.chunking.min_bytes),
            u64::from(self.chunking.average_bytes),
            u64::from(self.chunking.max_bytes),
        );
        for candidate in found {
            let place = offset + u64::from(candidate.end);
            while place - self.start > max {
                self.start += max;
                cut(self.start);
            }
            let place = place / self.alignment * self.alignment;
            let length = place.saturating_sub(self.start);
            if length >= min && (candidate.strong || length >= average) {
                self.start = place;
                cut(place);
            }
        }
        while end - self.start >= max {
            self.start += max;
            cut(self.start);
        }
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::{Rng, SeededRng};

    use super::*;

    fn table() -> [u64; 256] {
        let mut bytes = [0; 2048];
        SeededRng::new(3).fill(&mut bytes);
        std::array::from_fn(|i| u64::from_le_bytes(bytes[i * 8..][..8].try_into().unwrap()))
    }

    /// The boundaries of `data`, found in segments of this length.
    fn cut(data: &[u8], segment_bytes: usize, alignment: u64) -> Vec<u64> {
        let (table, chunking) = (table(), Chunking::default());
        let (mut boundaries, mut cuts) = (Boundaries::new(chunking, alignment, 0), Vec::new());
        let mut found = Vec::new();
        for (n, segment) in data.chunks(segment_bytes).enumerate() {
            let offset = n * segment_bytes;
            candidates(
                &table,
                &chunking,
                &data[offset.saturating_sub(LOOKBACK_BYTES)..offset],
                segment,
                &mut found,
            );
            boundaries.choose(offset as u64, (offset + segment.len()) as u64, &found, |cut| cuts.push(cut));
        }
        cuts
    }

    fn noise(length: usize, seed: u64) -> Vec<u8> {
        let mut bytes = vec![0; length];
        SeededRng::new(seed).fill(&mut bytes);
        bytes
    }

    #[test]
    fn boundaries_do_not_depend_on_segments() {
        let data = noise(6 << 20, 1);
        let whole = cut(&data, data.len(), 1);
        for segment in [1 << 20, 100_000, 65_536, 777] {
            assert_eq!(cut(&data, segment, 1), whole, "{segment}");
        }
    }

    #[test]
    fn chunks_are_within_their_bounds_and_near_the_average() {
        let cuts = cut(&noise(32 << 20, 2), 1 << 20, 8);
        let lengths: Vec<u64> = std::iter::once(&0).chain(&cuts).zip(&cuts).map(|(a, b)| b - a).collect();
        assert!(lengths.iter().all(|length| (16 << 10..=256 << 10).contains(length) && length % 8 == 0));
        let average = lengths.iter().sum::<u64>() / lengths.len() as u64;
        assert!((56 << 10..88 << 10).contains(&average), "{average}");
    }

    #[test]
    fn an_insertion_changes_few_chunks() {
        let data = noise(8 << 20, 4);
        let mut changed = data.clone();
        changed.splice(1_000_000..1_000_000, *b"eight by");
        for alignment in [1, 8] {
            let before = cut(&data, 1 << 20, alignment);
            let after = cut(&changed, 1 << 20, alignment);
            let kept =
                after.iter().filter(|cut| before.contains(cut) || before.contains(&(**cut - 8))).count();
            assert!(kept + 4 >= before.len(), "{kept} of {}", before.len());
        }
    }

    #[test]
    fn constant_data_is_cut_at_the_maximum_length() {
        assert_eq!(cut(&vec![0; 1 << 20], 300_000, 1), [1 << 18, 2 << 18, 3 << 18, 4 << 18]);
    }
}
