//! From a blocking writer to the body of an answer, with bounded memory.

use std::io;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// The size of the pieces.
pub(super) const PIECE: usize = 128 * 1024;
/// How many pieces may wait for a slow client.
const WAITING: usize = 4;

/// The writing end: blocks while the client is slower.
pub(super) struct BodyWriter {
    sender: mpsc::Sender<io::Result<Bytes>>,
    buffer: BytesMut,
}

/// A body and the writer that fills it. The body ends well only when the writer is told to [`BodyWriter::finish`].
pub(super) fn body_channel() -> (BodyWriter, Body) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let writer = BodyWriter { sender, buffer: BytesMut::with_capacity(PIECE) };
    (writer, Body::from_stream(ReceiverStream::new(receiver)))
}

impl BodyWriter {
    /// Sends what is left.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.send()
    }

    /// Breaks the transfer off, so that the client cannot take it for whole.
    pub(super) fn fail(self, error: io::Error) {
        let _ = self.sender.blocking_send(Err(error));
    }

    fn send(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = self.buffer.split().freeze();
        self.buffer.reserve(PIECE);
        self.sender
            .blocking_send(Ok(piece))
            .map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the client went away"))
    }
}

impl io::Write for BodyWriter {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let length = data.len().min(PIECE - self.buffer.len());
        self.buffer.extend_from_slice(&data[..length]);
        if self.buffer.len() == PIECE {
            self.send()?;
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
