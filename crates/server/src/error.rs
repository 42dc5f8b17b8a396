//! The one way from a failure to an HTTP answer.

use axum::response::{IntoResponse, Response};
use backstay_api::problem::LockOwner;
use backstay_api::{FieldError, Problem};
use backstay_model::ErrorKind;
use backstay_service::ServiceError;
use backstay_service::view::Task;
use http::{HeaderName, HeaderValue, StatusCode, header};

/// The result of a handler.
pub(crate) type Result<T, E = ApiError> = std::result::Result<T, E>;

/// A failure on its way to becoming a problem. [`crate::layers::problem`] renders it.
#[derive(Debug, Clone)]
pub(crate) struct ApiError(Box<Failure>);

#[derive(Debug, Clone)]
struct Failure {
    kind: ErrorKind,
    status: StatusCode,
    title: Option<&'static str>,
    code: Option<&'static str>,
    detail: String,
    hint: Option<String>,
    errors: Vec<FieldError>,
    missing_channels: Vec<String>,
    owner: Option<LockOwner>,
    /// Whether `error` repeats the sentence, where older clients look for it.
    repeats: bool,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// What stays inside: for the log.
    cause: String,
    /// Whether the sentence of an internal failure is for the client too.
    tells: bool,
}

impl ApiError {
    /// A failure of `kind`; `detail` is a sentence for a person.
    pub(crate) fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        let status =
            StatusCode::from_u16(kind.traits().http_status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self(Box::new(Failure {
            kind,
            status,
            title: None,
            code: None,
            detail: detail.into(),
            hint: None,
            errors: vec![],
            missing_channels: vec![],
            owner: None,
            repeats: false,
            headers: vec![],
            cause: String::new(),
            tells: false,
        }))
    }

