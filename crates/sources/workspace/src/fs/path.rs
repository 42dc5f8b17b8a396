//! Relative paths as bytes, parts joined by `/`. The root itself is the empty path.

use std::fmt::Write;

/// `parent/name`, or `name` alone below the root.
pub(crate) fn join(parent: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(parent.len() + name.len() + 1);
    if !parent.is_empty() {
        path.extend_from_slice(parent);
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

/// The directory and the last part of `path`.
pub(crate) fn split_parent(path: &[u8]) -> (&[u8], &[u8]) {
    path.iter().rposition(|b| *b == b'/').map_or((&[], path), |at| (&path[..at], &path[at + 1..]))
}

/// The order of a walk: a directory right before what is in it, names compared as bytes.
pub(crate) fn walk_order(a: &[u8], b: &[u8]) -> std::cmp::Ordering {
    // Deep paths share long beginnings, which are skipped piecewise.
    const PIECE: usize = 256;
    let pieces = a.chunks_exact(PIECE).zip(b.chunks_exact(PIECE));
    let same = pieces.take_while(|(a, b)| a == b).count() * PIECE;
    let key = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
    a[same..].iter().map(key).cmp(b[same..].iter().map(key))
}

/// `path` as a person reads it: control characters and bytes that are not UTF-8 escaped, the root as `.`.
pub(crate) fn display(path: &[u8]) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    let mut text = String::with_capacity(path.len());
    for part in path.utf8_chunks() {
        for character in part.valid().chars() {
            if character.is_control() {
                text.extend(character.escape_default());
            } else {
                text.push(character);
            }
        }
        for byte in part.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_on_one_line() {
        assert_eq!(display(b"a\nb\xff/\xc3\xa9"), "a\\nb\\xff/é");
        assert_eq!(display(b""), ".");
    }

    #[test]
    fn a_path_splits_into_directory_and_name() {
        assert_eq!(split_parent(b"a/b/c"), (&b"a/b"[..], &b"c"[..]));
        assert_eq!(split_parent(b"c"), (&b""[..], &b"c"[..]));
        assert_eq!(join(b"", b"c"), b"c");
        assert_eq!(join(b"a/b", b"c"), b"a/b/c");
    }
}
