//! The address of the client.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;

use crate::serve::Peer;
use crate::state::AppState;

/// The address of the client: the peer of the connection, or what a trusted proxy says it was.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RemoteAddress(pub(crate) IpAddr);

impl FromRequestParts<AppState> for RemoteAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let peer = parts
            .extensions
            .get::<ConnectInfo<Peer>>()
            .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.0.ip());
        let forwarded = || {
            let all = parts.headers.get_all("x-forwarded-for").iter().next_back()?;
            all.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
        };
        let address = if state.settings().trust_forwarded_for { forwarded() } else { None };
        Ok(Self(address.unwrap_or(peer)))
    }
}
