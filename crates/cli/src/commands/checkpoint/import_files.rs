//! Reading checkpoints of exports and of file-based checkpoint managers, one at a time.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use backstay_api::checkpoint::NewCheckpoint;
use backstay_model::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::import::Told;
use crate::failure::Failure;

/// The longest file or line: the largest state and what is around it.
const MOST_BYTES: u64 = 80 << 20;
/// The name of a step where none is told.
const STEP: &str = "imported";

/// A checkpoint to save.
pub(super) struct Found {
    /// Where it was found.
    pub(super) file: String,
    pub(super) new: NewCheckpoint,
}

/// What is to be imported, read when it is asked for.
pub(super) struct Imports {
    job: Option<String>,
    from: Source,
    /// What is no checkpoint, with the reason.
    pub(super) skipped: Vec<Told>,
    /// What was left out of checkpoints.
    pub(super) left_out: Vec<Told>,
}

enum Source {
    /// Lines of an export.
    Lines { name: String, reader: BufReader<File>, line: u64 },
    /// Files in the order in which their checkpoints were saved, each with the name of its folder.
    Files(VecDeque<(PathBuf, String)>),
}

/// One checkpoint of an export or a folder; what else stands there is passed over.
#[derive(Deserialize)]
struct Stored {
    #[serde(default)]
    checkpoint_id: Option<Value>,
    #[serde(default)]
    job_id: Option<Value>,
    #[serde(default)]
    step_name: Option<Value>,
    #[serde(default, alias = "state")]
    state_snapshot: Option<Box<RawValue>>,
    #[serde(default)]
    metadata: Option<Box<RawValue>>,
    #[serde(default)]
    workflow_name: Option<Value>,
    #[serde(default)]
    workflow_version: Option<Value>,
}

/// What the order of checkpoints follows from.
#[derive(Deserialize)]
struct Place {
    #[serde(default)]
    sequence: Option<Value>,
    #[serde(default, alias = "created_at")]
    timestamp: Option<Value>,
}

impl Imports {
    /// What lies at `path`: an export, the folder of one job, or a folder of such folders.
    pub(super) fn open(path: &Path, job: Option<String>) -> Result<Self, Failure> {
        let mut imports =
            Self { job, from: Source::Files(VecDeque::new()), skipped: Vec::new(), left_out: Vec::new() };
        let failed = |error| Failure::io(format!("cannot read {}", path.display()), &error);
        if !path.is_dir() {
            let reader = BufReader::new(File::open(path).map_err(failed)?);
            imports.from = Source::Lines { name: path.display().to_string(), reader, line: 0 };
            return Ok(imports);
        }
        let mut files = imports.folder(path).map_err(failed)?;
        let mut folders = Vec::new();
        for entry in fs::read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_type().map_err(failed)?.is_dir() {
                folders.push(entry.path());
            }
        }
        folders.sort();
        for folder in folders {
            if imports.job.is_some() {
                imports.skip(
                    &folder.display().to_string(),
                    "it is a folder; without --job each folder is a job",
                );
                continue;
            }
            match imports.folder(&folder) {
                Ok(found) => files.extend(found),
                Err(error) => {
                    imports.skip(&folder.display().to_string(), &format!("it cannot be read: {error}"));
                }
            }
        }
        imports.from = Source::Files(files);
        Ok(imports)
    }

    /// The files of the checkpoints of a folder, in their order.
    fn folder(&mut self, folder: &Path) -> std::io::Result<VecDeque<(PathBuf, String)>> {
        let resolved = folder.canonicalize()?;
        let job = resolved.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let is_json = path.extension().is_some_and(|extension| extension == "json");
            if !is_json || path.is_dir() {
                continue;
            }
            let name = path.display().to_string();
            match read_file(&path).and_then(|text| parse::<Place>(&text)) {
                Ok(place) => found.push((place.key(), path)),
                Err(reason) => self.skip(&name, &reason),
            }
        }
        found.sort();
        Ok(found.into_iter().map(|(_, path)| (path, job.clone())).collect())
    }

    fn skip(&mut self, file: &str, reason: &str) {
        self.skipped.push(Told { file: file.to_owned(), reason: reason.to_owned() });
    }

    /// The next checkpoint. What is none is noted and passed over.
    pub(super) fn next(&mut self) -> Result<Option<Found>, Failure> {
        loop {
            let (file, folder, text) = match &mut self.from {
                Source::Files(files) => {
                    let Some((path, job)) = files.pop_front() else { return Ok(None) };
                    (path.display().to_string(), Some(job), read_file(&path))
                }
                Source::Lines { name, reader, line } => {
                    *line += 1;
                    let file = format!("{name}:{line}");
                    let text = read_line(reader)
                        .map_err(|error| Failure::io(format!("cannot read {name}"), &error))?;
                    let Some(text) = text else { return Ok(None) };
                    if matches!(&text, Ok(text) if text.trim().is_empty()) {
                        continue;
                    }
                    (file, None, text)
                }
            };
            match text.and_then(|text| parse::<Stored>(&text)) {
                Ok(stored) => {
                    if let Some(new) = self.checkpoint(&file, folder, stored) {
                        return Ok(Some(Found { file, new }));
                    }
                }
                Err(reason) => self.skip(&file, &reason),
            }
        }
    }

    fn checkpoint(&mut self, file: &str, folder: Option<String>, stored: Stored) -> Option<NewCheckpoint> {
        let names_itself = stored.step_name.is_some() || stored.checkpoint_id.is_some();
        if stored.state_snapshot.is_none() && !names_itself {
            self.skip(file, "it is no checkpoint: it has neither a state nor the name of a step");
            return None;
        }
        let own = text(stored.job_id).filter(|job| !job.is_empty());
        let Some(job_id) = self.job.clone().or(own).or(folder) else {
            self.skip(file, "it names no job; --job does");
            return None;
        };
        let metadata = stored.metadata.filter(|metadata| {
            let kept = metadata.get().starts_with('{');
            if !kept {
                let reason = "its metadata is no object".to_owned();
                self.left_out.push(Told { file: file.to_owned(), reason });
            }
            kept
        });
        Some(NewCheckpoint {
            job_id,
            step_name: text(stored.step_name)
                .filter(|step| !step.is_empty())
                .unwrap_or_else(|| STEP.to_owned()),
            state: stored.state_snapshot.unwrap_or_else(null),
            metadata,
            workflow_name: text(stored.workflow_name),
            workflow_version: text(stored.workflow_version),
            parent_id: None,
            execution_id: None,
            ttl_s: None,
            pinned: false,
            epoch: None,
        })
    }
}

