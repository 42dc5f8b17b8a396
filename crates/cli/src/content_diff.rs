//! The changed lines of a text file.

use backstay_api::change::{Change, ChangeKind};
use backstay_api::entry::EntryKind;
use similar::TextDiff;

use crate::backend::{Backend, on};
use crate::content;
use crate::context::Context;
use crate::failure::Failure;

/// Files larger than this are not compared line by line.
const MAX_BYTES: u64 = 4 << 20;

/// The unified difference of one changed path between `a` and `b` (or the file as it is). `None` when it is no pair of
/// texts: binary, too large, not a file, or not on this machine.
pub(crate) async fn of(
    cx: &Context,
    backend: &Backend,
    change: &Change,
    a: &str,
    b: Option<&str>,
) -> Result<Option<String>, Failure> {
    if !matches!(
        change.change,
        ChangeKind::Added | ChangeKind::Deleted | ChangeKind::Modified | ChangeKind::Renamed
    ) {
        return Ok(None);
    }
    for side in [&change.before, &change.after].into_iter().flatten() {
        if side.kind != EntryKind::File || side.size_bytes.unwrap_or(0) > MAX_BYTES {
            return Ok(None);
        }
    }
    let old_path = change.from_path.as_deref().unwrap_or(&change.path);
    let old = match change.before {
        Some(_) => content::read(cx, backend, a, old_path, MAX_BYTES as usize).await?,
        None => Vec::new(),
    };
    let new = match (&change.after, b) {
        (None, _) => Vec::new(),
        (Some(_), Some(b)) => content::read(cx, backend, b, &change.path, MAX_BYTES as usize).await?,
        (Some(_), None) => match on!(backend, live_path(&change.path)).map(std::fs::read) {
            Some(Ok(bytes)) if bytes.len() as u64 <= MAX_BYTES => bytes,
            _ => return Ok(None),
        },
    };
    Ok(unified(old_path, &old, &change.path, &new))
}

fn unified(old_path: &str, old: &[u8], new_path: &str, new: &[u8]) -> Option<String> {
    let (old, new) = (text(old)?, text(new)?);
    let difference = TextDiff::from_lines(old, new);
    Some(
        difference
            .unified_diff()
            .context_radius(3)
            .header(&format!("a/{old_path}"), &format!("b/{new_path}"))
            .to_string(),
    )
}

/// The bytes as text; `None` when they are not text for a terminal.
fn text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let harmless = |character: char| !character.is_control() || matches!(character, '\n' | '\t' | '\r');
    text.chars().all(harmless).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_lines_are_shown_with_their_surroundings() {
        let shown = unified("x", b"one\ntwo\n", "x", b"one\nthree\n").unwrap();
        assert_eq!(shown, "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n one\n-two\n+three\n");
    }

    #[test]
    fn bytes_that_are_no_text_are_not_shown() {
        assert_eq!(unified("x", b"\xff\xfe", "x", b"a"), None);
        assert_eq!(unified("x", b"a", "x", b"\x1b[2J"), None);
    }
}
