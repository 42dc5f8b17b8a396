//! The log: on standard error, off unless asked for.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::failure::Failure;
use crate::settings::LogFormat;

/// Starts the log of a server.
pub(crate) fn start(filter: &str, format: LogFormat) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Failure::usage(format!("`{filter}` is not a log filter")).because(error.to_string())
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    // A second start, as of a server inside the demonstration, keeps the first log.
    drop(started);
    Ok(())
}

/// Starts the log of a command when `-vv` asks for it.
pub(crate) fn start_verbose(verbose: u8) -> Result<(), Failure> {
    match verbose {
        0 | 1 => Ok(()),
        2 => start("backstay=debug,info", LogFormat::Text),
        _ => start("trace", LogFormat::Text),
    }
}
