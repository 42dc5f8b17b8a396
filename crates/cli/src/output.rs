//! The one way to standard output and standard error.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;
use crate::human;
use crate::style::Style;

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For a person.
    Text,
    /// One JSON object.
    Json,
    /// One JSON object per line: events as they happen, the result last.
    Ndjson,
}

/// Where a command writes. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    format: Format,
    quiet: bool,
    stdout_style: Style,
    stderr_style: Style,
    closed: Arc<AtomicBool>,
    silent: bool,
    error_label: &'static str,
}

impl Output {
    /// An output of `format`; `quiet` drops notes, not results and warnings.
    pub(crate) fn new(format: Format, quiet: bool, color: crate::style::ColorChoice) -> Self {
        Self {
            format,
            quiet,
            stdout_style: Style::choose(color, io::stdout().is_terminal()),
            stderr_style: Style::choose(color, io::stderr().is_terminal()),
            closed: Arc::new(AtomicBool::new(false)),
            silent: false,
            error_label: "error:",
        }
    }

    /// The same output with results and notes dropped; warnings and errors remain.
    #[must_use]
    pub(crate) fn silenced(&self) -> Self {
        Self { format: Format::Text, quiet: true, silent: true, ..self.clone() }
    }

    /// The same output, with failures told as `graft` tells them.
    #[must_use]
    pub(crate) fn as_graft(&self) -> Self {
        Self { error_label: "Error:", ..self.clone() }
    }

    /// The form of the output.
    pub(crate) const fn format(&self) -> Format {
        self.format
    }

    /// Whether notes are dropped.
    pub(crate) const fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// The colours of standard output.
    pub(crate) const fn style(&self) -> Style {
        self.stdout_style
    }

    /// Whether the reader of standard output has gone away; long listings stop then.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Writes the result: `value` as JSON, or what `text` writes.
    pub(crate) fn result<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce(&mut dyn Write, Style) -> io::Result<()>,
    ) -> Result<(), Failure> {
        self.write(|out| match self.format {
            Format::Text => text(out, self.stdout_style),
            Format::Json => {
                serde_json::to_writer_pretty(&mut *out, value)?;
                out.write_all(b"\n")
            }
            Format::Ndjson => {
                serde_json::to_writer(&mut *out, &json!({"type": "result", "result": value}))?;
                out.write_all(b"\n")
            }
        })
    }

    /// Streams an event on ndjson; nothing otherwise.
    pub(crate) fn event<T: Serialize>(&self, name: &str, value: &T) {
        if self.format == Format::Ndjson {
            let written = self.write(|out| {
                serde_json::to_writer(&mut *out, &json!({"type": name, name: value}))?;
                out.write_all(b"\n")
            });
            // The result that follows meets the same error and reports it.
            drop(written);
        }
    }

    /// Writes with `body` through a buffer. A reader that has gone away is no error.
    pub(crate) fn write(&self, body: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        if self.silent {
            return Ok(());
        }
        let mut out = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
        match body(&mut out).and_then(|()| out.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed.store(true, Ordering::Relaxed);
                // What is left in the buffer has no reader; `into_parts` keeps the drop from trying again.
                let (_, rest) = out.into_parts();
                drop(rest);
                Ok(())
            }
            Err(error) => Err(Failure::io("cannot write to standard output", &error)),
        }
    }

    /// Says something on standard error that helps and may be missed.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet && self.format == Format::Text {
            self.stderr_line(&human::one_line(text));
        }
    }

    /// Says on standard error what to do next.
    pub(crate) fn hint(&self, text: &str) {
        if !self.quiet && self.format == Format::Text {
            let style = self.stderr_style;
            self.stderr_line(&format!("{} {}", style.hint("hint:"), human::one_line(text)));
        }
    }

    /// Warns on standard error, in every format.
    pub(crate) fn warn(&self, text: &str) {
        let style = self.stderr_style;
        self.stderr_line(&format!("{} {}", style.warning("warning:"), human::one_line(text)));
    }

    /// Passes on what a command that was run for the person says, as it comes.
    pub(crate) fn live(&self, text: &str) {
        if !self.quiet && self.format == Format::Text {
            // Nothing can be said about a standard error that cannot be written.
            drop(io::stderr().lock().write_all(text.as_bytes()));
        }
    }

    /// Says on standard error why something failed whose result is written already.
    pub(crate) fn complain(&self, error: &str, hint: Option<&str>) {
        let style = self.stderr_style;
        self.stderr_line(&format!("{} {error}", style.error("error:")));
        if let Some(hint) = hint {
            self.hint(hint);
        }
    }

    /// Reports a failure: for a person on standard error, for a program also on standard output.
    pub(crate) fn failure(&self, failure: &Failure) {
        let style = self.stderr_style;
        for (label, text) in failure.lines() {
            let label = format!("{label}:");
            let label = match label.as_str() {
                "error:" => style.error(self.error_label),
                "hint:" => style.hint(&label),
                _ => style.dim(&label),
            };
            self.stderr_line(&format!("{label} {}", human::one_line(text)));
        }
        if self.format != Format::Text {
            let written = self.write(|out| {
                let mut object = failure.to_json();
                if self.format == Format::Ndjson {
                    object["type"] = json!("error");
                    serde_json::to_writer(&mut *out, &object)?;
                } else {
                    serde_json::to_writer_pretty(&mut *out, &object)?;
                }
                out.write_all(b"\n")
            });
            // The failure itself is on standard error already.
            drop(written);
        }
    }

    #[expect(clippy::unused_self, reason = "standard error is reached through the output only")]
    fn stderr_line(&self, line: &str) {
        // Nothing can be said about a standard error that cannot be written.
        drop(writeln!(io::stderr().lock(), "{line}"));
    }
}
