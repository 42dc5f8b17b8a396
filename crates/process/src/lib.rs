//! Runs a command of the user: a hook, a migration, a check, a declared command.
//!
//! # Guarantees
//! * **Nothing outlives the caller.** A command runs below a *supervisor*, a process of our own program
//!   ([`Supervisor`], [`supervise`]). When the caller ends, in whatever way, the supervisor notices at once and every
//!   process of the command is killed: background children, children in sessions of their own, orphans. Where the
//!   machine permits, the command lives in a PID namespace, whose processes the kernel kills together with its first
//!   one ([`Isolation`]); elsewhere the supervisor adopts orphans and finds them in `/proc`.
//! * **Nothing outlives the command.** When it ends, what it left behind gets a quarter of a second to end too, is then
//!   sent TERM, 2 seconds later KILL, and is named in [`Outcome::leftovers`].
//! * **Output never blocks.** The pipes are drained for as long as anybody can write to them; how much is kept is
//!   bounded ([`KeptOutput`]).
//! * **No text of the user becomes part of a shell text.** Arguments of a shell text are its positional parameters;
//!   who has to build a text uses [`quote`].
//! * **Our secrets stay here**: see [`Environment`].
//!
//! # Views
//! A command sees the file system as it is ([`View::Host`]) or a copy-on-write view of one directory at the directory's
//! own path ([`View::Overlay`]): what it writes there goes to another directory, [`changes_of`] lists it, and the
//! directory itself stays as it was. The mount exists in the command's own mount namespace only and ends with it.
//!
//! What the supervisor cannot do: a process that the command asks *another* service to start (a container, a timer, a
//! unit) belongs to that service.

mod channel;
mod command;
mod environment;
mod error;
mod outcome;
mod output;
mod run;
mod shell;
mod supervise;
mod supervisor;
mod view;

pub use command::{Command, Confinement, Output, Program, Stdin};
pub use environment::{Environment, SECRETS};
pub use error::ProcessError;
pub use outcome::{End, Isolation, Leftover, Outcome};
pub use output::{KeptOutput, Stream};
pub use run::run;
pub use shell::quote;
pub use supervise::supervise;
pub use supervisor::Supervisor;
pub use view::{Overlay, UpperEntry, UpperKind, View, changes_of, supports_overlay};
