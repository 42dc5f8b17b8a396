//! `--wait` for what needs no lock of its own and still has to wait for another operation.

use std::time::Duration;

use crate::context::Context;
use crate::failure::Failure;
use crate::interrupt;

/// How long to wait between two tries.
const PAUSE: Duration = Duration::from_millis(200);

/// Tries until it succeeds, fails for another reason than that something is in use, or `seconds` are over.
pub(crate) async fn while_busy<T>(
    cx: &Context,
    seconds: u64,
    mut attempt: impl AsyncFnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut left = Duration::from_secs(seconds);
    loop {
        match attempt().await {
            Err(failure) if failure.is_busy() && !left.is_zero() => {}
            ended => return ended,
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => left = left.saturating_sub(PAUSE),
            () = interrupt::requested(&cx.cancel) => return Err(Failure::interrupted()),
        }
    }
}
