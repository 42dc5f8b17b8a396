//! The answer to a request for bytes: whole, a range of them, or that the client has them.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use backstay_model::ErrorKind;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::disposition::content_disposition;
use crate::error::{ApiError, Result};
use crate::range::{Selection, select};

/// Bytes that never change under their tag.
pub(crate) struct Served<'a> {
    /// How many there are.
    pub(crate) size: u64,
    /// What identifies them, without quotes.
    pub(crate) etag: &'a str,
    /// The name of the file that they are offered as.
    pub(crate) name: &'a [u8],
    /// What they are.
    pub(crate) media_type: &'static str,
    /// Whether they are to be stored and not shown.
    pub(crate) download: bool,
}

impl Served<'_> {
    /// The answer; `body` gives as many bytes from a place on as are asked for, and is called only when some are.
    pub(crate) fn answer(
        &self,
        method: &Method,
        headers: &HeaderMap,
        body: impl FnOnce(u64, u64) -> Body,
    ) -> Result<Response> {
        let (size, etag) = (self.size, format!("\"{}\"", self.etag));
        let (status, first, length) = match select(headers, &etag, size) {
            Selection::Whole => (StatusCode::OK, 0, size),
            Selection::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
            Selection::NotModified => (StatusCode::NOT_MODIFIED, 0, 0),
            Selection::PreconditionFailed => {
                return Err(ApiError::new(
                    ErrorKind::PreconditionFailed,
                    "The content is another than `If-Match` names",
                ));
            }
            Selection::Unsatisfiable => {
                let detail = format!("The content has {size} bytes; the range lies outside");
                let error = ApiError::new(ErrorKind::RangeNotSatisfiable, detail);
                return Err(error.header(header::CONTENT_RANGE, text(&format!("bytes */{size}"))));
            }
        };
        let is_empty = method == Method::HEAD || status == StatusCode::NOT_MODIFIED;
        let body = if is_empty { Body::empty() } else { body(first, length) };
        let mut response = (status, body).into_response();
        let out = response.headers_mut();
        out.insert(header::ETAG, text(&etag));
        out.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        if status != StatusCode::NOT_MODIFIED {
            out.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
            out.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            out.insert(header::CONTENT_DISPOSITION, content_disposition(self.name, self.download));
        }
        if status == StatusCode::PARTIAL_CONTENT {
            out.insert(header::CONTENT_RANGE, text(&format!("bytes {first}-{}/{size}", first + length - 1)));
        }
        Ok(response)
    }
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static(""))
}
