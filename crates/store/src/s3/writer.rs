//! Writing an object to S3.

use std::sync::Arc;

use bytes::Bytes;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};

use super::Shared;
use crate::error::StoreError;
use crate::name::ObjectName;
use crate::store::ObjectWriter;

/// Objects up to this size are sent in one request, which is atomic and can be repeated whole.
const SINGLE_BYTES: usize = 64 << 20;
/// How much of a larger object is sent at once.
const PART_BYTES: usize = 16 << 20;

/// An object in memory until its name is known.
pub(super) struct S3Writer {
    shared: Arc<Shared>,
    pieces: Vec<Bytes>,
    length: usize,
}

impl S3Writer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, pieces: Vec::new(), length: 0 }
    }
}

impl ObjectWriter for S3Writer {
    fn write(&mut self, data: &[u8]) -> Result<(), StoreError> {
        self.pieces.push(Bytes::copy_from_slice(data));
        self.length += data.len();
        Ok(())
    }

    fn finish(self: Box<Self>, name: &ObjectName) -> Result<(), StoreError> {
        let Self { shared, pieces, length } = *self;
        let (client, path) = (shared.client.clone(), shared.path(name));
        if length <= SINGLE_BYTES {
            let payload: PutPayload = pieces.into_iter().collect();
            return shared.wait("write", name, async move { client.put(&path, payload).await.map(drop) });
        }
        shared.wait("write", name, async move {
            let mut upload = client.put_multipart(&path).await?;
            let sent = send_parts(&mut *upload, pieces).await;
            if sent.is_err() {
                // Without this the server keeps the parts; it is the first failure that is told.
                let _ = upload.abort().await;
            }
            sent
        })
    }
}

/// Sends the pieces in parts of [`PART_BYTES`], one after the other, and completes the object.
async fn send_parts(upload: &mut dyn MultipartUpload, pieces: Vec<Bytes>) -> object_store::Result<()> {
    let (mut part, mut length) = (Vec::new(), 0);
    for mut piece in pieces {
        while length + piece.len() >= PART_BYTES {
            part.push(piece.split_to(PART_BYTES - length));
            upload.put_part(std::mem::take(&mut part).into_iter().collect()).await?;
            length = 0;
        }
        length += piece.len();
        part.push(piece);
    }
    if length > 0 {
        upload.put_part(part.into_iter().collect()).await?;
    }
    upload.complete().await.map(drop)
}
