//! The processes below this one, as `/proc` shows them.

use std::collections::BTreeMap;
use std::fs;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// A process below this one that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relative {
    pub(super) pid: u32,
    pub(super) name: String,
    /// In clock ticks since the machine was started: with the id, it is one process for ever.
    started: u64,
}

impl Relative {
    /// Sends a signal to this very process, if it is still there.
    pub(super) fn signal(&self, signal: Signal) {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else { return };
        // The descriptor is that of whoever has the id now; the time of its start tells whether that is this process.
        let Ok(fd) = pidfd_open(pid, PidfdFlags::empty()) else { return };
        if Line::read(self.pid).is_some_and(|line| line.started == self.started) {
            let _ = pidfd_send_signal(fd, signal);
        }
    }
}

/// All of them, without those that have ended and only wait to be asked how. Empty where there is no `/proc`.
pub(super) fn relatives() -> Vec<Relative> {
    let Ok(own) = fs::read_link("/proc/self") else { return Vec::new() };
    let Some(own) = own.to_str().and_then(|own| own.parse().ok()) else { return Vec::new() };
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    below(own, pids.filter_map(Line::read).collect())
}

fn below(own: u32, lines: Vec<Line>) -> Vec<Relative> {
    let mut children: BTreeMap<u32, Vec<Line>> = BTreeMap::new();
    for line in lines {
        children.entry(line.parent).or_default().push(line);
    }
    let mut found = Vec::new();
    let mut parents = vec![own];
    while let Some(parent) = parents.pop() {
        // Taken out, so that a list which changed while it was read cannot lead in a circle.
        for line in children.remove(&parent).unwrap_or_default() {
            parents.push(line.pid);
            if !matches!(line.state, 'Z' | 'X') {
                found.push(Relative { pid: line.pid, name: line.name, started: line.started });
            }
        }
    }
    found.sort_by_key(|relative| relative.pid);
    found
}

/// What `/proc/PID/stat` tells (proc_pid_stat(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    pid: u32,
    name: String,
    state: char,
    parent: u32,
    started: u64,
}

impl Line {
    fn read(pid: u32) -> Option<Self> {
        let bytes = fs::read(format!("/proc/{pid}/stat")).ok()?;
        Self::parse(pid, &String::from_utf8_lossy(&bytes))
    }

    fn parse(pid: u32, text: &str) -> Option<Self> {
        // The name may hold anything, also parentheses and spaces.
        let (start, end) = (text.find('(')?, text.rfind(')')?);
        let mut fields = text.get(end + 1..)?.split_ascii_whitespace();
        Some(Self {
            pid,
            name: text.get(start + 1..end)?.to_owned(),
            state: fields.next()?.chars().next()?,
            parent: fields.next()?.parse().ok()?,
            started: fields.nth(17)?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(pid: u32, parent: u32, state: char) -> Line {
        Line { pid, name: format!("p{pid}"), state, parent, started: 0 }
    }

    #[test]
    fn a_name_can_look_like_the_rest_of_the_line() {
        let text = "7 (a) R 1 (x) S 3 7 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 12345 99 88\n";
        let expected = Line { pid: 7, name: "a) R 1 (x".into(), state: 'S', parent: 3, started: 12345 };
        assert_eq!(Line::parse(7, text), Some(expected));
        assert_eq!(Line::parse(7, "7 (a"), None);
        assert_eq!(Line::parse(7, "7 )a( R"), None);
        assert_eq!(Line::parse(7, ""), None);
    }

    #[test]
    fn children_of_children_are_relatives_and_the_dead_are_not() {
        let lines = vec![
            line(2, 1, 'S'),
            line(3, 2, 'R'),
            line(4, 3, 'Z'),
            line(5, 4, 'S'),
            line(9, 8, 'S'),
            line(1, 0, 'S'),
        ];
        let pids: Vec<u32> = below(1, lines).iter().map(|relative| relative.pid).collect();
        assert_eq!(pids, [2, 3, 5]);
    }

    #[test]
    fn our_own_line_can_be_read() {
        let own = Line::read(std::process::id()).unwrap();
        assert_eq!(own.parent, std::os::unix::process::parent_id());
    }
}
