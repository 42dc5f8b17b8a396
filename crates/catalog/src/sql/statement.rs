//! A statement: its text, the values bound to it, and what it is for.

use std::borrow::Cow;

use super::value::Value;

/// A statement with `$1`, `$2` … for its values; the same text runs on both databases.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) text: Cow<'static, str>,
    pub(crate) values: Vec<Value>,
    /// What it does, as part of an error message: `the catalog could not {what}`.
    pub(crate) what: &'static str,
    /// See [`Statement::skewed`].
    pub(crate) skewed: bool,
}

/// A statement that does `what`, for example `list snapshots`.
///
/// Its text is never made of anything that a person gave: values are always bound.
pub(crate) fn sql(what: &'static str, text: impl Into<Cow<'static, str>>) -> Statement {
    Statement { text: text.into(), values: Vec::new(), what, skewed: false }
}

impl Statement {
    /// Binds the next value.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// How common its values are decides which way is right: PostgreSQL plans it each time, and keeps no plan that is for any
    /// values.
    pub(crate) fn skewed(mut self) -> Self {
        self.skewed = true;
        self
    }

    /// Several statements as one, to be run on SQLite in one go; `None` when the places of one are not `$1`, `$2` … each once and
    /// in order. What it does is what the last one does.
    pub(crate) fn joined(statements: &[Self]) -> Option<Self> {
        let mut text = String::new();
        let mut values = Vec::new();
        for statement in statements {
            text.push_str(&without_names(&statement.text, statement.values.len())?);
            text.push(';');
            values.extend(statement.values.iter().cloned());
        }
        let what = statements.last()?.what;
        Some(Self { text: text.into(), values, what, skewed: false })
    }

    /// Binds several values in order.
    pub(crate) fn bind_all(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.values.extend(values);
        self
    }
}

/// The text with `?` for each of its places; `None` unless those are `$1` to `$count`, each once and in order.
pub(crate) fn without_names(text: &str, count: usize) -> Option<String> {
    let mut pieces = text.split('$');
    let mut plain = String::with_capacity(text.len());
    plain.push_str(pieces.next().unwrap_or_default());
    let mut places = 0;
    for piece in pieces {
        places += 1;
        let rest = piece.trim_start_matches(|c: char| c.is_ascii_digit());
        if piece[..piece.len() - rest.len()].parse() != Ok(places) {
            return None;
        }
        plain.push('?');
        plain.push_str(rest);
    }
    (places == count).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_joined_unless_a_place_is_named_out_of_order() {
        let change = |text| sql("change", text).bind(1i64).bind("a");
        let plain = sql("read", "SELECT 1");
        let joined = Statement::joined(&[change("UPDATE t SET a = $1 WHERE b = $2"), plain.clone()]).unwrap();
        assert_eq!(joined.text, "UPDATE t SET a = ? WHERE b = ?;SELECT 1;");
        assert_eq!((joined.values.len(), joined.what), (2, "read"));
        for other in
            ["UPDATE t SET a = $2 WHERE b = $1", "UPDATE t SET a = $1, c = $1 WHERE b = $2", "SELECT $1"]
        {
            assert!(Statement::joined(&[plain.clone(), change(other)]).is_none(), "{other}");
        }
        assert!(Statement::joined(&[]).is_none());
    }
}