impl Place {
    /// By sequence, then by time, what has neither last.
    fn key(&self) -> (u64, i64) {
        let sequence = self.sequence.as_ref().and_then(Value::as_u64).unwrap_or(u64::MAX);
        (sequence, self.timestamp.as_ref().and_then(micros).unwrap_or(i64::MAX))
    }
}

/// A time in RFC 3339, in the same without a zone (then it is UTC), or in seconds since the Unix epoch.
fn micros(time: &Value) -> Option<i64> {
    match time {
        Value::String(text) => {
            let parsed = Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}Z")));
            parsed.map(Timestamp::as_micros)
        }
        Value::Number(seconds) => seconds.as_f64().map(|seconds| (seconds * 1e6) as i64),
        _ => None,
    }
}

/// A text, or a number as one.
fn text(value: Option<Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn null() -> Box<RawValue> {
    RawValue::from_string("null".to_owned()).expect("null is JSON")
}

fn parse<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("it is no checkpoint: {error}"))
}

fn read_file(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| format!("it cannot be read: {error}"))?;
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("it cannot be read: {error}"))?;
    as_text(bytes)
}

/// The next line; `None` at the end. One that is too long is passed over, and why is told.
fn read_line(reader: &mut BufReader<File>) -> std::io::Result<Option<Result<String, String>>> {
    let mut bytes = Vec::new();
    if reader.by_ref().take(MOST_BYTES + 1).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.len() as u64 > MOST_BYTES {
        let mut rest = bytes.last() != Some(&b'\n');
        while rest {
            let piece = reader.fill_buf()?;
            let end = piece.iter().position(|byte| *byte == b'\n');
            rest = end.is_none() && !piece.is_empty();
            let count = end.map_or(piece.len(), |end| end + 1);
            reader.consume(count);
        }
    }
    Ok(Some(as_text(bytes)))
}

fn as_text(bytes: Vec<u8>) -> Result<String, String> {
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("it is larger than {MOST_BYTES} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> (u64, i64) {
        parse::<Place>(text).unwrap().key()
    }

    #[test]
    fn sequence_counts_before_time_and_every_form_of_time_is_one() {
        assert!(key(r#"{"sequence":2,"timestamp":"2025-01-01T00:00:00Z"}"#) < key(r#"{"sequence":10}"#));
        let same = [
            r#"{"timestamp":"2025-11-18T10:30:36.5Z"}"#,
            r#"{"timestamp":"2025-11-18T10:30:36.500000"}"#,
            r#"{"created_at":"2025-11-18T11:30:36.5+01:00"}"#,
            r#"{"timestamp":1763461836.5}"#,
        ];
        assert!(
            same.iter().all(|text| key(text) == (u64::MAX, 1_763_461_836_500_000)),
            "{:?}",
            same.map(key)
        );
        assert!(key(same[0]) < key("{}"));
    }
}
