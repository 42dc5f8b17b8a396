//! The cookie of a session.

use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use backstay_model::Timestamp;
use http::HeaderMap;

use crate::settings::ServerSettings;

/// The name of the cookie.
pub(crate) const SESSION_COOKIE: &str = "backstay_session";

/// The secret of the session, if the request has one.
pub(crate) fn session_secret(headers: &HeaderMap) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    jar.get(SESSION_COOKIE).map(|cookie| cookie.value().to_owned()).filter(|secret| !secret.is_empty())
}

/// The cookie that keeps `secret` until the session ends. No script can read it and no other site can send it.
pub(crate) fn session_cookie(
    secret: &str,
    expires_at: Timestamp,
    now: Timestamp,
    settings: &ServerSettings,
) -> Cookie<'static> {
    let seconds = expires_at.seconds_since(now).max(0.0) as i64;
    base(secret.to_owned(), settings).max_age(cookie_duration(seconds)).build()
}

/// The cookie that makes a browser forget the session.
pub(crate) fn ended_cookie(settings: &ServerSettings) -> Cookie<'static> {
    base(String::new(), settings).max_age(cookie_duration(0)).build()
}

fn base(value: String, settings: &ServerSettings) -> cookie::CookieBuilder<'static> {
    Cookie::build((SESSION_COOKIE, value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(settings.secure_cookies)
}

fn cookie_duration(seconds: i64) -> cookie::time::Duration {
    cookie::time::Duration::seconds(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_script_reads_it_and_no_other_site_sends_it() {
        let now = Timestamp::from_micros(0);
        let settings = ServerSettings { secure_cookies: true, ..ServerSettings::default() };
        let text = session_cookie("abc", now.plus_seconds(3600), now, &settings).to_string();
        for part in
            ["backstay_session=abc", "HttpOnly", "SameSite=Strict", "Secure", "Path=/", "Max-Age=3600"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(ended_cookie(&settings).to_string().contains("Max-Age=0"));
    }

    #[test]
    fn the_secret_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        assert_eq!(session_secret(&headers), None);
        headers.insert("cookie", "a=b; backstay_session=s3cret; c=d".parse().unwrap());
        assert_eq!(session_secret(&headers).as_deref(), Some("s3cret"));
    }
}
