//! Where a webhook may go: not into the network of the server itself, unless that is allowed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

use crate::error::{Result, ServiceError};

/// Checks the form of a URL, and the address when it names one. Names are resolved and checked when a delivery is sent.
pub(crate) fn check_url(url: &str, private_allowed: bool) -> Result<Url> {
    let invalid = |detail: &str| ServiceError::invalid("url", detail);
    let url = Url::parse(url).map_err(|_| invalid("it is not a URL"))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(invalid("it takes https or http"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("it must not hold a user name or a password"));
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| invalid("it names no host"))?;
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>()
        && !private_allowed
        && !is_public(address)
    {
        return Err(invalid("it leads to a private address, which the settings do not allow"));
    }
    if host.eq_ignore_ascii_case("localhost") && !private_allowed {
        return Err(invalid("it leads to this machine, which the settings do not allow"));
    }
    Ok(url)
}

/// Whether an address belongs to the public internet: not loopback, private, link-local, shared, reserved or multicast.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_unspecified()
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(v4) = address.to_ipv4() {
        return is_public_v4(v4);
    }
    let parts = address.segments();
    // 64:ff9b::/96 (NAT64) and 2002::/16 (6to4) carry an IPv4 address.
    if parts[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return is_public_v4(embedded(parts[6], parts[7]));
    }
    if parts[0] == 0x2002 {
        return is_public_v4(embedded(parts[1], parts[2]));
    }
    // Only 2000::/3 is given out; 2001:db8::/32 is for documentation.
    parts[0] & 0xe000 == 0x2000 && !(parts[0] == 0x2001 && parts[1] == 0xdb8)
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_public_internet_is_refused() {
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["1.1.1.1", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn a_url_with_secrets_or_another_scheme_is_refused() {
        for url in [
            "ftp://example.org",
            "example.org",
            "https://",
            "https://u:p@example.org/",
            "https://u@example.org/",
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::1]/",
            "http://LOCALHOST:1/",
        ] {
            assert!(check_url(url, false).is_err(), "{url}");
        }
        assert!(check_url("https://example.org/hook?x=1", false).is_ok());
        assert!(check_url("http://127.0.0.1:9/", true).is_ok());
    }
}
