//! What control sockets are told.

use backstay_api::telemetry::RunNumbers;
use backstay_model::{Caller, ErrorKind};
use backstay_service::view::TrainingCommand;
use backstay_service::{CommandChannel, ServiceError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::state::AppState;

/// The longest command.
const MOST_COMMAND: usize = 64 << 10;

#[derive(Deserialize)]
struct Message {
    command: Value,
    #[serde(default)]
    reset: Option<bool>,
    #[serde(default)]
    params: Option<Map<String, Value>>,
}

/// The answer to a command.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    ok: bool,
    command: Option<String>,
    changed: bool,
    state: Option<RunNumbers>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Carries out what `text` says.
pub(super) async fn obey(state: &AppState, caller: &Caller, run: Option<&str>, text: &str) -> Answer {
    let message = match read(text) {
        Ok(message) => message,
        Err((command, error)) => return refused(state, caller, run, false, command, error).await,
    };
    let name = message.command.as_str().unwrap_or_default().to_owned();
    let command = match name.as_str() {
        "start" => TrainingCommand::Start { reset: message.reset.unwrap_or(true) },
        "stop" => TrainingCommand::Stop,
        "pause" => TrainingCommand::Pause,
        "resume" => TrainingCommand::Resume,
        "reset" => TrainingCommand::Reset,
        // `read` knows no other.
        _ => return set_parameters(state, caller, run, name, message.params.unwrap_or_default()).await,
    };
    match state.service().control_training(caller, run, command, CommandChannel::Socket).await {
        Ok(outcome) => Answer {
            ok: true,
            command: Some(name),
            changed: outcome.changed,
            state: Some(outcome.numbers),
            error: (!outcome.changed).then_some(outcome.message),
        },
        Err(error) => refused(state, caller, run, is_state(&error), Some(name), told(error)).await,
    }
}

async fn set_parameters(
    state: &AppState,
    caller: &Caller,
    run: Option<&str>,
    name: String,
    params: Map<String, Value>,
) -> Answer {
    if params.is_empty() {
        let error = "No parameters are given".to_owned();
        return refused(state, caller, run, false, Some(name), error).await;
    }
    match state.service().set_training_parameters(caller, run, params).await {
        Ok(_) => {
            let numbers = state.service().training_metrics(caller, run).await.ok();
            Answer { ok: true, command: Some(name), changed: true, state: numbers, error: None }
        }
        Err(error) => refused(state, caller, run, is_state(&error), Some(name), told(error)).await,
    }
}

/// Reads a command; else its name, where there is one, and what is wrong.
fn read(text: &str) -> Result<Message, (Option<String>, String)> {
    if text.len() > MOST_COMMAND {
        return Err((None, "Message too large".to_owned()));
    }
    let message: Message = serde_json::from_str(text).map_err(|_| (None, "Invalid JSON".to_owned()))?;
    match message.command.as_str() {
        Some("start" | "stop" | "pause" | "resume" | "reset" | "set_params") => Ok(message),
        known => {
            let name = known.map_or_else(|| message.command.to_string(), str::to_owned);
            let name: String = name.chars().take(100).collect();
            Err((Some(name.clone()), format!("Unknown command: {name}")))
        }
    }
}

/// Whether the state of the run is the reason: the command was understood then.
fn is_state(error: &ServiceError) -> bool {
    matches!(error.kind, ErrorKind::Conflict | ErrorKind::Busy)
}

/// What of a failure is for the client; the rest goes to the log.
fn told(error: ServiceError) -> String {
    if error.kind == ErrorKind::Internal {
        tracing::error!(%error, "a command could not be carried out");
        return "The server failed to carry it out".to_owned();
    }
    error.message
}

async fn refused(
    state: &AppState,
    caller: &Caller,
    run: Option<&str>,
    ok: bool,
    command: Option<String>,
    error: String,
) -> Answer {
    let numbers = state.service().training_metrics(caller, run).await.ok();
    Answer { ok, command, changed: false, state: numbers, error: Some(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_command_is_told() {
        let wrong = |text: &str| read(text).map(drop).unwrap_err();
        assert_eq!(wrong("{"), (None, "Invalid JSON".to_owned()));
        assert_eq!(wrong("[]"), (None, "Invalid JSON".to_owned()));
        assert_eq!(wrong(r#"{"reset": true}"#), (None, "Invalid JSON".to_owned()));
        assert_eq!(
            wrong(r#"{"command": "fly"}"#),
            (Some("fly".to_owned()), "Unknown command: fly".to_owned())
        );
        assert_eq!(wrong(r#"{"command": 7}"#), (Some("7".to_owned()), "Unknown command: 7".to_owned()));
        let long = format!(r#"{{"command": "start", "x": "{}"}}"#, "x".repeat(MOST_COMMAND));
        assert_eq!(wrong(&long), (None, "Message too large".to_owned()));
        assert!(read(r#"{"command": "start", "reset": false, "other": 1}"#).is_ok());
    }
}
