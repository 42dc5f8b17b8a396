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

    /// Binds several values in order.
    pub(crate) fn bind_all(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.values.extend(values);
        self
    }
}
