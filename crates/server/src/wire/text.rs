//! Bytes as text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A path as text and, when it is not UTF-8, its bytes in base64.
pub fn path_text(path: &[u8]) -> (String, Option<String>) {
    match std::str::from_utf8(path) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (String::from_utf8_lossy(path).into_owned(), Some(STANDARD.encode(path))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_utf8_carries_its_bytes() {
        assert_eq!(path_text("é".as_bytes()), ("é".to_owned(), None));
        assert_eq!(path_text(b"a\xff"), ("a\u{fffd}".to_owned(), Some("Yf8=".to_owned())));
    }
}
