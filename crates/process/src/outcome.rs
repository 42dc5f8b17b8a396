//! How a command ended.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::output::KeptOutput;

/// How a command ended, and what it said.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// From its start until it and everything it left behind had ended.
    pub duration: Duration,
    /// What is kept of its output; empty when that was inherited.
    pub output: KeptOutput,
    /// Processes that still ran when the command itself had ended, or that had to be killed with it.
    pub leftovers: Vec<Leftover>,
    /// What kept its processes together.
    pub isolation: Isolation,
}

impl Outcome {
    /// Whether the command ended by itself and returned 0.
    pub fn succeeded(&self) -> bool {
        self.end == End::Exited { code: 0 }
    }
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself, with a code.
    Exited {
        /// The exit code.
        code: i32,
    },
    /// By a signal that did not come from us.
    Signalled {
        /// The number of the signal.
        signal: i32,
    },
    /// Because it took longer than its limit.
    TimedOut,
    /// Because the caller cancelled it.
    Cancelled,
}

/// A process that a command left behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// Its id, as the command's processes see it.
    pub pid: u32,
    /// The name of its program, at most 15 bytes.
    pub name: String,
    /// Whether it is known to have ended. `false`: it survived KILL for 3 seconds, which takes a process of another
    /// user or one that waits in the kernel.
    pub ended: bool,
}

/// What kept the processes of a command together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Isolation {
    /// A PID namespace and a mount namespace: the kernel ends all processes with the first of them.
    PidNamespace,
    /// The same in a user namespace, in which the user is who they are, without more rights.
    UserNamespace,
    /// The supervisor adopts orphans and finds every descendant in `/proc`. Only a `kill -9` of the supervisor itself
    /// defeats it; the command's first process ends even then.
    Subreaper,
}
