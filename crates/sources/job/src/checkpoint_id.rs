//! The number of a checkpoint and the public id made from it.

/// The number of a checkpoint: the Unix second and a count within that second, so that numbers grow with time and a
/// public id leads to its row with one probe.
///
/// Bits 62..32 hold the seconds since 2020-01-01, bits 31..0 the count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckpointKey(i64);

/// 2020-01-01T00:00:00Z.
const EPOCH_SECONDS: i64 = 1_577_836_800;
const MAX_SECONDS: i64 = (1 << 31) - 1;

impl CheckpointKey {
    /// The key stored as `number`.
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// The number to store.
    pub const fn number(self) -> i64 {
        self.0
    }

    /// The first key after `last` at the Unix second `now`: of this second, or right behind `last` when the clock
    /// stands or jumps back. Never one that was given before.
    pub fn next(last: i64, now: i64) -> Self {
        let seconds = (now - EPOCH_SECONDS).clamp(0, MAX_SECONDS);
        Self((seconds << 32).max(last + 1))
    }

    /// The Unix second in the key.
    pub const fn unix_seconds(self) -> i64 {
        (self.0 >> 32) + EPOCH_SECONDS
    }

    /// The public id: `{slug}_{unix seconds}_{8 hex}`.
    pub fn public(self, slug: &str) -> String {
        let digits = scramble(self.0 as u32, (self.0 >> 32) as u32);
        format!("{slug}_{}_{digits:08x}", self.unix_seconds())
    }

    /// The key in a public id, with its slug; `None` for a text that is no such id.
    pub fn parse(id: &str) -> Option<(Self, &str)> {
        let (rest, hex) = id.rsplit_once('_')?;
        let (slug, seconds) = rest.rsplit_once('_')?;
        let plain = hex.len() == 8 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !plain || seconds.is_empty() || !seconds.bytes().all(|b| b.is_ascii_digit()) || id.len() > 128 {
            return None;
        }
        let seconds = seconds.parse::<i64>().ok()?.checked_sub(EPOCH_SECONDS)?;
        if !(0..=MAX_SECONDS).contains(&seconds) {
            return None;
        }
        let count = unscramble(u32::from_str_radix(hex, 16).ok()?, seconds as u32);
        Some((Self((seconds << 32) | i64::from(count)), slug))
    }
}

const FACTOR: u32 = 0x9e37_79b1;
const INVERSE: u32 = inverse(FACTOR);

/// The inverse of an odd number modulo 2^32 (Newton's iteration).
const fn inverse(odd: u32) -> u32 {
    let mut x = odd;
    let mut step = 0;
    while step < 5 {
        x = x.wrapping_mul(2u32.wrapping_sub(odd.wrapping_mul(x)));
        step += 1;
    }
    x
}

/// Spreads neighbours over the range, so that a mistyped id is no other checkpoint's. A bijection, no secret.
fn scramble(count: u32, seconds: u32) -> u32 {
    let x = count.wrapping_mul(FACTOR).wrapping_add(seconds.wrapping_mul(0x85eb_ca6b));
    let x = x ^ (x >> 16);
    x.wrapping_mul(FACTOR)
}

fn unscramble(digits: u32, seconds: u32) -> u32 {
    let x = digits.wrapping_mul(INVERSE);
    let x = x ^ (x >> 16);
    x.wrapping_sub(seconds.wrapping_mul(0x85eb_ca6b)).wrapping_mul(INVERSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_id_leads_back_to_its_key() {
        let mut last = 0;
        for n in 0..5000 {
            let key = CheckpointKey::next(last, 1_767_435_330 + n / 1000);
            assert!(key.number() > last);
            last = key.number();
            let id = key.public("step_2");
            assert_eq!(CheckpointKey::parse(&id), Some((key, "step_2")), "{id}");
        }
    }

    #[test]
    fn a_clock_that_jumps_back_gives_no_key_twice() {
        let late = CheckpointKey::next(0, 2_000_000_000);
        let after = CheckpointKey::next(late.number(), 1_600_000_000);
        assert_eq!(after.number(), late.number() + 1);
    }

    #[test]
    fn other_texts_are_no_ids() {
        for text in [
            "",
            "a",
            "a_b",
            "a_1_2",
            "a_1737201236_9f3a01bX",
            "a_1737201236_9F3A01BC",
            "_9_00000000",
            "a_99999999999_00000000",
        ] {
            assert_eq!(CheckpointKey::parse(text), None, "{text}");
        }
    }
}
