"""How to reach a server."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

import httpx

from backstay._version import VERSION
from backstay.retry import RetryPolicy


@dataclass(frozen=True)
class Options:
    """Where the server is, who asks, and how patient the caller is. The token is not part of the representation."""

    base: httpx.URL
    headers: dict[str, str] = field(repr=False)
    timeout: httpx.Timeout
    retry: RetryPolicy


def options(
    url: str,
    *,
    token: str | None,
    project: str | None,
    tenant: str | None,
    timeout_s: float,
    retry: RetryPolicy | None,
    allow_cleartext_token: bool,
) -> Options:
    """Checks the arguments of a client.

    Raises `ValueError` for an address that is not `http(s)://host[:port]`, for a name or password in it (they would end
    up in logs), and for a token that would travel in clear text beyond this machine.
    """
    base = _address(url)
    if token and base.scheme == "http" and not allow_cleartext_token and not _is_loopback(base.host):
        raise ValueError(
            f"the token would be sent to {base.host} in clear text: use https, or allow_cleartext_token=True"
        )
    headers = {"User-Agent": f"backstay-python/{VERSION}", "Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {_header(token, 'token')}"
    if project is not None:
        headers["Backstay-Project"] = _header(project, "project")
    if tenant is not None:
        headers["X-Backstay-Tenant"] = _header(tenant, "tenant")
    timeout = httpx.Timeout(timeout_s, connect=min(5.0, timeout_s))
    return Options(base, headers, timeout, retry or RetryPolicy())


def _address(url: str) -> httpx.URL:
    try:
        base = httpx.URL(url.rstrip("/"))
    except (httpx.InvalidURL, TypeError):
        raise ValueError("the address of a server is like http://127.0.0.1:8470") from None
    if base.userinfo:
        raise ValueError("a token belongs into `token`, not into the address")
    if base.scheme not in ("http", "https") or not base.host or base.query or base.fragment:
        raise ValueError(f"the address of a server is like http://127.0.0.1:8470, not {url!r:.200}")
    return base


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _header(value: str, name: str) -> str:
    """Text that fits into a header. The value is not repeated in the error: it may be a secret."""
    if not value or not value.isascii() or not value.isprintable() or value != value.strip():
        raise ValueError(f"`{name}` is empty or has characters that a header cannot carry")
    return value
