//! The bytes of a file, over the API.

use backstay_model::ErrorKind;
use tokio::io::AsyncReadExt;

use super::Remote;
use crate::backend::Sink;
use crate::context::Context;
use crate::failure::Failure;

impl Remote {
    /// Gives the bytes of a file to `sink`, piece by piece.
    pub(crate) async fn content(
        &self,
        cx: &Context,
        id: &str,
        path: &str,
        mut sink: Sink,
    ) -> Result<(), Failure> {
        let mut reader = self.client.read_content(id, path, None).await?.into_reader();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            if cx.cancel.is_cancelled() {
                return Err(Failure::interrupted());
            }
            let length = reader.read(&mut buffer).await.map_err(|error| {
                Failure::new(ErrorKind::Unavailable, format!("the download of {path} broke off"))
                    .caused_by(Some(&error))
            })?;
            if length == 0 || !sink(&buffer[..length])? {
                return Ok(());
            }
        }
    }
}
