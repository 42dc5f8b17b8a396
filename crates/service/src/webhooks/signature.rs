//! Signatures of webhooks as the Standard Webhooks specification lays down (<https://www.standardwebhooks.com>).
//!
//! The signed text is `{webhook-id}.{webhook-timestamp}.{body}`, the signature HMAC-SHA256 under the bytes of the secret, in
//! base64 after `v1,`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a secret begins with when it is shown.
const PREFIX: &str = "whsec_";

/// The secret as it is shown.
pub(crate) fn show_secret(secret: &[u8]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(secret))
}

/// The value of the header `webhook-signature`.
pub(crate) fn sign(secret: &[u8], id: &str, timestamp_s: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{timestamp_s}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn the_example_of_the_specification_is_signed_alike() {
        let shown = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let secret = STANDARD.decode(shown.strip_prefix(PREFIX).unwrap()).unwrap();
        assert_eq!(show_secret(&secret), shown);
        let signature =
            sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn every_part_is_signed() {
        let whole = sign(b"k", "id", 1, b"body");
        assert_ne!(whole, sign(b"l", "id", 1, b"body"));
        assert_ne!(whole, sign(b"k", "ie", 1, b"body"));
        assert_ne!(whole, sign(b"k", "id", 2, b"body"));
        assert_ne!(whole, sign(b"k", "id", 1, b"bodz"));
    }
}
