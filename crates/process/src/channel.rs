//! The channel between the caller and the supervisor: a socket, messages with their length before them, and one file
//! descriptor.

use std::ffi::OsString;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::outcome::{Isolation, Leftover};

/// No message is longer: Linux gives a program at most 6 MiB of arguments and variables, which grow fourfold as JSON.
const MOST_BYTES: u32 = 64 << 20;

/// From the caller to the outer supervisor, first.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) isolation: Isolation,
    pub(crate) overlay: Option<Mounted>,
}

/// An overlay to mount.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Mounted {
    pub(crate) lower: Bytes,
    pub(crate) upper: Bytes,
    pub(crate) work: Bytes,
    pub(crate) at: Bytes,
    pub(crate) hidden: Vec<Bytes>,
}

/// From the caller to the supervisor, after [`Setup`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// The command; the descriptor of its input follows.
    Start(Start),
    /// TERM to the process group, KILL to everything after so many milliseconds.
    Stop { grace_ms: u64 },
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) argv: Vec<Bytes>,
    pub(crate) directory: Bytes,
    pub(crate) environment: Vec<(Bytes, Bytes)>,
}

/// From the supervisor to the caller.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// Isolation and view are in place.
    Ready,
    /// They cannot be had.
    Refused { step: String, errno: i32 },
    /// The command runs.
    Started,
    /// It does not.
    NotStarted { why: NotStarted, errno: i32 },
    /// It has ended, and so has what it left behind, unless told otherwise.
    Ended { status: Option<Status>, leftovers: Vec<Leftover> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum NotStarted {
    Directory,
    Program,
    Nul,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Code(i32),
    Signal(i32),
}

/// Bytes that need not be text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Bytes(Vec<u8>);

impl Bytes {
    pub(crate) fn of_path(path: &Path) -> Self {
        Self(path.as_os_str().as_bytes().to_vec())
    }

    pub(crate) fn into_path(self) -> PathBuf {
        self.into_os_string().into()
    }

    pub(crate) fn into_os_string(self) -> OsString {
        OsString::from_vec(self.0)
    }
}

impl From<OsString> for Bytes {
    fn from(text: OsString) -> Self {
        Self(text.into_vec())
    }
}

/// Writes one message.
pub(crate) fn send(mut channel: &UnixStream, message: &impl Serialize) -> io::Result<()> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len()).ok().filter(|length| *length <= MOST_BYTES);
    let length = length.ok_or_else(|| io::Error::from(io::ErrorKind::ArgumentListTooLong))?;
    let mut frame = length.to_le_bytes().to_vec();
    frame.extend(body);
    channel.write_all(&frame)
}

/// Reads one message; `None` when the other side has gone. Nothing beyond the message is read.
pub(crate) fn receive<T: DeserializeOwned>(mut channel: &UnixStream) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match channel.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if gone(&error) => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_le_bytes(length);
    if length > MOST_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = vec![0; length as usize];
    match channel.read_exact(&mut body) {
        Ok(()) => Ok(Some(serde_json::from_slice(&body)?)),
        Err(error) if gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset)
}

/// Hands a file descriptor over, with one byte to carry it.
pub(crate) fn send_fd(channel: &UnixStream, fd: impl AsFd) -> io::Result<()> {
    let fds = [fd.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    sendmsg(channel, &[IoSlice::new(&[0])], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Takes a file descriptor; `None` when none came.
pub(crate) fn receive_fd(channel: &UnixStream) -> io::Result<Option<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(channel, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(mut fds) = message {
            return Ok(fds.next());
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_descriptors_keep_their_order() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        send(&ours, &Order::Stop { grace_ms: 7 }).unwrap();
        let (mut reader, writer) = io::pipe().unwrap();
        send_fd(&ours, &writer).unwrap();
        send(&ours, &Order::Stop { grace_ms: 8 }).unwrap();
        drop((ours, writer));

        assert!(matches!(receive(&theirs).unwrap(), Some(Order::Stop { grace_ms: 7 })));
        let fd = receive_fd(&theirs).unwrap().unwrap();
        std::fs::File::from(fd).write_all(b"hello").unwrap();
        assert!(matches!(receive(&theirs).unwrap(), Some(Order::Stop { grace_ms: 8 })));
        assert!(receive::<Order>(&theirs).unwrap().is_none());
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
    }

    #[test]
    fn a_length_without_sense_is_refused() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(&u32::MAX.to_le_bytes()).unwrap();
        assert_eq!(receive::<Order>(&theirs).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
