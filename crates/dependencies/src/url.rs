//! The source of a dependency: where git fetches it from.

use std::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use serde::Serialize;

use crate::error::{DependencyError, Result};
use crate::login::Login;

/// The longest source, in bytes.
const MAX_BYTES: usize = 2048;
const SCHEMES: [&str; 5] = ["ssh", "https", "http", "file", "git"];

/// Where a dependency comes from: an ssh, https, http, file or git URL, the scp form `user@host:path`, or a path.
///
/// A value of this type never begins with `-`, never names a remote helper (`ext::`), and has no control characters, so
/// that it is safe as an argument of git. `Display` shows it without its password.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceUrl(String);

impl SourceUrl {
    /// Checks a source.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse =
            |reason| Err(DependencyError::InvalidUrl { url: redact(&crate::name::shown(text)), reason });
        if text.trim().is_empty() {
            return refuse("it is empty");
        }
        if text.len() > MAX_BYTES {
            return refuse("it is longer than 2048 bytes");
        }
        if text.starts_with('-') {
            return refuse("it begins with `-`");
        }
        if text.chars().any(|c| c.is_control() || (c.is_whitespace() && c != ' ')) || text.trim() != text {
            return refuse("it has control characters or blanks around it");
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            if !SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) {
                return refuse("its scheme is none of ssh, https, http, file, git");
            }
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            if scheme.eq_ignore_ascii_case("file") {
                return if path.is_empty() { refuse("it names no path") } else { Ok(Self(text.to_owned())) };
            }
            if host.is_empty() || host.starts_with('-') || authority.starts_with('-') {
                return refuse("it names no host");
            }
            if !has_port_or_none(host) {
                return refuse(
                    "its port is no number (in a password, `/` is written %2F and `@` is written %40)",
                );
            }
            let user = authority.strip_suffix(host).unwrap_or_default();
            if scheme.eq_ignore_ascii_case("ssh") && user.contains(':') {
                return refuse("ssh takes no password from a URL");
            }
            if user.split(':').any(|part| decoded(part).is_none()) {
                return refuse("its user or password has control characters or is not UTF-8");
            }
            return Ok(Self(text.to_owned()));
        }
        match text.split_once(':') {
            // `transport::address` runs the program `git-remote-transport`.
            Some((_, rest)) if rest.starts_with(':') => refuse("it names a remote helper"),
            Some((before, path)) if !before.contains('/') => {
                let host = before.rsplit_once('@').map_or(before, |(_, host)| host);
                if host.is_empty() || host.starts_with('-') || path.is_empty() || path.starts_with('-') {
                    return refuse("it names no host or no path");
                }
                Ok(Self(text.to_owned()))
            }
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The source as it is written, credentials included: for git alone.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path, when the source is one and not a URL.
    pub fn as_path(&self) -> Option<&Path> {
        let is_scp = self.0.split_once(':').is_some_and(|(before, _)| !before.contains('/'));
        (!self.0.contains("://") && !is_scp).then(|| Path::new(&self.0))
    }

    /// Where the source is on this machine: a path against the root of the workspace, or a `file` URL. `None` for one that is
    /// reached over a network.
    pub fn local_path(&self, root: &Path) -> Option<PathBuf> {
        if self.as_path().is_some() {
            return Some(PathBuf::from(self.for_git(root)));
        }
        let (scheme, rest) = self.0.split_once("://")?;
        let path = rest.find('/').map(|at| &rest[at..]).filter(|_| scheme.eq_ignore_ascii_case("file"))?;
        Some(PathBuf::from(decoded(path).unwrap_or_else(|| path.to_owned())))
    }

    /// Who we are at an http or https source that says so.
    pub(crate) fn login(&self) -> Option<Login> {
        let (scheme, user, rest) = self.http_parts()?;
        let host = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        let (user, password) = match user.split_once(':') {
            Some((user, password)) => (user, Some(decoded(password)?)),
            None => (user, None),
        };
        Some(Login::new(&format!("{scheme}://{host}"), decoded(user)?, password))
    }

    /// Scheme, user part and the rest of an http or https URL that has a user part.
    fn http_parts(&self) -> Option<(&str, &str, &str)> {
        let (scheme, rest) = self.0.split_once("://")?;
        let is_http = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        let at = authority.rfind('@').filter(|_| is_http)?;
        Some((scheme, &rest[..at], &rest[at + 1..]))
    }

    /// What git is told and remembers: without the user part of an http or https URL (see [`Self::login`]), with a relative path
    /// made absolute against the root of the workspace.
    pub fn for_git(&self, root: &Path) -> String {
        match self.as_path() {
            Some(path) if path.is_relative() => {
                let mut absolute = root.to_path_buf();
                for part in path.components() {
                    match part {
                        std::path::Component::ParentDir => {
                            absolute.pop();
                        }
                        std::path::Component::CurDir => {}
                        part => absolute.push(part),
                    }
                }
                absolute.to_string_lossy().into_owned()
            }
            _ => match self.http_parts() {
                Some((scheme, _, rest)) => format!("{scheme}://{rest}"),
                None => self.0.clone(),
            },
        }
    }

    /// The source without its password.
    pub fn redacted(&self) -> String {
        redact(&self.0)
    }
}

