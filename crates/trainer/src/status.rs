//! The state machine of a run.

use serde::{Deserialize, Serialize};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Status {
    /// Not training; its position is kept.
    #[default]
    Stopped,
    /// Training.
    Started,
    /// Training is interrupted and can be resumed.
    Paused,
    /// A limit or the target was reached.
    Completed,
    /// The loss is no number any more.
    Failed,
}

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Nothing was trained yet.
    Idle,
    /// Output weights are trained.
    Output,
    /// A pool of candidates is trained.
    Candidate,
    /// Training is over; the network can be used.
    Inference,
}

/// What is asked of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// Train from where the run stands.
    Start,
    /// Interrupt training at the next epoch.
    Pause,
    /// Go on after a pause.
    Resume,
    /// End training at the next epoch and keep the position.
    Stop,
    /// Go back to epoch 0.
    Reset,
}

/// A command that is impossible now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It trains already.
    #[error("training is already running")]
    AlreadyStarted,
    /// There is nothing to interrupt.
    #[error("training is not running")]
    NotStarted,
    /// There is nothing to go on with.
    #[error("training is not paused; start it instead")]
    NotPaused,
    /// There is nothing to stop.
    #[error("training is neither running nor paused")]
    NothingToStop,
    /// It would end at once.
    #[error("training is complete: {0}; raise that limit, or reset")]
    Complete(crate::Completion),
    /// It cannot go on.
    #[error("training has failed because its loss is no number; reset it, or restore a snapshot")]
    Failed,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Stopped, Self::Started, Self::Paused, Self::Completed, Self::Failed];

    /// Its name, for example `Stopped`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stopped => "Stopped",
            Self::Started => "Started",
            Self::Paused => "Paused",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
        }
    }

    /// The status of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Where `command` leads. `complete` tells what training would complete by at once, when it would.
    ///
    /// # Errors
    /// The reason for which the command is impossible now.
    pub fn after(self, command: Command, complete: Option<crate::Completion>) -> Result<Self, Refusal> {
        match (self, command) {
            (_, Command::Reset) | (Self::Started | Self::Paused, Command::Stop) => Ok(Self::Stopped),
            (Self::Started, Command::Start | Command::Resume) => Err(Refusal::AlreadyStarted),
            (Self::Failed, Command::Start) => Err(Refusal::Failed),
            (Self::Completed, Command::Start) => match complete {
                Some(completion) => Err(Refusal::Complete(completion)),
                None => Ok(Self::Started),
            },
            (Self::Stopped | Self::Paused, Command::Start) | (Self::Paused, Command::Resume) => {
                Ok(Self::Started)
            }
            (_, Command::Resume) => Err(Refusal::NotPaused),
            (Self::Started, Command::Pause) => Ok(Self::Paused),
            (_, Command::Pause) => Err(Refusal::NotStarted),
            (_, Command::Stop) => Err(Refusal::NothingToStop),
        }
    }
}

impl Phase {
    /// Its name, for example `Output`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::Output => "Output",
            Self::Candidate => "Candidate",
            Self::Inference => "Inference",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Completion;

    const COMMANDS: [Command; 5] =
        [Command::Start, Command::Pause, Command::Resume, Command::Stop, Command::Reset];

    /// The whole table: a row per status, a column per command; `None` is a refusal.
    #[test]
    fn every_command_leads_where_the_table_says() {
        use Status::{Completed, Failed, Paused, Started, Stopped};
        let table = [
            (Stopped, [Some(Started), None, None, None, Some(Stopped)]),
            (Started, [None, Some(Paused), None, Some(Stopped), Some(Stopped)]),
            (Paused, [Some(Started), None, Some(Started), Some(Stopped), Some(Stopped)]),
            (Completed, [Some(Started), None, None, None, Some(Stopped)]),
            (Failed, [None, None, None, None, Some(Stopped)]),
        ];
        for (from, row) in table {
            for (command, wanted) in COMMANDS.into_iter().zip(row) {
                assert_eq!(from.after(command, None).ok(), wanted, "{from:?} {command:?}");
            }
        }
    }

    #[test]
    fn a_completed_run_starts_only_when_its_limit_was_raised() {
        let refused = Status::Completed.after(Command::Start, Some(Completion::MaxEpochs));
        assert_eq!(refused, Err(Refusal::Complete(Completion::MaxEpochs)));
    }

    #[test]
    fn names_are_read_back() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.name()), Some(status));
        }
    }
}
