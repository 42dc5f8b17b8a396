//! The supervisor's side: one or two processes of our own program between the caller and the command.
//!
//! The *outer* one makes the namespaces, mounts the view, and starts the *inner* one as the first process of the PID
//! namespace; without namespaces it does both jobs itself. The inner one starts the command and watches over it until it
//! has ended or the caller has.
//!
//! Both learn of the caller's end from their channel, which closes with it. In namespaces each also has itself killed
//! with the process above it, so that a stopped supervisor cannot keep the command alive.

mod family;
mod isolate;
mod mounts;
mod watch;

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

/// What the outer process puts on the command line of the inner one, after the supervisor's own arguments.
const INNER: &str = "inner";

/// The entry point of the supervising process.
///
/// Has to be called before the program starts any thread, with the arguments that follow those of the
/// [`Supervisor`](crate::Supervisor), and its result is the program's. It reads from its standard input what to do, and
/// never writes to its standard output or error, which are the command's.
pub fn supervise(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut all: Vec<OsString> = std::env::args_os().collect();
    let done = io::stdin().as_fd().try_clone_to_owned().and_then(|channel| {
        let channel = UnixStream::from(channel);
        if arguments.into_iter().next().is_some_and(|argument| argument == INNER) {
            isolate::inner(&channel)
        } else {
            all.push(INNER.into());
            isolate::outer(&channel, &all)
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
