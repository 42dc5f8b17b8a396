//! Randomness from the operating system.

use backstay_model::Rng;
use rustix::rand::{GetRandomFlags, getrandom};

/// The random generator of the kernel; good for keys and secrets.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OsRandom;

impl Rng for OsRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let mut filled = 0;
        while filled < bytes.len() {
            match getrandom(&mut bytes[filled..], GetRandomFlags::empty()) {
                Ok(count) => filled += count,
                Err(rustix::io::Errno::INTR) => {}
                // Without randomness no key and no id may be made; there is nothing to go back to.
                Err(error) => panic!("the kernel gives no random bytes: {error}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ_and_are_filled_to_the_end() {
        let (mut first, mut second) = ([0; 600], [0; 600]);
        OsRandom.fill(&mut first);
        OsRandom.fill(&mut second);
        assert_ne!(first[..], second[..]);
        assert!(first[560..].iter().any(|byte| *byte != 0));
    }
}
