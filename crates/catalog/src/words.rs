//! Vocabularies of the catalog alone, and the words of texts that are searched.

/// Defines an enum whose values are words in the database.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$vdoc])* $variant),+
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word used in SQL and on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> std::result::Result<Self, String> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or_else(|| {
                    format!(concat!("`{}` is not one of", $(" ", $word),+), text.chars().take(40).collect::<String>())
                })
            }
        }
    };
}
pub(crate) use vocabulary;

/// How many words of one row are searchable.
const WORDS_MAX: usize = 512;
/// How many words of a query count.
const QUERY_MAX: usize = 32;
/// How many characters of a word count.
const LENGTH_MAX: usize = 64;

/// The words of a text: runs of letters and digits, in lower case.
///
/// Both databases index exactly these words, so that a search finds the same on both.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| {
            word.chars()
                .flat_map(char::to_lowercase)
                .filter(|c| c.is_alphanumeric())
                .take(LENGTH_MAX)
                .collect()
        })
        .filter(|word: &String| !word.is_empty())
        .take(WORDS_MAX)
}

/// A word that stands for a scope, so that the text index can narrow a search to a tenant or a source.
pub(crate) fn scope_word(prefix: char, id: &str) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    let digits = id.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    ['x', prefix].into_iter().chain(digits).collect()
}

/// What the text index is asked: all of `exact`, and each of `query`'s words.
///
/// A word of the query must occur as it is; one with a `*` behind it, as the beginning of a word. `None` when the query
/// holds no word at all.
pub(crate) fn text_query(query: &str, exact: &[String], postgres: bool) -> Option<String> {
    let mut asked: Vec<(String, bool)> = Vec::new();
    for piece in query.split_inclusive('*') {
        asked.extend(words(piece).map(|word| (word, false)));
        let starred = piece.strip_suffix('*').is_some_and(|rest| rest.ends_with(char::is_alphanumeric));
        if let Some(last) = asked.last_mut().filter(|_| starred) {
            last.1 = true;
        }
    }
    if asked.is_empty() {
        return None;
    }
    asked.truncate(QUERY_MAX);
    let terms = exact.iter().map(|word| (word.clone(), false)).chain(asked);
    let terms: Vec<String> = terms
        .map(|(word, open)| match (postgres, open) {
            (false, false) => format!("\"{word}\""),
            (false, true) => format!("\"{word}\" *"),
            (true, false) => format!("'{word}'"),
            (true, true) => format!("'{word}':*"),
        })
        .collect();
    Some(terms.join(if postgres { " & " } else { " AND " }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_letters_and_digits_in_lower_case() {
        let found: Vec<String> = words("Before-UPGRADE v2.1: \"Grün\" OR NEAR(a*) 日本語\0%_'").collect();
        assert_eq!(found, ["before", "upgrade", "v2", "1", "grün", "or", "near", "a", "日本語"]);
    }

    #[test]
    fn a_query_has_no_syntax_of_its_own() {
        assert_eq!(text_query("a\" OR b", &[], false).unwrap(), "\"a\" AND \"or\" AND \"b\"");
        assert_eq!(text_query("up* '12345 a*b", &[], true).unwrap(), "'up':* & '12345' & 'a':* & 'b'");
        assert_eq!(text_query("\"'*%", &[], false), None);
    }
}
