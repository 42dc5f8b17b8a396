//! What a command says and returns when it does not succeed.

use std::fmt;

use backstay_model::ErrorKind;
use serde_json::{Map, Value, json};

/// What a command that ran to its end returns to the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All of it was done.
    Done,
    /// It ran, and the answer is no: damage was found, a difference exists.
    Negative,
    /// It ran, and something could not be included; the report names what.
    Partial,
    /// A signal ended it, and everything is as it was.
    Interrupted,
    /// What a dependency is at is not what the lock says.
    Mismatch,
    /// A command that was run for the person ended with this code.
    Child(u8),
}

impl Exit {
    /// The exit code.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Negative => 1,
            Self::Partial => 3,
            Self::Interrupted => 130,
            Self::Mismatch => 2,
            Self::Child(code) => code,
        }
    }
}

/// Why a command failed: a sentence, its causes, and what to do next.
#[derive(Debug)]
pub(crate) struct Failure(Box<Parts>);

#[derive(Debug)]
struct Parts {
    exit_code: u8,
    code: String,
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
    details: Map<String, Value>,
}

/// What a command returns.
pub(crate) type CommandResult = Result<Exit, Failure>;

impl Failure {
    /// A failure of `kind` with a sentence that says what happened to which thing.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let row = kind.traits();
        Self(Box::new(Parts {
            exit_code: row.exit_code,
            code: row.code.to_owned(),
            message: message.into(),
            causes: Vec::new(),
            hint: None,
            details: Map::new(),
        }))
    }

    /// A mistake on the command line.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        let mut failure = Self::new(ErrorKind::BadRequest, message).code("usage");
        failure.0.exit_code = 2;
        failure
    }

    /// A failure of the machine while doing `what`, for example `cannot read /etc/key`.
    pub(crate) fn io(what: impl Into<String>, error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorKind::StorageFull,
            _ => ErrorKind::Internal,
        };
        Self::new(kind, what).because(error.to_string())
    }

    /// The command was interrupted by a signal; nothing is half done.
    pub(crate) fn interrupted() -> Self {
        let mut failure =
            Self::new(ErrorKind::Unavailable, "interrupted; nothing is half done").code("interrupted");
        failure.0.exit_code = 130;
        failure
    }

    /// Adds a cause.
    #[must_use]
    pub(crate) fn because(mut self, cause: impl Into<String>) -> Self {
        let cause = cause.into();
        let repeats = |said: &str| said.eq_ignore_ascii_case(&cause);
        let is_said = repeats(&self.0.message) || self.0.causes.last().is_some_and(|last| repeats(last));
        if !cause.is_empty() && !is_said {
            self.0.causes.push(cause);
        }
        self
    }

    /// Adds every cause in the chain of `error`.
    #[must_use]
    pub(crate) fn caused_by(mut self, error: Option<&(dyn std::error::Error + 'static)>) -> Self {
        let mut next = error;
        while let Some(cause) = next {
            self = self.because(cause.to_string());
            next = cause.source();
        }
        self
    }

    /// Says what to do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Says what to do next when there is something to say.
    #[must_use]
    pub(crate) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.0.hint = hint.or(self.0.hint);
        self
    }

    /// Replaces the stable word of the failure, for example `stale_plan`.
    #[must_use]
    pub(crate) fn code(mut self, code: impl Into<String>) -> Self {
        self.0.code = code.into();
        self
    }

    /// Adds a field to the JSON form.
    #[must_use]
    pub(crate) fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.details.insert(name.to_owned(), value.into());
        self
    }

    /// Replaces the exit code.
    #[must_use]
    pub(crate) fn exits(mut self, code: u8) -> Self {
        self.0.exit_code = code;
        self
    }

    /// The exit code.
    pub(crate) const fn exit_code(&self) -> u8 {
        self.0.exit_code
    }

    /// Whether the thing does not exist.
    pub(crate) fn is_not_found(&self) -> bool {
        self.0.code == ErrorKind::NotFound.traits().code
    }

    /// Whether another operation is in the way.
    pub(crate) const fn is_busy(&self) -> bool {
        self.0.exit_code == ErrorKind::Busy.traits().exit_code
    }

    /// Whether a signal ended the command.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.0.exit_code == 130
    }

    /// The JSON form: `{error, code, hint}`, with causes and details when there are any.
    pub(crate) fn to_json(&self) -> Value {
        let mut object = self.0.details.clone();
        object.insert("error".to_owned(), json!(self.0.message));
        object.insert("code".to_owned(), json!(self.0.code));
        object.insert("hint".to_owned(), json!(self.0.hint));
        if !self.0.causes.is_empty() {
            object.insert("causes".to_owned(), json!(self.0.causes));
        }
        Value::Object(object)
    }

    /// The lines for a person: `error:`, `caused by:`, `hint:`.
    pub(crate) fn lines(&self) -> Vec<(&'static str, &str)> {
        let mut lines = vec![("error", self.0.message.as_str())];
        lines.extend(self.0.causes.iter().map(|cause| ("caused by", cause.as_str())));
        lines.extend(self.0.hint.iter().map(|hint| ("hint", hint.as_str())));
        lines
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_decides_the_exit_code_and_the_word() {
        let failure = Failure::new(ErrorKind::Busy, "the workspace is locked").hint("wait for it");
        assert_eq!(failure.exit_code(), 4);
        assert_eq!(
            failure.to_json(),
            json!({"error": "the workspace is locked", "code": "busy", "hint": "wait for it"})
        );
    }

    #[test]
    fn a_cause_that_repeats_the_message_is_left_out() {
        let failure = Failure::new(ErrorKind::Internal, "no").because("No").because("why").because("why");
        assert_eq!(failure.lines(), [("error", "no"), ("caused by", "why")]);
    }

    #[test]
    fn a_full_disk_has_its_own_word() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        assert_eq!(Failure::io("cannot write", &full).to_json()["code"], "storage_full");
    }
}
