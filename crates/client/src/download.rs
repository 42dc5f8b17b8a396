//! Downloads: bytes that are not held in memory.

use std::io;

use backstay_api::content::{ArchiveQuery, ContentQuery};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, ETAG};
use tokio::io::AsyncRead;
use tokio_util::io::StreamReader;

use crate::client::{Call, Client, Result};

/// A download on its way.
pub struct Download {
    /// Its size, when that is known.
    pub size_bytes: Option<u64>,
    /// The entity tag, quotes included.
    pub etag: Option<String>,
    /// Whether it is the wanted part and not the whole.
    pub partial: bool,
    bytes: BoxStream<'static, io::Result<Bytes>>,
}

/// The bytes from `first` to `last`, both included; to the end without `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub first: u64,
    /// The last byte.
    pub last: Option<u64>,
}

impl Download {
    /// The bytes as they come.
    pub fn into_stream(self) -> BoxStream<'static, io::Result<Bytes>> {
        self.bytes
    }

    /// The bytes as a reader.
    pub fn into_reader(self) -> impl AsyncRead + Send + Unpin {
        StreamReader::new(self.bytes)
    }
}

impl Client {
    /// Reads a file of a snapshot, or a part of it.
    pub async fn read_content(&self, id: &str, path: &str, range: Option<ByteRange>) -> Result<Download> {
        let query = ContentQuery { path: path.to_owned(), download: None };
        let mut call = self.api(Method::GET, &["snapshots", id, "content"]).query(&query);
        if let Some(ByteRange { first, last }) = range {
            let last = last.map(|last| last.to_string()).unwrap_or_default();
            call = call.header("range", format!("bytes={first}-{last}"));
        }
        self.download(call).await
    }

    /// Reads a subtree of a snapshot, or what a query selects of it, as a `.tar.zst`.
    pub async fn read_archive(&self, id: &str, query: &ArchiveQuery) -> Result<Download> {
        self.download(self.api(Method::GET, &["snapshots", id, "archive"]).query(query)).await
    }

    pub(crate) async fn download(&self, call: Call) -> Result<Download> {
        let response = self.send(call.unlimited()).await?;
        let text =
            |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let size_bytes = text(CONTENT_LENGTH).and_then(|length| length.parse().ok());
        let etag = text(ETAG);
        let partial = response.status().as_u16() == 206;
        let bytes = response.bytes_stream().map_err(io::Error::other).boxed();
        Ok(Download { size_bytes, etag, partial, bytes })
    }
}
