//! Whether an address may be listened on: nothing leaves this machine unprotected by accident.

use std::net::SocketAddr;

/// Listening there would send passwords and content in the clear to other machines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refusing to listen on {address} without TLS")]
pub struct ExposureRefused {
    /// The address.
    pub address: SocketAddr,
}

impl ExposureRefused {
    /// Why.
    pub const REASON: &str = "passwords and tokens would cross the network in the clear";

    /// What to do next.
    pub const HINT: &str = "give --tls-certificate and --tls-key, put a proxy with TLS in front of 127.0.0.1, or give --allow-insecure-listen when the network is private";
}

/// Checks that the server may listen on `address`: a loopback address always, another one only with TLS or when
/// `allowed` says so.
pub fn check_exposure(address: SocketAddr, tls: bool, allowed: bool) -> Result<(), ExposureRefused> {
    let loopback = address.ip().to_canonical().is_loopback();
    if loopback || tls || allowed { Ok(()) } else { Err(ExposureRefused { address }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_free() {
        let check = |text: &str, tls, allowed| check_exposure(text.parse().unwrap(), tls, allowed);
        assert!(check("127.0.0.1:8470", false, false).is_ok());
        assert!(check("[::1]:8470", false, false).is_ok());
        assert!(check("[::ffff:127.0.0.1]:8470", false, false).is_ok());
        for open in ["0.0.0.0:8470", "[::]:8470", "192.168.1.5:8470", "[::ffff:10.0.0.1]:1"] {
            assert!(check(open, false, false).is_err(), "{open}");
            assert!(check(open, true, false).is_ok() && check(open, false, true).is_ok(), "{open}");
        }
    }
}
