//! The work that is left, shared by the threads of a capture.

use parking_lot::{Condvar, Mutex};

use crate::error::WorkspaceError;

/// A stack of tasks: the newest first, so that a tree is walked in depth and little of it is open at a time.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    tasks: Vec<T>,
    done: bool,
    failure: Option<WorkspaceError>,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State { tasks: Vec::new(), done: false, failure: None }),
            changed: Condvar::new(),
        }
    }

    /// Adds tasks; the first of them will be taken first.
    pub(crate) fn push_all(&self, tasks: impl DoubleEndedIterator<Item = T>) {
        self.state.lock().tasks.extend(tasks.rev());
        self.changed.notify_all();
    }

    /// The next task; waits for one. `None` when the work is done or has failed.
    pub(crate) fn pop(&self) -> Option<T> {
        let mut state = self.state.lock();
        loop {
            if state.done {
                return None;
            }
            if let Some(task) = state.tasks.pop() {
                return Some(task);
            }
            self.changed.wait(&mut state);
        }
    }

    /// Ends the work.
    pub(crate) fn finish(&self) {
        self.state.lock().done = true;
        self.changed.notify_all();
    }

    /// Ends the work with an error; the first one counts.
    pub(crate) fn fail(&self, error: WorkspaceError) {
        let mut state = self.state.lock();
        state.done = true;
        state.failure.get_or_insert(error);
        drop(state);
        self.changed.notify_all();
    }

    /// The error that ended the work.
    pub(crate) fn into_failure(self) -> Option<WorkspaceError> {
        self.state.into_inner().failure
    }
}
