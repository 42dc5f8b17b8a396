//! Passwords: Argon2id, with parameters that a stored hash carries itself.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use backstay_model::Rng;

use crate::error::{Result, ServiceError};

/// The shortest password, in bytes.
const SHORTEST: usize = 12;
/// The longest password, in bytes; hashing a longer one would only cost time.
const LONGEST: usize = 1024;

/// How expensive a guess is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
}

impl Default for PasswordCost {
    /// The recommendation of OWASP: 19 MiB, two passes.
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2 }
    }
}

/// Refuses a password that is too short, too long, or the same character all over.
pub(crate) fn check_password(password: &str) -> Result<()> {
    if password.len() < SHORTEST || password.len() > LONGEST {
        return Err(ServiceError::invalid("password", format!("it takes {SHORTEST} to {LONGEST} bytes")));
    }
    let mut characters = password.chars();
    let first = characters.next();
    if characters.all(|character| Some(character) == first) {
        return Err(ServiceError::invalid("password", "it is one character repeated"));
    }
    Ok(())
}

/// The PHC string of `password` with a fresh salt. Blocks for some hundredths of a second.
pub(crate) fn hash_password(password: &str, cost: PasswordCost, rng: &dyn Rng) -> Result<String> {
    let failed = |error: &dyn std::fmt::Display| {
        ServiceError::internal("The password could not be hashed", error.to_string())
    };
    let params = Params::new(cost.memory_kib, cost.passes, 1, None).map_err(|error| failed(&error))?;
    let mut salt = [0; 16];
    rng.fill(&mut salt);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: PasswordHash =
        argon2.hash_password_with_salt(password.as_bytes(), &salt).map_err(|error| failed(&error))?;
    Ok(hash.to_string())
}

/// Whether `password` is the one that was hashed. Without a hash (an unknown user, or one without a password) it does the
/// same work and says no, so that the time tells nothing. Blocks for some hundredths of a second.
pub(crate) fn verify_password(password: &str, hash: Option<&str>, cost: PasswordCost, rng: &dyn Rng) -> bool {
    let Some(hash) = hash else {
        let _ = hash_password(password, cost, rng);
        return false;
    };
    Argon2::default().verify_password(password.as_bytes(), hash).is_ok()
}

#[cfg(test)]
mod tests {
    use backstay_model::SeededRng;

    use super::*;

    const CHEAP: PasswordCost = PasswordCost { memory_kib: 64, passes: 1 };

    #[test]
    fn only_the_right_password_fits_its_hash() {
        let rng = SeededRng::new(1);
        let hash = hash_password("correct horse battery", CHEAP, &rng).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        assert!(verify_password("correct horse battery", Some(&hash), CHEAP, &rng));
        assert!(!verify_password("correct horse batterY", Some(&hash), CHEAP, &rng));
        assert!(!verify_password("correct horse battery", None, CHEAP, &rng));
    }

    #[test]
    fn two_hashes_of_one_password_differ() {
        let rng = SeededRng::new(1);
        assert_ne!(hash_password("x", CHEAP, &rng).unwrap(), hash_password("x", CHEAP, &rng).unwrap());
    }

    #[test]
    fn weak_passwords_are_refused() {
        for password in ["", "short", "aaaaaaaaaaaaaaaa", &"x y".repeat(400)] {
            assert!(check_password(password).is_err(), "{password}");
        }
        assert!(check_password("correct horse battery").is_ok());
    }
}
