//! Object headers, version 1: messages in one block or several.

use crate::message;
use crate::read::bytes::Bytes;
use crate::read::{File, ReadError, Source};

/// The most blocks of a header.
const MAX_BLOCKS: usize = 256;

/// The messages of an object.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) path: String,
    messages: Vec<Message>,
}

/// A message, and where in the file its body is.
#[derive(Debug)]
pub(crate) struct Message {
    kind: u16,
    shared: bool,
    body: Vec<u8>,
    offset: u64,
}

impl Message {
    pub(crate) fn bytes(&self) -> Bytes<'_> {
        Bytes::new(&self.body, self.offset)
    }
}

impl Header {
    pub(crate) fn read<S: Source>(file: &File<S>, path: &str, address: u64) -> Result<Self, ReadError> {
        const PREFIX: usize = 16;
        let prefix = file.metadata(address, PREFIX)?;
        let mut bytes = Bytes::new(&prefix, address);
        if prefix.starts_with(b"OHDR") {
            return Err(ReadError::Unsupported {
                path: path.to_owned(),
                what: "an object of the newer format",
            });
        }
        bytes.expect(&[1], "an object header has a version that does not exist")?;
        bytes.u8()?;
        let mut left = bytes.u16()?;
        bytes.u32()?;
        let mut blocks = vec![(address + PREFIX as u64, u64::from(bytes.u32()?))];
        let mut messages = Vec::new();
        let mut next = 0;
        while let Some(&(offset, length)) = blocks.get(next) {
            next += 1;
            let text = file.metadata(offset, usize::try_from(length).unwrap_or(usize::MAX))?;
            let mut bytes = Bytes::new(&text, offset);
            while left > 0 && bytes.rest().len() >= 8 {
                left -= 1;
                let kind = bytes.u16()?;
                let length = usize::from(bytes.u16()?);
                let shared = bytes.u8()? & 2 != 0;
                bytes.take(3)?;
                let offset = bytes.offset();
                let body = bytes.take(length)?;
                if kind == message::CONTINUATION {
                    let mut body = Bytes::new(body, offset);
                    if blocks.len() == MAX_BLOCKS {
                        return Err(ReadError::damaged(offset, "an object header has too many blocks"));
                    }
                    blocks.push((body.u64()?, body.u64()?));
                } else {
                    messages.push(Message { kind, shared, body: body.to_vec(), offset });
                }
            }
        }
        Ok(Self { path: path.to_owned(), messages })
    }

    /// The first message of a kind.
    pub(crate) fn find(&self, kind: u16) -> Option<&Message> {
        self.messages.iter().find(|message| message.kind == kind)
    }

    /// All messages of a kind.
    pub(crate) fn all(&self, kind: u16) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(move |message| message.kind == kind)
    }

    /// The body of the message of a kind that an object must have.
    pub(crate) fn need(&self, kind: u16, problem: &'static str) -> Result<Bytes<'_>, ReadError> {
        let message = self.find(kind).ok_or(ReadError::damaged(0, problem))?;
        if message.shared {
            return Err(ReadError::Unsupported { path: self.path.clone(), what: "a shared type or space" });
        }
        Ok(message.bytes())
    }

    /// A message that says no more than where another is.
    pub(crate) const fn is_shared(message: &Message) -> bool {
        message.shared
    }
}
