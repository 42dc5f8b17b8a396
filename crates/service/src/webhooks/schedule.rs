//! When a delivery that failed is tried again.

use backstay_model::{Rng, Timestamp};

/// Seconds after the first, second, … failed attempt: together about three days.
const DELAYS_S: [i64; 9] = [5, 60, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 18 * 3600, 36 * 3600];

/// When to try again after `attempts` failed ones, `None` when it is given up. Up to a tenth is added at random, so that many
/// deliveries that failed together do not come back together.
pub(crate) fn next_attempt(attempts: u32, now: Timestamp, rng: &dyn Rng) -> Option<Timestamp> {
    let delay = *DELAYS_S.get(attempts.checked_sub(1)? as usize)?;
    let mut random = [0; 2];
    rng.fill(&mut random);
    let share = f64::from(u16::from_le_bytes(random)) / f64::from(u16::MAX);
    Some(Timestamp::from_micros(now.as_micros() + delay * 1_000_000 + (delay as f64 * 1e5 * share) as i64))
}

#[cfg(test)]
mod tests {
    use backstay_model::SeededRng;

    use super::*;

    #[test]
    fn the_pauses_grow_and_end() {
        let rng = SeededRng::new(1);
        let mut last = 0;
        for attempts in 1..=DELAYS_S.len() as u32 {
            let pause = next_attempt(attempts, Timestamp::EPOCH, &rng).unwrap().as_micros();
            let planned = DELAYS_S[attempts as usize - 1] * 1_000_000;
            assert!((planned..=planned + planned / 10).contains(&pause), "{attempts}: {pause}");
            assert!(pause > last);
            last = pause;
        }
        assert_eq!(next_attempt(DELAYS_S.len() as u32 + 1, Timestamp::EPOCH, &rng), None);
        assert_eq!(next_attempt(0, Timestamp::EPOCH, &rng), None);
    }
}
