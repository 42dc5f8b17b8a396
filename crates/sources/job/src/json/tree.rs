//! The tree of a JSON text.

use std::fmt::Write;

use super::parser::{self, JsonError};

/// A JSON value. Objects keep the order of their keys, numbers their text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it was written.
    Number(String),
    /// A text.
    String(String),
    /// A list.
    Array(Vec<Json>),
    /// An object; every key stands once.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads `text`, strictly.
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        parser::tree(text)
    }

    /// The compact text.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    /// The field `key` of an object.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The value at a JSON pointer (RFC 6901); the empty pointer is the whole.
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        let mut value = self;
        for token in pointer.strip_prefix('/')?.split('/') {
            let token = token.replace("~1", "/").replace("~0", "~");
            value = match value {
                Self::Array(items) => items.get(index(&token)?)?,
                Self::Object(_) => value.get(&token)?,
                _ => return None,
            };
        }
        Some(value)
    }

    /// Whether `self` has everything that `wanted` has: objects by containment at every depth, everything else by
    /// equality.
    pub fn contains(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::Object(_), Self::Object(fields)) => {
                fields.iter().all(|(key, value)| self.get(key).is_some_and(|found| found.contains(value)))
            }
            (Self::Number(a), Self::Number(b)) => a == b || same_number(a, b),
            (a, b) => a.equals(b),
        }
    }

    /// Whether both are the same JSON value, whatever the order of keys.
    pub fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Array(a), Self::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b))
            }
            (Self::Object(a), Self::Object(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(key, value)| other.get(key).is_some_and(|found| found.equals(value)))
            }
            (a, b) => a == b,
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(text) => out.push_str(text),
            Self::String(text) => write_string(text, out),
            Self::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(fields) => {
                out.push('{');
                for (i, (key, value)) in fields.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_string(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// The index that a token of a pointer names: digits without leading zeros.
pub(crate) fn index(token: &str) -> Option<usize> {
    let plain = token.bytes().all(|b| b.is_ascii_digit()) && (token == "0" || !token.starts_with('0'));
    if plain { token.parse().ok() } else { None }
}

fn same_number(a: &str, b: &str) -> bool {
    // Integers of any size are equal by text alone; only with a fraction or exponent do texts differ for one value.
    let fractional = |text: &str| text.contains(['.', 'e', 'E']);
    (fractional(a) || fractional(b))
        && matches!((a.parse::<f64>(), b.parse::<f64>()), (Ok(a), Ok(b)) if a.total_cmp(&b).is_eq())
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => write!(out, "\\u{:04x}", c as u32).expect("a String takes everything"),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containment_looks_into_objects_and_nothing_else() {
        let value = Json::parse(r#"{"a":{"b":1,"c":[1,2]},"s":"x"}"#).unwrap();
        for (wanted, expected) in [
            (r#"{"a":{"b":1}}"#, true),
            (r#"{"a":{"b":1.0}}"#, true),
            (r#"{"a":{"c":[1]}}"#, false),
            (r#"{"a":{"c":[1,2]},"s":"x"}"#, true),
            (r#"{"x":null}"#, false),
            ("{}", true),
        ] {
            assert_eq!(value.contains(&Json::parse(wanted).unwrap()), expected, "{wanted}");
        }
    }

    #[test]
    fn pointers_follow_rfc_6901() {
        let value = Json::parse(r#"{"a/b":{"~":[7,8]},"":1}"#).unwrap();
        let at = |pointer| value.pointer(pointer).map(Json::to_text);
        assert_eq!(at("/a~1b/~0/1").as_deref(), Some("8"));
        assert_eq!(at("/").as_deref(), Some("1"));
        assert_eq!(at("/a~1b/~0/01"), None);
        assert_eq!(at("x"), None);
        assert!(at("").is_some());
    }
}
