//! Opening the store that a text names.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{StoreError, StoreErrorKind};
use crate::local::LocalStore;
use crate::memory::MemoryStore;
use crate::s3::{S3Settings, S3Store};
use crate::store::Store;

/// How a store is opened.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// How an S3 server is reached.
    pub s3: S3Settings,
}

/// What a location names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Location {
    Directory(PathBuf),
    Bucket { bucket: String, prefix: String },
    Memory,
}

/// Why a text is no location. The text is not repeated: it may hold a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum InvalidLocation {
    #[error("it is empty")]
    Empty,
    #[error("it contains a NUL character")]
    Nul,
    #[error("it starts with none of `/`, `file:///`, `s3://` and is not a path")]
    Scheme,
    #[error("a file location has to be like `file:///srv/repository`, with special characters as `%20`")]
    File,
    #[error("an S3 location has to be like `s3://bucket/prefix`")]
    Bucket,
    #[error("it contains credentials; give them by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")]
    Credentials,
}

/// Opens the store that `location` names: a path, `file:///path`, `s3://bucket/prefix`, or `memory:` (a new one).
///
/// Nothing is read, written or sent; a store that cannot be reached shows at its first use.
/// Errors: `Misconfigured`, when the text or the settings cannot be used.
pub fn open_location(location: &str, options: &OpenOptions) -> Result<Arc<dyn Store>, StoreError> {
    let parsed = parse(location).map_err(|why| {
        StoreError::about(StoreErrorKind::Misconfigured, "open", "the store", "the given location")
            .with_source(why)
    })?;
    Ok(match parsed {
        Location::Directory(path) => Arc::new(LocalStore::open(path)?),
        Location::Bucket { bucket, prefix } => Arc::new(S3Store::open(&bucket, &prefix, &options.s3)?),
        Location::Memory => Arc::new(MemoryStore::new()),
    })
}

fn parse(text: &str) -> Result<Location, InvalidLocation> {
    if text.is_empty() {
        return Err(InvalidLocation::Empty);
    }
    if text.contains('\0') {
        return Err(InvalidLocation::Nul);
    }
    if text == "memory:" {
        return Ok(Location::Memory);
    }
    match text.split_once("://") {
        Some(("file", rest)) => parse_file(rest),
        Some(("s3", rest)) => parse_bucket(rest),
        Some((scheme, _)) if !scheme.contains('/') => Err(InvalidLocation::Scheme),
        _ => Ok(Location::Directory(PathBuf::from(text))),
    }
}

/// Parses what follows `file://` (RFC 8089): an absolute path, percent-encoded, on this machine.
fn parse_file(rest: &str) -> Result<Location, InvalidLocation> {
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    if !path.starts_with('/') || path.contains(['?', '#']) {
        return Err(InvalidLocation::File);
    }
    let bytes = percent_decode(path).filter(|bytes| !bytes.contains(&0)).ok_or(InvalidLocation::File)?;
    Ok(Location::Directory(PathBuf::from(OsString::from_vec(bytes))))
}

fn percent_decode(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            decoded.push((digit()? * 16 + digit()?) as u8);
        } else {
            decoded.push(byte);
        }
    }
    Some(decoded)
}

fn parse_bucket(rest: &str) -> Result<Location, InvalidLocation> {
    if rest.contains('@') {
        return Err(InvalidLocation::Credentials);
    }
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() || rest.contains(['?', '#', '%', ':']) {
        return Err(InvalidLocation::Bucket);
    }
    Ok(Location::Bucket { bucket: bucket.to_owned(), prefix: prefix.trim_end_matches('/').to_owned() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn directory(path: &str) -> Location {
        Location::Directory(PathBuf::from(path))
    }

    fn bucket(bucket: &str, prefix: &str) -> Location {
        Location::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() }
    }

    #[test]
    fn every_form_of_a_location_is_understood() {
        assert_eq!(parse("/srv/repo"), Ok(directory("/srv/repo")));
        assert_eq!(parse("relative/repo"), Ok(directory("relative/repo")));
        assert_eq!(parse("./a://b"), Ok(directory("./a://b")));
        assert_eq!(parse("file:///srv/my%20repo%2e"), Ok(directory("/srv/my repo.")));
        assert_eq!(parse("file://localhost/srv"), Ok(directory("/srv")));
        assert_eq!(parse("s3://bucket"), Ok(bucket("bucket", "")));
        assert_eq!(parse("s3://bucket/"), Ok(bucket("bucket", "")));
        assert_eq!(parse("s3://bucket/a/b/"), Ok(bucket("bucket", "a/b")));
        assert_eq!(parse("memory:"), Ok(Location::Memory));
    }

    #[test]
    fn what_is_no_location_is_refused_with_the_reason() {
        for (text, why) in [
            ("", InvalidLocation::Empty),
            ("/a\0b", InvalidLocation::Nul),
            ("https://example.com/x", InvalidLocation::Scheme),
            ("sftp://host/x", InvalidLocation::Scheme),
            ("file://host/x", InvalidLocation::File),
            ("file:///a%2", InvalidLocation::File),
            ("file:///a%00b", InvalidLocation::File),
            ("s3://", InvalidLocation::Bucket),
            ("s3:///prefix", InvalidLocation::Bucket),
            ("s3://bucket/a?b", InvalidLocation::Bucket),
            ("s3://key:secret@bucket/x", InvalidLocation::Credentials),
        ] {
            assert_eq!(parse(text), Err(why), "{text:?}");
        }
    }

    #[test]
    fn a_secret_in_a_refused_location_is_not_repeated() {
        for text in
            ["s3://AKID:hunter2@bucket/x", "https://u:hunter2@example.com", "s3://bucket/x?secret=hunter2"]
        {
            let error = open_location(text, &OpenOptions::default()).unwrap_err();
            assert_eq!(error.kind, StoreErrorKind::Misconfigured);
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn hostile_buckets_and_prefixes_are_refused() {
        for text in
            ["s3://..", "s3://ab", "s3://Bucket", "s3://bucket/../x", "s3://bucket//x", "s3://bucket/a b"]
        {
            let error = open_location(text, &OpenOptions::default()).unwrap_err();
            assert_eq!(error.kind, StoreErrorKind::Misconfigured, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_opened_or_refused(text in "(s3://|file://|memory:|/|)?\\PC{0,40}") {
            if let Err(error) = open_location(&text, &OpenOptions::default()) {
                prop_assert_eq!(error.kind, StoreErrorKind::Misconfigured);
            }
        }

        #[test]
        fn any_absolute_path_survives_as_a_file_location(path in "(/[^/\\x00]{1,8}){1,4}") {
            let encoded: String = path.bytes().map(|b| match b {
                b'/' => "/".to_owned(),
                other => format!("%{other:02X}"),
            }).collect();
            prop_assert_eq!(parse(&format!("file://{encoded}")), Ok(directory(&path)));
        }
    }
}