    /// The client sent something that cannot be understood.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::BadRequest, detail)
    }

    /// There is no such `thing`, or the caller may not see it.
    pub(crate) fn not_found(thing: &str) -> Self {
        Self::new(ErrorKind::NotFound, format!("{thing} not found"))
    }

    /// The work that the request waited for failed; `detail` says why, in words that are for the client.
    pub(crate) fn of_failed_task(task: &Task, detail: String) -> Self {
        let word = task.result.as_ref().and_then(|result| result.get("code")?.as_str());
        let kind = ErrorKind::ALL.into_iter().find(|kind| Some(kind.traits().code) == word);
        // A word that is narrower than that of a kind, such as `stale_plan`, names a conflict.
        let kind = kind.unwrap_or(if word.is_some() { ErrorKind::Conflict } else { ErrorKind::Internal });
        let mut error = Self::new(kind, detail);
        error.0.tells = true;
        error
    }

    /// These fields are not acceptable.
    pub(crate) fn fields(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] => format!("`{}` {}", only.field, only.detail),
            many => format!("{} fields are not acceptable", many.len()),
        };
        let mut error = Self::new(ErrorKind::Invalid, detail);
        error.0.errors = errors;
        error
    }

    /// A status that no kind stands for, such as 405 or 415, under the kind nearest to it.
    pub(crate) fn status(mut self, status: StatusCode, title: &'static str) -> Self {
        self.0.status = status;
        self.0.title = Some(title);
        self
    }

    /// The same under a word that is narrower than that of its kind.
    pub(crate) fn code(mut self, code: &'static str) -> Self {
        self.0.code = Some(code);
        self
    }

    /// The same with a hint at what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The same about the item `index` of the list `list` in the body.
    pub(crate) fn in_item(mut self, list: &str, index: usize) -> Self {
        if self.0.errors.is_empty() {
            self.0.errors.push(FieldError::new("", self.0.detail.clone()));
        }
        self.0.errors = self.0.errors.into_iter().map(|error| error.in_item(list, index)).collect();
        self
    }

    /// The same with its sentence in `error` too, where older clients of training look for it.
    pub(crate) fn telling_older_clients(mut self) -> Self {
        self.0.repeats = true;
        self
    }

    /// The same with a header.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// The same with the seconds after which to try again.
    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The kind.
    pub(crate) fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the failure is the server's, so that it is logged and its detail stays inside.
    pub(crate) fn is_internal(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Internal)
    }

    /// The problem for the request `request_id`. An internal failure tells nothing but that id.
    pub(crate) fn problem(&self, request_id: &str) -> Problem {
        let traits = self.0.kind.traits();
        let (detail, hint) = if self.is_internal() && !self.0.tells {
            let detail = "The server failed to answer this request".to_owned();
            (detail, Some(format!("Look for request {request_id} in the log of the server.")))
        } else {
            (self.0.detail.clone(), self.0.hint.clone())
        };
        let title = (self.0.status == StatusCode::NOT_FOUND).then(|| traits.title.to_owned());
        let error = if self.0.repeats { Some(detail.clone()) } else { title };
        Problem {
            problem_type: "about:blank".to_owned(),
            title: self.0.title.unwrap_or(traits.title).to_owned(),
            status: self.0.status.as_u16(),
            detail,
            code: self.word().to_owned(),
            request_id: request_id.to_owned(),
            error,
            hint,
            errors: self.0.errors.clone(),
            missing_channels: self.0.missing_channels.clone(),
            owner: self.0.owner.clone(),
        }
    }

    fn word(&self) -> &'static str {
        match self.0.status {
            StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
            _ => self.0.code.unwrap_or(self.0.kind.traits().code),
        }
    }

    /// The sentence for a person.
    pub(crate) fn sentence(&self) -> &str {
        &self.0.detail
    }

    /// The sentence and its causes, for the log.
    pub(crate) fn whole_story(&self) -> String {
        format!("{}{}", self.0.detail, self.0.cause)
    }
}

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        let mut cause = String::new();
        let mut next = std::error::Error::source(&error);
        while let Some(inner) = next {
            cause.push_str(": ");
            cause.push_str(&inner.to_string());
            next = inner.source();
        }
        let retry_after = error.retry_after_s;
        let missing_channels = error.missing_channels;
        let owner = error.owner.map(|owner| LockOwner {
            host: owner.host,
            pid: owner.pid,
            started_at: owner.started_at,
            operation: owner.operation,
        });
        let errors =
            error.fields.into_iter().map(|field| FieldError::new(field.field, field.detail)).collect();
        let mut api = Self::new(error.kind, error.message);
        api.0.code = error.code;
        api.0.hint = error.hint;
        api.0.errors = errors;
        api.0.missing_channels = missing_channels;
        api.0.owner = owner;
        api.0.cause = cause;
        api.0.repeats = matches!(error.code, Some("no_run" | "no_state"));
        match retry_after {
            Some(seconds) => api.retry_after(seconds),
            None => api,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        for (name, value) in &self.0.headers {
            response.headers_mut().append(name, value.clone());
        }
        if self.0.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.0.status == StatusCode::SERVICE_UNAVAILABLE
            && !response.headers().contains_key(header::RETRY_AFTER)
        {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_5xx_tells_its_request_and_nothing_internal() {
        let cause = std::io::Error::other("/srv/data/catalog.db: disk I/O error");
        for kind in [ErrorKind::Internal, ErrorKind::Unavailable, ErrorKind::Damaged, ErrorKind::StorageFull]
        {
            let error = ApiError::from(ServiceError::new(kind, "It failed").because(cause.to_string()));
            assert!(error.whole_story().contains("catalog.db"), "the log tells it");
            let problem = error.problem("req-7");
            let json = serde_json::to_string(&problem).unwrap();
            assert!(!json.contains("catalog.db"), "{json}");
            assert_eq!((problem.request_id.as_str(), problem.status), ("req-7", kind.traits().http_status));
        }
    }

    #[test]
    fn every_kind_becomes_the_status_and_code_of_the_table() {
        for kind in ErrorKind::ALL {
            let problem = ApiError::new(kind, "x").problem("r");
            assert_eq!(
                (problem.status, problem.code.as_str()),
                (kind.traits().http_status, kind.traits().code)
            );
        }
    }

    #[test]
    fn a_narrower_word_fields_owner_and_patience_are_passed_on() {
        let mut error = ServiceError::conflict("The plan is stale").code("stale_plan").hint("Plan again.");
        error.retry_after_s = Some(7);
        error.owner = Some(backstay_service::LockOwner { pid: Some(42), ..Default::default() });
        let error = ApiError::from(error);
        let problem = error.problem("r");
        assert_eq!((problem.code.as_str(), problem.hint.as_deref()), ("stale_plan", Some("Plan again.")));
        assert_eq!(problem.owner.unwrap().pid, Some(42));
        assert_eq!(error.into_response().headers()["retry-after"], "7");
    }
}
