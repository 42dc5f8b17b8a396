//! The kinds of error and what each means on every interface: one table.

/// What kind of failure something was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request cannot be understood.
    BadRequest,
    /// The caller could not be identified.
    Unauthenticated,
    /// The caller is known and may not do this.
    Forbidden,
    /// There is no such thing, or the caller may not see it.
    NotFound,
    /// The thing is in a state that does not allow this.
    Conflict,
    /// A precondition (`If-Match`) does not hold.
    PreconditionFailed,
    /// The request is larger than allowed.
    TooLarge,
    /// The range cannot be served.
    RangeNotSatisfiable,
    /// The request is understood and its values are not acceptable.
    Invalid,
    /// Another operation holds the lock.
    Busy,
    /// Too many attempts.
    RateLimited,
    /// Stored content is damaged.
    Damaged,
    /// There is no space left.
    StorageFull,
    /// Something needed is not reachable just now.
    Unavailable,
    /// A defect, or a failure of the machine.
    Internal,
}

/// What an [`ErrorKind`] means on the interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorTraits {
    /// The stable word of the problem, for example `not_found`.
    pub code: &'static str,
    /// The title of the problem (RFC 9457).
    pub title: &'static str,
    /// The HTTP status.
    pub http_status: u16,
    /// The exit code of the command line.
    pub exit_code: u8,
    /// The WebSocket close code.
    pub close_code: u16,
    /// Whether the same request may succeed later, unchanged.
    pub retry: bool,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 15] = [
        Self::BadRequest,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::PreconditionFailed,
        Self::TooLarge,
        Self::RangeNotSatisfiable,
        Self::Invalid,
        Self::Busy,
        Self::RateLimited,
        Self::Damaged,
        Self::StorageFull,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The row of the table.
    pub const fn traits(self) -> ErrorTraits {
        let (code, title, http_status, exit_code, close_code, retry) = match self {
            Self::BadRequest => ("bad_request", "Bad Request", 400, 2, 4000, false),
            Self::Unauthenticated => ("unauthenticated", "Unauthorized", 401, 1, 4001, false),
            Self::Forbidden => ("forbidden", "Forbidden", 403, 1, 4003, false),
            Self::NotFound => ("not_found", "Not Found", 404, 1, 4004, false),
            Self::Conflict => ("conflict", "Conflict", 409, 1, 4009, false),
            Self::PreconditionFailed => ("precondition_failed", "Precondition Failed", 412, 1, 4009, false),
            Self::TooLarge => ("too_large", "Content Too Large", 413, 1, 1009, false),
            Self::RangeNotSatisfiable => {
                ("range_not_satisfiable", "Range Not Satisfiable", 416, 1, 4000, false)
            }
            Self::Invalid => ("invalid", "Unprocessable Content", 422, 2, 4000, false),
            Self::Busy => ("busy", "Conflict", 409, 4, 4009, true),
            Self::RateLimited => ("rate_limited", "Too Many Requests", 429, 1, 4029, true),
            Self::Damaged => ("damaged", "Content Damaged", 500, 1, 1011, false),
            Self::StorageFull => ("storage_full", "Insufficient Storage", 507, 1, 1011, true),
            Self::Unavailable => ("unavailable", "Service Unavailable", 503, 1, 1013, true),
            Self::Internal => ("internal", "Internal Server Error", 500, 1, 1011, false),
        };
        ErrorTraits { code, title, http_status, exit_code, close_code, retry }
    }
}
