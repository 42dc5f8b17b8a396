//! Reads `graft.lock` of every version.

use backstay_model::Timestamp;

use super::{FILE_NAME, Lock, LockEntry, LockReading};
use crate::commit_id::CommitId;
use crate::error::{DependencyError, Result};
use crate::name::DependencyName;
use crate::reference::Reference;
use crate::url::SourceUrl;
use crate::yaml::{self, Node};

impl Lock {
    /// Parses a lock of version 1 (`version: 1`), 2 (`direct`, `requires`, `required_by`) or 3.
    ///
    /// Errors: [`DependencyError::LockVersion`] for a version that came later; [`DependencyError::Malformed`] with the line.
    pub fn parse(text: &str) -> Result<LockReading> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let root = yaml::parse(text).map_err(|error| malformed(error.line, error.problem))?;
        let root = root.ok_or_else(|| malformed(1, "the file is empty"))?;
        if root.entries().is_none() {
            return Err(malformed(root.line, format!("the file is {}, it must be a mapping", root.what())));
        }
        let declared = version(&root)?;
        let mut reading =
            LockReading { lock: Lock::default(), version: declared.unwrap_or(3), dropped: Vec::new() };
        let Some(section) = root.get("dependencies").filter(|node| !node.is_null()) else {
            return Ok(reading);
        };
        let entries = section
            .entries()
            .ok_or_else(|| malformed(section.line, format!("`dependencies` is {}", section.what())))?;
        let mut folded = std::collections::HashSet::new();
        for entry in entries {
            let line = entry.key.line;
            let graph =
                ["direct", "requires", "required_by"].iter().any(|key| entry.value.get(key).is_some());
            if graph && declared.is_none() {
                reading.version = 2;
            }
            if entry.value.get("direct").and_then(Node::truth) == Some(false) {
                reading.dropped.push(crate::name::shown(entry.key.text().unwrap_or_default()));
                continue;
            }
            let name = DependencyName::parse(entry.key.text().unwrap_or_default())
                .map_err(|error| malformed(line, error.to_string()))?;
            if !folded.insert(name.folded()) {
                return Err(malformed(line, format!("`{name}` is there already")));
            }
            let locked = locked(&entry.value)
                .map_err(|(line, problem)| malformed(line, format!("`{name}`: {problem}")))?;
            reading.lock.entries.insert(name, locked);
        }
        reading.dropped.sort();
        Ok(reading)
    }
}

/// The version that the file says it has: `None` is the shape of 2 or 3.
fn version(root: &Node) -> Result<Option<u32>> {
    let text = |key: &str| root.get(key).and_then(Node::text);
    match (text("apiVersion"), text("version")) {
        (Some("graft/v0"), None) | (None | Some("graft/v0"), Some("3")) => Ok(None),
        (None | Some("graft/v0"), Some("1")) => Ok(Some(1)),
        (None | Some("graft/v0"), Some("2")) => Ok(Some(2)),
        (None, None) => Err(malformed(root.line, "it has neither `apiVersion` nor `version`")),
        (api, number) => Err(DependencyError::LockVersion {
            version: crate::name::shown(number.or(api).unwrap_or_default()),
        }),
    }
}

fn locked(node: &Node) -> Result<LockEntry, (usize, String)> {
    if node.entries().is_none() {
        return Err((node.line, format!("it is {}, it must be a mapping", node.what())));
    }
    let text = |key: &'static str| {
        let value = node.get(key).ok_or((node.line, format!("it has no `{key}`")))?;
        Ok((value.line, value.text().ok_or((value.line, format!("`{key}` is {}", value.what())))?))
    };
    let (line, source) = text("source")?;
    let source = SourceUrl::parse(source).map_err(|error| (line, error.to_string()))?;
    let (line, reference) = text("ref")?;
    let reference = Reference::parse(reference).map_err(|error| (line, error.to_string()))?;
    let (line, commit) = text("commit")?;
    let commit =
        CommitId::parse(commit).ok_or((line, "`commit` is not an id of 40 or 64 digits".to_owned()))?;
    let (line, consumed_at) = text("consumed_at")?;
    let consumed_at =
        instant(consumed_at).ok_or((line, "`consumed_at` is not a time in RFC 3339".to_owned()))?;
    Ok(LockEntry { source, reference, commit, consumed_at })
}

/// RFC 3339. Older clients wrote times without an offset; they meant UTC.
fn instant(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}Z")))
}

fn malformed(line: usize, problem: impl Into<String>) -> DependencyError {
    DependencyError::Malformed { file: FILE_NAME.to_owned(), line, problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn entry(name: &str, more: &str) -> String {
        format!(
            "  {name}:\n    source: a\n    ref: v1\n    commit: {COMMIT}\n    consumed_at: 2026-01-02T03:04:05Z\n{more}"
        )
    }

    #[test]
    fn every_version_is_known_by_its_shape() {
        let first = Lock::parse(&format!("version: 1\ndependencies:\n{}", entry("kb", ""))).unwrap();
        assert_eq!((first.version, first.lock.entries.len()), (1, 1));
        let text = format!(
            "apiVersion: graft/v0\ndependencies:\n{}{}",
            entry("kb", "    direct: true\n    requires: [sub]\n    required_by: []\n"),
            entry("sub", "    direct: false\n    requires: []\n    required_by: [kb]\n"),
        );
        let second = Lock::parse(&text).unwrap();
        assert_eq!((second.version, second.dropped), (2, vec!["sub".to_owned()]));
        let third =
            Lock::parse(&format!("apiVersion: graft/v0\ndependencies:\n{}", entry("kb", ""))).unwrap();
        assert_eq!((third.version, &third.lock), (3, &first.lock));
        let written = third.lock.to_text();
        assert_eq!(Lock::parse(&written).unwrap().lock, third.lock);
    }

    #[test]
    fn a_later_version_is_refused_and_named() {
        for text in ["version: 4\n", "apiVersion: graft/v1\n", "apiVersion: graft/v0\nversion: 7\n"] {
            assert!(matches!(Lock::parse(text), Err(DependencyError::LockVersion { .. })), "{text}");
        }
    }

    #[test]
    fn mistakes_name_their_line() {
        let text = format!("version: 1\ndependencies:\n{}", entry("kb", "")).replace(COMMIT, "abc");
        assert!(Lock::parse(&text).unwrap_err().to_string().starts_with("graft.lock:6: "));
        let text = format!("version: 1\ndependencies:\n{}", entry("'../x'", ""));
        assert!(Lock::parse(&text).unwrap_err().to_string().starts_with("graft.lock:3: "));
        assert!(Lock::parse("").is_err());
    }

    #[test]
    fn a_long_id_and_a_time_with_an_offset_are_read() {
        let long = "ab".repeat(32);
        let text = format!("version: 1\ndependencies:\n{}", entry("kb", ""))
            .replace(COMMIT, &long)
            .replace("2026-01-02T03:04:05Z", "\"2026-01-02T04:04:05+01:00\"");
        let reading = Lock::parse(&text).unwrap();
        let entry = reading.lock.entries.values().next().unwrap();
        assert_eq!(
            (entry.commit.as_str(), entry.consumed_at.to_string().as_str()),
            (long.as_str(), "2026-01-02T03:04:05Z")
        );
    }
}
