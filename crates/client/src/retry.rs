//! How often and when a call is made again.

use std::time::Duration;

use crate::error::ClientError;

/// A call is made at most this many times.
pub(crate) const MAX_ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// A server that asks for more patience than this gets no second call: the caller decides.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The pause before the next attempt after `attempt` (from 1) failed with `error`; `None` to give up.
pub(crate) fn pause(attempt: u32, error: &ClientError) -> Option<Duration> {
    if attempt >= MAX_ATTEMPTS || !error.is_temporary() {
        return None;
    }
    if let ClientError::Problem { retry_after_seconds: Some(seconds), .. } = error {
        let asked = Duration::from_secs(*seconds);
        return (asked <= LONGEST_PAUSE).then_some(asked);
    }
    Some((FIRST_PAUSE * 2u32.saturating_pow(attempt - 1)).min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use backstay_api::Problem;

    use super::*;

    fn problem(status: u16, retry_after_seconds: Option<u64>) -> ClientError {
        ClientError::Problem {
            problem: Box::new(Problem { status, ..Problem::default() }),
            retry_after_seconds,
        }
    }

    #[test]
    fn pauses_grow_and_end() {
        let error = problem(503, None);
        let pauses: Vec<_> = (1..=4).map(|attempt| pause(attempt, &error)).collect();
        let ms = Duration::from_millis;
        assert_eq!(pauses, [Some(ms(100)), Some(ms(200)), Some(ms(400)), None]);
    }

    #[test]
    fn a_refusal_is_final_and_a_long_wait_is_the_callers_choice() {
        assert_eq!(pause(1, &problem(404, None)), None);
        assert_eq!(pause(1, &problem(429, Some(2))), Some(Duration::from_secs(2)));
        assert_eq!(pause(1, &problem(429, Some(300))), None);
    }
}
