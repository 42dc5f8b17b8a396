//! Paths inside a snapshot as they stand in a query.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// The bytes of a path. `b64:` and base64 stand for a path that is not UTF-8; slashes around and `./` before a path
/// mean nothing.
///
/// The path names an entry of a tree in the repository, never a file of this machine.
pub(crate) fn tree_path(text: &str) -> Vec<u8> {
    if let Some(encoded) = text.strip_prefix("b64:")
        && let Ok(bytes) = STANDARD.decode(encoded).or_else(|_| URL_SAFE.decode(encoded))
    {
        return bytes;
    }
    let text = text.strip_prefix("./").unwrap_or(text);
    if text == "." { Vec::new() } else { text.trim_matches('/').as_bytes().to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_as_it_is_but_for_what_means_nothing() {
        assert_eq!(tree_path("src/main.rs"), b"src/main.rs");
        assert_eq!(tree_path("/src/"), b"src");
        assert_eq!(tree_path("./src"), b"src");
        assert_eq!(tree_path("."), b"");
        assert_eq!(tree_path("b64:Yf8="), b"a\xff");
        assert_eq!(tree_path("b64:no base64"), b"b64:no base64");
    }
}
