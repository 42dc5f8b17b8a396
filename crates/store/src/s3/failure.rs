//! What the answers of an S3 server mean.

use std::error::Error as StdError;
use std::fmt::Write as _;

use object_store::client::HttpError;

use crate::error::StoreErrorKind;

/// Why a request failed, in words without secrets.
///
/// The answers of a server can quote the key, the signature and what was signed; only their code and message are kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(super) struct S3Failure {
    pub(super) kind: StoreErrorKind,
    /// Whether the server may have done what was asked all the same.
    pub(super) is_ambiguous: bool,
    /// Whether the server does not know how to do what was asked.
    pub(super) is_unsupported: bool,
    text: String,
}

/// What was found in the chain of an error.
#[derive(Debug, Default)]
struct Clues {
    status: Option<u16>,
    code: Option<String>,
    message: Option<String>,
    transport: Option<String>,
}

impl S3Failure {
    pub(super) fn of(error: &object_store::Error) -> Self {
        let mut clues = Clues::default();
        let mut next: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(current) = next {
            clues.take(current);
            next = current.source();
        }
        clues.judge(error)
    }

    /// A failure that no server told of.
    pub(super) fn local(kind: StoreErrorKind, text: impl Into<String>) -> Self {
        Self { kind, is_ambiguous: false, is_unsupported: false, text: text.into() }
    }
}

impl Clues {
    fn take(&mut self, error: &(dyn StdError + 'static)) {
        if let Some(http) = error.downcast_ref::<HttpError>() {
            let mut words = format!("{:?}", http.kind()).to_lowercase();
            let mut next = http.source();
            while let Some(cause) = next {
                // The innermost cause tells most: `Connection refused`.
                if cause.source().is_none() {
                    let _ = write!(words, ": {cause}");
                }
                next = cause.source();
            }
            self.transport.get_or_insert(words);
        }
        let text = error.to_string();
        if self.status.is_none() {
            self.status = between(&text, "status code: ", " ").and_then(|digits| digits.parse().ok());
        }
        if self.code.is_none() {
            self.code = between(&text, "<Code>", "</Code>").map(shorten);
            self.message = between(&text, "<Message>", "</Message>").map(shorten);
        }
    }

    fn judge(self, error: &object_store::Error) -> S3Failure {
        let code = self.code.as_deref().unwrap_or_default();
        let kind = match (self.status, error) {
            _ if code == "NoSuchBucket" => StoreErrorKind::Misconfigured,
            (Some(404), _) | (None, object_store::Error::NotFound { .. }) => StoreErrorKind::NotFound,
            (Some(401 | 403), _)
            | (
                None,
                object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. },
            ) => StoreErrorKind::Denied,
            (Some(416), _) => StoreErrorKind::OutOfRange,
            (Some(507), _) => StoreErrorKind::Full,
            (Some(408 | 429 | 500..), _) => StoreErrorKind::Unavailable,
            (Some(300..=399), _) => StoreErrorKind::Misconfigured,
            (Some(400), _) if matches!(code, "AuthorizationHeaderMalformed" | "InvalidBucketName") => {
                StoreErrorKind::Misconfigured
            }
            (Some(400), _) if matches!(code, "InvalidToken" | "ExpiredToken" | "InvalidAccessKeyId") => {
                StoreErrorKind::Denied
            }
            (None, _) if self.transport.is_some() => StoreErrorKind::Unavailable,
            _ => StoreErrorKind::Io,
        };
        let is_ambiguous = matches!(self.status, Some(408 | 409 | 429 | 500..)) || self.transport.is_some();
        let is_unsupported = self.status == Some(501) || matches!(code, "NotImplemented" | "NotSupported");
        S3Failure { kind, is_ambiguous, is_unsupported, text: self.words(kind) }
    }

    fn words(&self, kind: StoreErrorKind) -> String {
        let mut text = match (self.status, &self.transport) {
            (Some(status), _) => format!("the server answered {status}"),
            (None, Some(transport)) => format!("the server cannot be reached ({transport})"),
            (None, None) => "the request failed".to_owned(),
        };
        if let Some(code) = &self.code {
            let _ = write!(text, " {code}");
        }
        if let Some(message) = &self.message {
            let _ = write!(text, ": {message}");
        }
        if kind == StoreErrorKind::Denied {
            text.push_str("; the access key or its secret is wrong, or the key may not do this");
        }
        text
    }
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once(end)?.0)
}

fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: text.to_owned().into() }
    }

    #[test]
    fn only_code_and_message_of_an_answer_are_kept() {
        let failure = S3Failure::of(&generic(
            "Server returned non-2xx status code: 403 Forbidden: <Error><Code>SignatureDoesNotMatch</Code>\
             <Message>The request signature does not match</Message><AWSAccessKeyId>AKIDEXAMPLE</AWSAccessKeyId>\
             <StringToSign>AWS4-HMAC-SHA256 20260108</StringToSign></Error>",
        ));
        assert_eq!(failure.kind, StoreErrorKind::Denied);
        let text = format!("{failure} {failure:?}");
        assert!(text.contains("403 SignatureDoesNotMatch: The request signature does not match"), "{text}");
        assert!(!text.contains("AKIDEXAMPLE") && !text.contains("AWS4"), "{text}");
    }

    #[test]
    fn answers_have_the_kind_that_a_caller_can_act_on() {
        for (answer, kind) in [
            ("404 Not Found: <Code>NoSuchBucket</Code>", StoreErrorKind::Misconfigured),
            ("404 Not Found: <Code>NoSuchKey</Code>", StoreErrorKind::NotFound),
            ("401 Unauthorized: ", StoreErrorKind::Denied),
            ("400 Bad Request: <Code>ExpiredToken</Code>", StoreErrorKind::Denied),
            ("416 Range Not Satisfiable: ", StoreErrorKind::OutOfRange),
            ("503 Slow Down: ", StoreErrorKind::Unavailable),
            ("507 Insufficient Storage: ", StoreErrorKind::Full),
            ("301 Moved Permanently: ", StoreErrorKind::Misconfigured),
            ("418 I'm a teapot: ", StoreErrorKind::Io),
        ] {
            let failure = S3Failure::of(&generic(&format!("Server returned non-2xx status code: {answer}")));
            assert_eq!(failure.kind, kind, "{answer}");
        }
    }
}
