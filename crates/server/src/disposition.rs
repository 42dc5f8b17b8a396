//! `Content-Disposition` with any file name (RFC 6266).

use std::fmt::Write;

use http::HeaderValue;

/// The header that offers content under the name `name`, of which only the last component is used.
///
/// Whatever the name is, the header has one parameter of plain ASCII and one of percent-encoded UTF-8: no quote,
/// line break or separator of the name survives in it.
pub(crate) fn content_disposition(name: &[u8], attachment: bool) -> HeaderValue {
    let base = name.rsplit(|b| *b == b'/').next().unwrap_or_default();
    let base = String::from_utf8_lossy(base);
    let plain: String = base
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || " ._-+()[]".contains(c) { c } else { '_' })
        .take(200)
        .collect();
    let plain = plain.trim();
    let plain = if plain.is_empty() || plain.bytes().all(|b| b == b'.') { "content" } else { plain };
    let mut encoded = String::new();
    for byte in base.bytes().take(255) {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    let kind = if attachment { "attachment" } else { "inline" };
    HeaderValue::from_str(&format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}"))
        .unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_stays_plain() {
        assert_eq!(
            content_disposition(b"src/main.rs", true),
            "attachment; filename=\"main.rs\"; filename*=UTF-8''main.rs"
        );
    }

    #[test]
    fn a_hostile_name_cannot_leave_its_quotes() {
        let header = content_disposition(b"a\"; x=\"\r\nSet-Cookie: y\xff", true);
        let text = header.to_str().unwrap();
        assert_eq!(text.matches('"').count(), 2, "{text}");
        assert!(!text.contains('\r') && !text.contains('\n') && text.contains("%22%3B"));
        assert!(content_disposition(b"..", false).to_str().unwrap().contains("filename=\"content\""));
    }
}
