//! Lists of entity tags in the conditions of a request (RFC 9110, sections 8.8.3 and 13.1).

use http::{HeaderMap, header};

/// How two entity tags are compared.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Comparison {
    /// Byte for byte; a weak tag equals none.
    Strong,
    /// Whether they are weak or not.
    Weak,
}

/// Whether the client says with `If-None-Match` that it has the content with the entity tag `etag`, quotes included.
pub(crate) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let mut lists = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
    lists.any(|list| matches_any(list, etag, Comparison::Weak))
}

/// Whether a list of entity tags has `etag`, or is `*`: any that there is.
pub(crate) fn matches_any(list: &str, etag: &str, comparison: Comparison) -> bool {
    list.trim() == "*"
        || list.split(',').map(str::trim).any(|tag| match comparison {
            Comparison::Strong => tag == etag,
            Comparison::Weak => tag.strip_prefix("W/").unwrap_or(tag) == etag,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(lists: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for list in lists {
            headers.append(header::IF_NONE_MATCH, list.parse().unwrap());
        }
        is_known(&headers, "\"abc\"")
    }

    #[test]
    fn a_client_says_in_many_ways_what_it_has() {
        for list in
            ["\"abc\"", "W/\"abc\"", "*", " * ", "\"x\", \"abc\"", "\"x\",W/\"abc\" ,\"y\"", ", \"abc\""]
        {
            assert!(known(&[list]), "{list}");
        }
        assert!(known(&["\"x\"", "W/\"abc\""]));
    }

    #[test]
    fn what_names_another_tag_or_none_is_not_known() {
        assert!(!known(&[]));
        for list in ["", "abc", "\"ab\"", "w/\"abc\"", "W/abc", "\"x\", *", "\"abc\"x", "\"ABC\""] {
            assert!(!known(&[list]), "{list}");
        }
    }

    #[test]
    fn a_weak_tag_is_not_strongly_equal() {
        assert!(!matches_any("W/\"abc\"", "\"abc\"", Comparison::Strong));
        assert!(matches_any("W/\"abc\", \"abc\"", "\"abc\"", Comparison::Strong));
        assert!(matches_any("*", "\"abc\"", Comparison::Strong));
    }
}
