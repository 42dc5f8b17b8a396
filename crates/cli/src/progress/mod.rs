//! Progress of a long operation: a bar on a terminal, events on ndjson, nothing in a pipe.

mod bar;
mod events;

use std::io::IsTerminal;
use std::sync::Arc;

use backstay_repository::{NoProgress, Progress};

use crate::args::Globals;
use crate::output::{Format, Output};

/// The progress of one operation; whatever is on the screen goes away when it is dropped.
#[derive(Debug)]
pub(crate) struct Shown {
    receiver: Arc<dyn Progress>,
    bar: Option<Arc<bar::Bar>>,
}

impl Shown {
    /// Begins to show an operation, for example `Saving`.
    pub(crate) fn begin(globals: &Globals, output: &Output, verb: &'static str) -> Self {
        match output.format() {
            Format::Ndjson => {
                Self { receiver: Arc::new(events::Events::new(output.clone(), verb)), bar: None }
            }
            Format::Text if !globals.no_progress && !output.is_quiet() && std::io::stderr().is_terminal() => {
                let bar = Arc::new(bar::Bar::new(verb));
                Self { receiver: bar.clone(), bar: Some(bar) }
            }
            _ => Self { receiver: Arc::new(NoProgress), bar: None },
        }
    }

    /// What the operation reports to.
    pub(crate) fn receiver(&self) -> Arc<dyn Progress> {
        self.receiver.clone()
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.clear();
        }
    }
}
