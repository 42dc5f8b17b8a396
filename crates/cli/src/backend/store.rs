//! Where a repository is: a directory, or a bucket.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use backstay_store::{LocalStore, S3Settings, S3Store, Store};

use crate::failure::Failure;

/// A place for a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// A local directory.
    Directory(PathBuf),
    /// A prefix, possibly empty, in an S3 bucket.
    S3 { bucket: String, prefix: String },
}

impl Location {
    /// Reads `s3://BUCKET[/PREFIX]` or a path, which starts at `base` when it is relative.
    pub(crate) fn parse(text: &str, base: &Path) -> Result<Self, Failure> {
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() {
                return Err(
                    Failure::usage(format!("`{text}` names no bucket")).hint("write s3://BUCKET/PREFIX")
                );
            }
            if bucket.contains(['@', ':']) {
                return Err(Failure::usage("a repository location holds no credentials and no port")
                    .hint("set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL"));
            }
            return Ok(Self::S3 { bucket: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned() });
        }
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(Failure::usage(format!("there is no kind of repository called `{scheme}`"))
                .hint("give a directory or s3://BUCKET/PREFIX"));
        }
        if text.is_empty() {
            return Err(Failure::usage("the location of the repository is empty"));
        }
        let directory = base.join(text);
        // What exists is shown without `..` and links on the way.
        Ok(Self::Directory(directory.canonicalize().unwrap_or(directory)))
    }

    /// The store there. Nothing is touched yet.
    pub(crate) fn open(&self) -> Result<Arc<dyn Store>, Failure> {
        match self {
            Self::Directory(path) => Ok(Arc::new(LocalStore::open(path)?)),
            Self::S3 { bucket, prefix } => Ok(Arc::new(S3Store::open(bucket, prefix, &s3_settings())?)),
        }
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory(path) => path.display().fmt(f),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

/// What the environment says about the S3 server; credentials are looked up there by the store itself.
fn s3_settings() -> S3Settings {
    let given = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    S3Settings {
        endpoint: given("AWS_ENDPOINT_URL_S3").or_else(|| given("AWS_ENDPOINT_URL")),
        region: given("AWS_REGION").or_else(|| given("AWS_DEFAULT_REGION")),
        allow_http: given("AWS_ALLOW_HTTP").is_some_and(|text| text == "true"),
        virtual_hosted_style: given("AWS_VIRTUAL_HOSTED_STYLE_REQUEST").is_some_and(|text| text == "true"),
        ..S3Settings::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_directory_or_a_bucket() {
        let parse =
            |text: &str| Location::parse(text, Path::new("/base")).map_err(|failure| failure.exit_code());
        assert_eq!(parse("/backup"), Ok(Location::Directory("/backup".into())));
        assert_eq!(parse("backup"), Ok(Location::Directory("/base/backup".into())));
        let bucket = |prefix: &str| Ok(Location::S3 { bucket: "b".into(), prefix: prefix.into() });
        assert_eq!(parse("s3://b"), bucket(""));
        assert_eq!(parse("s3://b/x/y/"), bucket("x/y"));
        for wrong in ["", "s3://", "ftp://host/x", "s3://key:secret@b/x"] {
            assert_eq!(parse(wrong), Err(2), "{wrong}");
        }
    }
}
