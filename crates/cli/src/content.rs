//! The bytes of a file in a snapshot.

use std::sync::{Arc, Mutex};

use backstay_model::ErrorKind;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::backend::{Backend, on};
use crate::context::Context;
use crate::failure::Failure;

/// The largest file that is held in memory for a JSON answer.
pub(crate) const MAX_BYTES: usize = 64 << 20;

/// Writes the bytes to standard output.
pub(crate) async fn print(cx: &Context, backend: &Backend, id: &str, path: &str) -> Result<(), Failure> {
    let output = cx.output.clone();
    let sink = Box::new(move |bytes: &[u8]| {
        output.write(|out| out.write_all(bytes))?;
        Ok(!output.is_closed())
    });
    on!(backend, content(cx, id, path, sink))
}

/// Reads the bytes; fails when there are more than `limit`.
pub(crate) async fn read(
    cx: &Context,
    backend: &Backend,
    id: &str,
    path: &str,
    limit: usize,
) -> Result<Vec<u8>, Failure> {
    let collected = Arc::new(Mutex::new(Vec::new()));
    let (target, name) = (collected.clone(), path.to_owned());
    let sink = Box::new(move |bytes: &[u8]| {
        let mut target = target.lock().expect("no holder of this lock panics");
        if target.len() + bytes.len() > limit {
            return Err(Failure::new(
                ErrorKind::TooLarge,
                format!("{name} is too large to be shown like this"),
            )
            .hint("leave out --json to get its bytes"));
        }
        target.extend_from_slice(bytes);
        Ok(true)
    });
    on!(backend, content(cx, id, path, sink))?;
    let bytes = std::mem::take(&mut *collected.lock().expect("no holder of this lock panics"));
    Ok(bytes)
}

/// Adds the bytes to a JSON object: as `content` when they are text, else as `content_b64`.
pub(crate) fn put_into(object: &mut Value, bytes: Vec<u8>) {
    match String::from_utf8(bytes) {
        Ok(text) => object["content"] = json!(text),
        Err(error) => object["content_b64"] = json!(STANDARD.encode(error.as_bytes())),
    }
}
