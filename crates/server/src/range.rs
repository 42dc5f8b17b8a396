//! Conditional and range requests (RFC 9110) on content with a strong entity tag.

use http::{HeaderMap, header};

use crate::conditions::{Comparison, is_known, matches_any};

/// What part of the content to send.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// All of it (200).
    Whole,
    /// From the first byte to the last, both included (206).
    Part { first: u64, last: u64 },
    /// Nothing: the client has it (304).
    NotModified,
    /// Nothing: the client wants another version (412).
    PreconditionFailed,
    /// Nothing: the range lies outside (416).
    Unsatisfiable,
}

/// Decides what to send of `size_bytes` with the entity tag `etag`, quotes included.
///
/// Several ranges, other units and malformed ranges are ignored, as the RFC allows: the whole is sent.
pub(crate) fn select(headers: &HeaderMap, etag: &str, size_bytes: u64) -> Selection {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(wanted) = text(header::IF_MATCH)
        && !matches_any(wanted, etag, Comparison::Strong)
    {
        return Selection::PreconditionFailed;
    }
    if is_known(headers, etag) {
        return Selection::NotModified;
    }
    if let Some(condition) = text(header::IF_RANGE)
        && condition.trim() != etag
    {
        return Selection::Whole;
    }
    let Some((first, last)) = text(header::RANGE).and_then(parse) else { return Selection::Whole };
    resolve(first, last, size_bytes)
}

fn parse(range: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, set) = range.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    let number = |text: &str| match text {
        "" => Some(None),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
            Some(Some(digits.parse().unwrap_or(u64::MAX)))
        }
        _ => None,
    };
    match (number(first)?, number(last)?) {
        (None, None) => None,
        (Some(first), Some(last)) if last < first => None,
        pair => Some(pair),
    }
}

fn resolve(first: Option<u64>, last: Option<u64>, size_bytes: u64) -> Selection {
    match (first, last) {
        (Some(first), last) if first < size_bytes => {
            Selection::Part { first, last: last.unwrap_or(u64::MAX).min(size_bytes - 1) }
        }
        (None, Some(length)) if length > 0 && size_bytes > 0 => {
            Selection::Part { first: size_bytes.saturating_sub(length), last: size_bytes - 1 }
        }
        _ => Selection::Unsatisfiable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&'static str, &'static str)]) -> Selection {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        select(&headers, "\"abc\"", 1000)
    }

    #[test]
    fn each_form_of_a_range_selects_its_bytes() {
        assert_eq!(with(&[("range", "bytes=0-99")]), Selection::Part { first: 0, last: 99 });
        assert_eq!(with(&[("range", "bytes=990-")]), Selection::Part { first: 990, last: 999 });
        assert_eq!(with(&[("range", "bytes=-10")]), Selection::Part { first: 990, last: 999 });
        assert_eq!(with(&[("range", "bytes=-5000")]), Selection::Part { first: 0, last: 999 });
        assert_eq!(
            with(&[("range", "bytes=0-99999999999999999999999")]),
            Selection::Part { first: 0, last: 999 }
        );
    }

    #[test]
    fn a_range_outside_is_refused_and_a_malformed_one_ignored() {
        for outside in ["bytes=1000-", "bytes=-0"] {
            assert_eq!(with(&[("range", outside)]), Selection::Unsatisfiable, "{outside}");
        }
        for odd in ["bytes=5-2", "bytes=a-b", "bytes=", "bytes=-", "items=0-1", "bytes=0-1,5-6", "bytes=+1-2"]
        {
            assert_eq!(with(&[("range", odd)]), Selection::Whole, "{odd}");
        }
    }

    #[test]
    fn conditions_come_before_ranges() {
        assert_eq!(with(&[("if-none-match", "W/\"abc\""), ("range", "bytes=0-1")]), Selection::NotModified);
        assert_eq!(with(&[("if-match", "\"other\"")]), Selection::PreconditionFailed);
        assert_eq!(with(&[("if-match", "\"x\", \"abc\"")]), Selection::Whole);
        assert_eq!(with(&[("if-range", "\"old\""), ("range", "bytes=0-1")]), Selection::Whole);
        assert_eq!(
            with(&[("if-range", "\"abc\""), ("range", "bytes=0-1")]),
            Selection::Part { first: 0, last: 1 }
        );
    }
}
