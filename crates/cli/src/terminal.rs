//! Questions to the person at the terminal.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::failure::Failure;

/// Asks for a secret on the controlling terminal without showing it. `None` when there is no terminal.
pub(crate) fn ask_secret(question: &str) -> Result<Option<String>, Failure> {
    let Ok(mut terminal) = OpenOptions::new().read(true).write(true).open("/dev/tty") else {
        return Ok(None);
    };
    let failed = |error: std::io::Error| Failure::io("cannot use the terminal", &error);
    write!(terminal, "{question}: ").map_err(failed)?;
    let answer = {
        let _silence = Silence::begin(&terminal)?;
        let mut line = String::new();
        // A password is short; the limit keeps a mistake (a file on the terminal) from filling memory.
        BufReader::new(&terminal).take(64 * 1024).read_line(&mut line).map_err(failed)?;
        line
    };
    writeln!(terminal).map_err(failed)?;
    let answer = answer.trim_end_matches(['\n', '\r']).to_owned();
    if answer.is_empty() {
        return Err(Failure::usage("the password is empty"));
    }
    Ok(Some(answer))
}

/// Asks twice for a new secret.
pub(crate) fn ask_new_secret(question: &str) -> Result<Option<String>, Failure> {
    let Some(first) = ask_secret(question)? else { return Ok(None) };
    let second = ask_secret("the same again")?;
    if second.as_deref() == Some(first.as_str()) {
        Ok(Some(first))
    } else {
        Err(Failure::usage("the two passwords differ"))
    }
}

/// Turns the echo off and, when dropped, on again.
struct Silence<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Silence<'a> {
    fn begin(terminal: &'a File) -> Result<Self, Failure> {
        let failed = |error: rustix::io::Errno| Failure::io("cannot silence the terminal", &error.into());
        let before = tcgetattr(terminal).map_err(failed)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &silent).map_err(failed)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        // Nothing better can be done for a terminal that has gone away.
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}
