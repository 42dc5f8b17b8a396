//! Names of objects.

use std::fmt;

/// The name of an object: one to four parts of `a-z0-9-` joined by `/`, at most 200 bytes.
///
/// Names are made by Backstay (a fixed word and hexadecimal digits), never from user input, so a name can be used
/// as a relative path or an S3 key as it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName(String);

/// A text that is not an object name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an object name")]
pub struct InvalidName(pub String);

impl ObjectName {
    /// Checks `text`.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let part_is_good = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if text.len() <= 200 && text.split('/').count() <= 4 && text.split('/').all(part_is_good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidName(text.chars().take(220).collect()))
        }
    }

    /// The text of the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for ObjectName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_bounded() {
        assert!(ObjectName::parse("a/b/c/d").is_ok());
        assert!(ObjectName::parse("a/b/c/d/e").is_err());
        assert!(ObjectName::parse(&"a".repeat(200)).is_ok());
        assert!(ObjectName::parse(&"a".repeat(201)).is_err());
    }

    proptest! {
        #[test]
        fn a_name_is_a_relative_path_without_surprises(text in "\\PC{0,30}|[a-z0-9/.-]{0,30}") {
            if let Ok(name) = ObjectName::parse(&text) {
                prop_assert_eq!(name.as_str(), &text);
                let path = std::path::Path::new(name.as_str());
                prop_assert!(path.components().all(|part| matches!(part, std::path::Component::Normal(_))));
                prop_assert_eq!(path.components().count(), text.split('/').count());
            }
        }
    }
}
