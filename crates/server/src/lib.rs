//! The HTTP server: endpoints, live streams, OpenAPI, the embedded pages.
//!
//! [`router`] composes everything over an [`AppState`], [`serve`] runs it. Each endpoint is one file below
//! `endpoints/`: its documentation and its handler, which takes checked values, calls one use case of
//! `backstay-service` and translates the result with [`wire`]. What a client sends is checked against the schema that
//! the OpenAPI document shows. Every failure becomes problem details in one place.

mod answer;
mod binary;
mod body_limit;
mod conditions;
mod denied;
mod disposition;
mod endpoints;
mod error;
mod exposure;
mod extract;
mod layers;
mod openapi;
mod paging;
mod problems;
mod range;
mod recorder;
mod router;
mod schema;
mod serve;
mod served;
mod session_cookie;
mod settings;
mod sockets;
mod state;
mod stream;
mod tls;
mod waiting;
pub mod wire;

pub use endpoints::login_path;
pub use exposure::{ExposureRefused, check_exposure};
pub use router::{openapi_document, router};
pub use serve::serve;
pub use settings::ServerSettings;
pub use state::AppState;
pub use tls::{Tls, TlsError};