impl fmt::Display for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

impl fmt::Debug for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceUrl({:?})", self.redacted())
    }
}

impl Serialize for SourceUrl {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.redacted())
    }
}

/// `text` with the user part of every URL in it replaced: over http a token often stands where the user does. Over ssh
/// the user alone is kept, because it is no secret; a password never is.
pub(crate) fn redact(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        let end = after.find(|c: char| matches!(c, '/' | '\'' | '"' | '?' | '#') || c.is_whitespace());
        let authority = &after[..end.unwrap_or(after.len())];
        // A password may hold `/` and `@`; what looks like one up to the last `@` before a blank is hidden with it.
        let word = &after
            [..after.find(|c: char| c.is_whitespace() || matches!(c, '\'' | '"')).unwrap_or(after.len())];
        let user_end = match authority.rfind('@') {
            Some(found) => Some(found),
            None if authority.contains(':') => word.find('@').filter(|_| !port_only(authority)),
            None => None,
        };
        match user_end {
            Some(found) => {
                let user = &after[..found];
                let over_ssh = before.ends_with("ssh://");
                if over_ssh && !user.contains(':') {
                    shown.push_str(user);
                } else {
                    shown.push_str("***");
                }
                rest = &after[found..];
            }
            None => rest = after,
        }
    }
    shown.push_str(rest);
    shown
}

/// Whether `host`, which may have a port, has a numeric one.
fn has_port_or_none(host: &str) -> bool {
    // An IPv6 address in brackets has colons of its own.
    let name_end = host.rfind(']').map_or(0, |bracket| bracket + 1);
    match host[name_end..].split_once(':') {
        Some((_, port)) => port.bytes().all(|b| b.is_ascii_digit()),
        None => true,
    }
}

/// `text` without its percent-encoding; `None` when that is no text without control characters.
fn decoded(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    (!text.chars().any(char::is_control)).then(|| text.into_owned())
}

/// Whether the colon of `host:1234` begins a port.
fn port_only(authority: &str) -> bool {
    authority.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_git_knows_passes() {
        for url in [
            "ssh://git@example.org/kb.git",
            "https://example.org/kb.git",
            "http://example.org:8080/kb",
            "file:///srv/kb.git",
            "git://example.org/kb",
            "git@example.org:team/kb.git",
            "example.org:kb",
            "/srv/kb",
            "../kb",
            "./a:b",
            "kb with blanks",
        ] {
            assert_eq!(SourceUrl::parse(url).unwrap().as_str(), url);
        }
    }

    #[test]
    fn what_runs_a_program_or_looks_like_an_option_is_refused() {
        for url in [
            "",
            " ",
            "-x",
            "--upload-pack=touch /tmp/x",
            "ext::sh -c id",
            "fd::17",
            "ftp://example.org/kb",
            "javascript://x",
            "ssh://-oProxyCommand=id/x",
            "ssh://a@-oProxyCommand=id/x",
            "-oProxyCommand=id:x",
            "git@-oProxyCommand=id:x",
            "host:--upload-pack=id",
            "https:///x",
            "file://",
            "/srv/a\nb",
            "/srv/a\0b",
        ] {
            assert!(SourceUrl::parse(url).is_err(), "{url:?}");
        }
    }

    #[test]
    fn credentials_are_never_shown() {
        let url = SourceUrl::parse("https://token:s3cret@example.org/kb.git").unwrap();
        assert_eq!(url.to_string(), "https://***@example.org/kb.git");
        assert!(!format!("{url:?}").contains("s3cret"));
        assert_eq!(
            redact("fatal: 'https://s3cret@h/x' and ssh://git@h/y"),
            "fatal: 'https://***@h/x' and ssh://git@h/y"
        );
        assert_eq!(redact("ssh://git:s3cret@h/y"), "ssh://***@h/y");
        assert_eq!(redact("https://u:p/q@h/y"), "https://***@h/y");
        assert_eq!(redact("http://h:80/a@b"), "http://h:80/a@b");
    }

    #[test]
    fn a_relative_path_starts_at_the_root() {
        let root = Path::new("/w/app");
        assert_eq!(SourceUrl::parse("../kb").unwrap().for_git(root), "/w/kb");
        assert_eq!(SourceUrl::parse("git@h:kb").unwrap().for_git(root), "git@h:kb");
    }

    #[test]
    fn git_is_told_no_password() {
        let told = |url: &str| SourceUrl::parse(url).unwrap().for_git(Path::new("/w"));
        assert_eq!(told("https://u:p%40q@example.org:8080/kb.git"), "https://example.org:8080/kb.git");
        assert_eq!(told("HTTP://u:a@b@[::1]:80/kb"), "HTTP://[::1]:80/kb");
        assert_eq!(told("https://token@example.org/kb"), "https://example.org/kb");
        assert_eq!(told("ssh://git@example.org/kb"), "ssh://git@example.org/kb");
        for url in ["https://u:p/q@h/y", "ssh://git:p@h/y", "https://u:p%0aq@h/y", "https://u:p%ff@h/y"] {
            assert!(SourceUrl::parse(url).is_err(), "{url:?}");
        }
    }
}
