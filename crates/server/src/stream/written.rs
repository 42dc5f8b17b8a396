//! What is put together while it is sent.

use std::io::{self, Write};

use axum::body::Body;

use super::channel::body_channel;

/// What `write` writes as a body, on a blocking thread while it is sent. An error on the way breaks the transfer off.
pub(crate) fn written<E: std::fmt::Display>(
    write: impl FnOnce(&mut dyn Write) -> Result<(), E> + Send + 'static,
) -> Body {
    let (mut writer, body) = body_channel();
    tokio::task::spawn_blocking(move || {
        let mut watched = Watched { out: &mut writer, gone: false };
        let result = write(&mut watched);
        let gone = watched.gone;
        match result {
            Ok(()) => drop(writer.finish()),
            Err(_) if gone => {}
            Err(error) => {
                tracing::error!(error.message = %error, "a file could not be written to its end");
                writer.fail(io::Error::other(error.to_string()));
            }
        }
    });
    body
}

/// Notes whether the client went away.
struct Watched<'w, W> {
    out: &'w mut W,
    gone: bool,
}

impl<W: Write> Write for Watched<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.gone |= written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
