//! Snapshot files: reading them, and writing them whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use backstay_model::ErrorKind;
use backstay_source_training::{Content, FormatName, Snapshot};
use serde::Serialize;

use crate::failure::Failure;

/// Reads a file, with every checksum checked.
pub(super) fn read(path: &Path) -> Result<Snapshot, Failure> {
    let file =
        File::open(path).map_err(|error| Failure::io(format!("cannot read {}", path.display()), &error))?;
    Snapshot::read(file).map_err(|error| {
        Failure::new(ErrorKind::Invalid, format!("Invalid snapshot file: {error}"))
            .detail("file", path.display().to_string())
            .exits(1)
    })
}

/// What a snapshot tells of itself.
#[derive(Debug, Serialize)]
pub(super) struct Facts {
    pub(super) uuid: String,
    pub(super) architecture: [u64; 3],
    pub(super) hidden_units: u64,
    pub(super) created: Option<String>,
    pub(super) format: String,
    pub(super) epoch: u64,
    pub(super) has_history: bool,
    pub(super) exact: bool,
    pub(super) missing: Vec<String>,
}

impl Facts {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let network = snapshot.network();
        let (format, epoch, has_history) = match &snapshot.content {
            Content::Exact { state, .. } => ("juniper.cascor 2".to_owned(), state.epoch, true),
            Content::Partial(partial) => {
                let name = match partial.format {
                    FormatName::Current => "juniper.cascor",
                    FormatName::Legacy => "cascor_hdf5_v1",
                };
                let history = !partial.missing.iter().any(|missing| missing == "history");
                (format!("{name} {}", partial.format_version), partial.epoch, history)
            }
        };
        let hidden = network.units.len() as u64;
        Self {
            uuid: snapshot.header.uuid.clone(),
            architecture: [network.input_size as u64, hidden, network.output_size as u64],
            hidden_units: hidden,
            created: snapshot.header.created.map(|created| created.to_string()),
            format,
            epoch,
            has_history,
            exact: snapshot.missing().is_empty(),
            missing: snapshot.missing().to_vec(),
        }
    }

    /// `2 → 3 → 2`
    pub(super) fn architecture(&self) -> String {
        self.architecture.map(|count| count.to_string()).join(" → ")
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "Network UUID: {}", crate::human::one_line(&self.uuid))?;
        writeln!(out, "Architecture: {}", self.architecture())?;
        writeln!(out, "Created: {}", self.created.as_deref().unwrap_or("unknown"))?;
        writeln!(out, "Format: {}", crate::human::one_line(&self.format))?;
        if !self.missing.is_empty() {
            writeln!(
                out,
                "Missing for going on exactly: {}",
                crate::human::one_line(&self.missing.join(", "))
            )?;
        }
        Ok(())
    }
}

/// A file that comes to be when all of it is written.
pub(super) struct NewFile {
    path: PathBuf,
    temporary: temporary::Temporary,
}

impl NewFile {
    /// Begins a file at `path`, where there must be none unless `force`.
    pub(super) fn begin(
        path: PathBuf,
        force: bool,
        suffix: &str,
    ) -> Result<(Self, BufWriter<File>), Failure> {
        if !force && path.symlink_metadata().is_ok() {
            return Err(Failure::new(ErrorKind::Conflict, format!("{} exists already", path.display()))
                .hint("--force replaces it"));
        }
        let (temporary, file) = temporary::Temporary::beside(&path, suffix)
            .map_err(|error| Failure::io(format!("cannot write {}", path.display()), &error))?;
        Ok((Self { path, temporary }, BufWriter::with_capacity(1 << 20, file)))
    }

    /// Makes what was written durable and gives it its name.
    pub(super) fn finish(self) -> Result<u64, Failure> {
        let Self { path, temporary } = self;
        temporary
            .become_file(&path)
            .map_err(|error| Failure::io(format!("cannot write {}", path.display()), &error))
    }
}

mod temporary {
    //! A file under another name that goes away unless it is finished.

    use std::fs::{self, File, OpenOptions};
    use std::io;
    use std::path::{Path, PathBuf};

    pub(super) struct Temporary(PathBuf);

    impl Temporary {
        pub(super) fn beside(path: &Path, suffix: &str) -> io::Result<(Self, File)> {
            let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
            let mut hidden = std::ffi::OsString::from(".");
            hidden.push(name);
            hidden.push(format!(".{suffix}.part"));
            let place = path.with_file_name(hidden);
            let file = OpenOptions::new().write(true).create_new(true).open(&place)?;
            Ok((Self(place), file))
        }

        /// The length of the file that it became.
        pub(super) fn become_file(self, path: &Path) -> io::Result<u64> {
            let file = File::open(&self.0)?;
            file.sync_all()?;
            let bytes = file.metadata()?.len();
            fs::rename(&self.0, path)?;
            if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
                File::open(directory)?.sync_all()?;
            }
            Ok(bytes)
        }
    }

    impl Drop for Temporary {
        fn drop(&mut self) {
            // Gone already when it got its name.
            drop(fs::remove_file(&self.0));
        }
    }
}
