//! A state: a JSON object, kept as it was sent.

use crate::json::{self, Json, JsonError};

/// The largest state, in bytes of JSON text.
pub const MAX_STATE_BYTES: usize = 64 << 20;

/// A JSON object whose text is kept as it is: order of keys, text of numbers, `\u0000`.
#[derive(Clone, PartialEq, Eq)]
pub struct State(String);

/// A text that is no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// It is larger than [`MAX_STATE_BYTES`].
    #[error("state is {bytes} bytes; the limit is {MAX_STATE_BYTES}")]
    TooLarge {
        /// How large it is.
        bytes: usize,
    },
    /// It is a list, a text, a number, true, false or null.
    #[error("it must be a JSON object, not {0}")]
    NotAnObject(&'static str),
    /// It is no acceptable JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
}

impl State {
    /// Checks `text`, which a client sent. Leading and trailing blanks go; everything else stays.
    pub fn parse(text: &str) -> Result<Self, StateError> {
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        if text.len() > MAX_STATE_BYTES {
            return Err(StateError::TooLarge { bytes: text.len() });
        }
        json::check(text)?;
        let what = match text.as_bytes().first() {
            Some(b'{') => return Ok(Self(text.to_owned())),
            Some(b'[') => "a list",
            Some(b'"') => "a text",
            Some(b't' | b'f') => "true or false",
            Some(b'n') => "null",
            _ => "a number",
        };
        Err(StateError::NotAnObject(what))
    }

    /// The state of a tree.
    pub fn from_json(json: &Json) -> Result<Self, StateError> {
        Self::parse(&json.to_text())
    }

    /// The state in stored bytes whose hash was checked.
    pub fn from_stored(bytes: Vec<u8>) -> Option<Self> {
        String::from_utf8(bytes).ok().filter(|text| text.starts_with('{')).map(Self)
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tree.
    pub fn to_json(&self) -> Result<Json, JsonError> {
        Json::parse(&self.0)
    }

    /// The JSON text, without the wrapping.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "State({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_stays_as_it_was_sent() {
        for text in ["{}", r#"{"b":1,"a":12345678901234567890.10,"z":"\u0000"}"#, "{ \"a\" :\t[ ] }"] {
            assert_eq!(State::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(State::parse(" {} \n").unwrap().as_str(), "{}");
    }

    #[test]
    fn anything_else_is_told_apart() {
        for text in ["null", "[]", "1", "\"x\"", "true"] {
            assert!(matches!(State::parse(text), Err(StateError::NotAnObject(_))), "{text}");
        }
        assert!(matches!(State::parse(""), Err(StateError::Json(_))));
    }
}
