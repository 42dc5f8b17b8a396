//! The parser. It only checks, or builds a tree.

use std::borrow::Cow;
use std::collections::HashSet;

use super::tree::Json;

/// How deep lists and objects may be nested.
const MAX_DEPTH: usize = 256;

/// What is wrong with a JSON text, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {offset}")]
pub struct JsonError {
    /// What is wrong.
    pub problem: JsonProblem,
    /// The offset in bytes.
    pub offset: usize,
}

/// What is wrong with a JSON text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonProblem {
    /// It is no JSON.
    #[error("it is not JSON: {0}")]
    Syntax(&'static str),
    /// `NaN`, `Infinity` or `-Infinity`, which JSON does not have.
    #[error("`NaN` and `Infinity` are no JSON numbers")]
    NotFinite,
    /// A key stands twice in one object.
    #[error("the key {0:?} stands twice in one object")]
    DuplicateKey(String),
    /// A `\ud800`–`\udfff` without its partner.
    #[error("a surrogate has no partner")]
    LoneSurrogate,
    /// It is nested too deeply.
    #[error("it is nested more than {MAX_DEPTH} deep")]
    TooDeep,
}

/// What the parser makes of what it reads.
trait Build {
    fn null() -> Self;
    fn bool(value: bool) -> Self;
    fn number(text: &str) -> Self;
    fn string(text: Cow<'_, str>) -> Self;
    fn array(items: Vec<Self>) -> Self
    where
        Self: Sized;
    fn object(fields: Vec<(String, Self)>) -> Self
    where
        Self: Sized;
    /// Whether children are kept.
    const KEEPS: bool;
}

/// Nothing: the text is only checked.
impl Build for () {
    fn null() {}
    fn bool(_: bool) {}
    fn number(_: &str) {}
    fn string(_: Cow<'_, str>) {}
    fn array(_: Vec<()>) {}
    fn object(_: Vec<(String, ())>) {}
    const KEEPS: bool = false;
}

impl Build for Json {
    fn null() -> Self {
        Self::Null
    }
    fn bool(value: bool) -> Self {
        Self::Bool(value)
    }
    fn number(text: &str) -> Self {
        Self::Number(text.to_owned())
    }
    fn string(text: Cow<'_, str>) -> Self {
        Self::String(text.into_owned())
    }
    fn array(items: Vec<Self>) -> Self {
        Self::Array(items)
    }
    fn object(fields: Vec<(String, Self)>) -> Self {
        Self::Object(fields)
    }
    const KEEPS: bool = true;
}

/// Checks that `text` is one JSON value.
pub(crate) fn check(text: &str) -> Result<(), JsonError> {
    parse::<()>(text)
}

/// Reads a tree.
pub(super) fn tree(text: &str) -> Result<Json, JsonError> {
    parse::<Json>(text)
}

fn parse<B: Build>(text: &str) -> Result<B, JsonError> {
    let mut parser = Parser { text, at: 0 };
    parser.blanks();
    let value = parser.value::<B>(0)?;
    parser.blanks();
    if parser.at < text.len() {
        return Err(parser.syntax("something follows the value"));
    }
    Ok(value)
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Parser<'t> {
    fn error(&self, problem: JsonProblem) -> JsonError {
        JsonError { problem, offset: self.at }
    }

    fn syntax(&self, what: &'static str) -> JsonError {
        self.error(JsonProblem::Syntax(what))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &'static str) -> bool {
        let found = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn value<B: Build>(&mut self, depth: usize) -> Result<B, JsonError> {
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(B::string),
            Some(b'-' | b'0'..=b'9') => self.number().map(B::number),
            Some(b't') if self.word("true") => Ok(B::bool(true)),
            Some(b'f') if self.word("false") => Ok(B::bool(false)),
            Some(b'n') if self.word("null") => Ok(B::null()),
            Some(b'N' | b'I') => Err(self.error(JsonProblem::NotFinite)),
            Some(_) => Err(self.syntax("a value was expected")),
            None => Err(self.syntax("it ends too early")),
        }
    }

    fn deeper(&self, depth: usize) -> Result<usize, JsonError> {
        if depth >= MAX_DEPTH { Err(self.error(JsonProblem::TooDeep)) } else { Ok(depth + 1) }
    }

    fn array<B: Build>(&mut self, depth: usize) -> Result<B, JsonError> {
        let depth = self.deeper(depth)?;
        self.at += 1;
        let mut items = Vec::new();
        self.blanks();
        if self.eat(b']') {
            return Ok(B::array(items));
        }
        loop {
            self.blanks();
            let item = self.value::<B>(depth)?;
            if B::KEEPS {
                items.push(item);
            }
            self.blanks();
            if self.eat(b']') {
                return Ok(B::array(items));
            }
            if !self.eat(b',') {
                return Err(self.syntax("`,` or `]` was expected"));
            }
        }
    }

    fn object<B: Build>(&mut self, depth: usize) -> Result<B, JsonError> {
        let depth = self.deeper(depth)?;
        self.at += 1;
        let mut fields = Vec::new();
        let mut keys: HashSet<Cow<'t, str>> = HashSet::new();
        self.blanks();
        if self.eat(b'}') {
            return Ok(B::object(fields));
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err(self.syntax("a key was expected"));
            }
            let start = self.at;
            let key = self.string()?;
            if keys.contains(&key) {
                self.at = start;
                return Err(self.error(JsonProblem::DuplicateKey(key.chars().take(100).collect())));
            }
            self.blanks();
            if !self.eat(b':') {
                return Err(self.syntax("`:` was expected"));
            }
            self.blanks();
            let value = self.value::<B>(depth)?;
            if B::KEEPS {
                fields.push((key.clone().into_owned(), value));
            }
            keys.insert(key);
            self.blanks();
            if self.eat(b'}') {
                return Ok(B::object(fields));
            }
            if !self.eat(b',') {
                return Err(self.syntax("`,` or `}` was expected"));
            }
        }
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.syntax("a digit was expected"));
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<&'t str, JsonError> {
        let start = self.at;
        self.eat(b'-');
        if self.peek() == Some(b'I') {
            return Err(self.error(JsonProblem::NotFinite));
        }
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn string(&mut self) -> Result<Cow<'t, str>, JsonError> {
        self.at += 1;
        let start = self.at;
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b'"' => {
                    let text = &self.text[start..self.at];
                    self.at += 1;
                    return Ok(Cow::Borrowed(text));
                }
                b'\\' => return self.escaped(start).map(Cow::Owned),
                0..=0x1f => return Err(self.syntax("a control character must be escaped")),
                _ => self.at += 1,
            }
        }
        Err(self.syntax("a text does not end"))
    }

    /// The rest of a text that has escapes.
    fn escaped(&mut self, start: usize) -> Result<String, JsonError> {
        let mut out = self.text[start..self.at].to_owned();
        let mut plain = self.at;
        loop {
            match self.peek() {
                None => return Err(self.syntax("a text does not end")),
                Some(b'"') => {
                    out.push_str(&self.text[plain..self.at]);
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    out.push_str(&self.text[plain..self.at]);
                    out.push(self.escape()?);
                    plain = self.at;
                }
                Some(0..=0x1f) => return Err(self.syntax("a control character must be escaped")),
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let kind = self.text.as_bytes().get(self.at + 1).copied();
        let plain = match kind {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.syntax("an escape is unknown")),
        };
        self.at += 2;
        Ok(plain)
    }

    fn unicode(&mut self) -> Result<char, JsonError> {
        let first = self.four_digits()?;
        if !(0xd800..0xe000).contains(&first) {
            self.at += 6;
            return char::from_u32(first).ok_or_else(|| self.error(JsonProblem::LoneSurrogate));
        }
        let start = self.at;
        if first < 0xdc00 && self.text.as_bytes()[self.at + 6..].starts_with(b"\\u") {
            self.at += 6;
            let second = self.four_digits()?;
            if (0xdc00..0xe000).contains(&second) {
                self.at += 6;
                let point = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return char::from_u32(point).ok_or_else(|| self.error(JsonProblem::LoneSurrogate));
            }
        }
        self.at = start;
        Err(self.error(JsonProblem::LoneSurrogate))
    }

    /// The four hexadecimal digits of the escape that begins here.
    fn four_digits(&self) -> Result<u32, JsonError> {
        let digits = self.text.as_bytes().get(self.at + 2..self.at + 6);
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let text = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        text.and_then(|text| u32::from_str_radix(text, 16).ok())
            .ok_or_else(|| self.syntax("`\\u` takes four hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> JsonProblem {
        check(text).unwrap_err().problem
    }

    #[test]
    fn what_is_not_strict_json_is_refused() {
        assert_eq!(problem("{\"a\":NaN}"), JsonProblem::NotFinite);
        assert_eq!(problem("[-Infinity]"), JsonProblem::NotFinite);
        assert_eq!(problem("{\"a\":1,\"\\u0061\":2}"), JsonProblem::DuplicateKey("a".into()));
        for text in ["\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800x\"", "\"\\udbff\\ud800\""]
        {
            assert_eq!(problem(text), JsonProblem::LoneSurrogate, "{text}");
        }
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "'a'",
            "\"\t\"",
            "tru",
            "{}x",
            "{a:1}",
            "\"\\x\"",
            "\"\\u12\"",
            "-",
        ] {
            assert!(matches!(problem(text), JsonProblem::Syntax(_)), "{text}");
        }
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(check(&deep(256)).is_ok());
        assert_eq!(problem(&deep(257)), JsonProblem::TooDeep);
    }

    #[test]
    fn a_tree_reads_back_to_the_same_values() {
        let text = r#"{"b":[1,2.50,1e400,true,null],"a":"\u0000\ud83d\ude00\"\\","":{}}"#;
        let tree = Json::parse(text).unwrap();
        assert_eq!(Json::parse(&tree.to_text()).unwrap(), tree);
        assert!(tree.to_text().contains("1e400"));
    }
}
