//! Counts and times requests by route, never by path: ids in a path would make endless series.

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use metrics::SharedString;
use tokio::time::Instant;

/// A request that is being timed.
pub(super) struct Measurement {
    start: Instant,
    method: SharedString,
    route: SharedString,
}

impl Measurement {
    pub(super) fn begin(request: &Request) -> Self {
        let route = request.extensions().get::<MatchedPath>();
        let route =
            route.map_or(SharedString::const_str("unmatched"), |path| path.as_str().to_owned().into());
        let method = match request.method().as_str() {
            known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => {
                known.to_owned().into()
            }
            _ => SharedString::const_str("other"),
        };
        Self { start: Instant::now(), method, route }
    }

    /// Records `backstay_http_requests_total` and `backstay_http_request_seconds`.
    pub(super) fn end(self, response: &Response) {
        let status = SharedString::from(response.status().as_str().to_owned());
        let labels = [("method", self.method), ("route", self.route), ("status", status)];
        metrics::counter!("backstay_http_requests_total", &labels).increment(1);
        metrics::histogram!("backstay_http_request_seconds", &labels[..2])
            .record(self.start.elapsed().as_secs_f64());
    }
}
