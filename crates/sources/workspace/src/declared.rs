//! `backstay.yaml`: what a workspace declares. Its commands are run by whoever trusts them, never from here.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The file at the root of a workspace.
pub const FILE: &str = "backstay.yaml";
/// How long it may be.
const MOST_BYTES: u64 = 64 << 10;

/// When a command is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// Under the lock, before the workspace is read.
    BeforeSave,
    /// When the snapshot is ready.
    AfterSave,
    /// Under the lock, before anything is planned; also before an undo.
    BeforeRestore,
    /// When the workspace is changed; also after an undo.
    AfterRestore,
    /// Under the lock, before the snapshot that an upgrade takes.
    BeforeUpgrade,
    /// When an upgrade has succeeded.
    AfterUpgrade,
    /// When a restore, an undo or an upgrade has failed and everything is as it was.
    AfterRollback,
}

impl Hook {
    /// Its word in the file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::BeforeSave => "before_save",
            Self::AfterSave => "after_save",
            Self::BeforeRestore => "before_restore",
            Self::AfterRestore => "after_restore",
            Self::BeforeUpgrade => "before_upgrade",
            Self::AfterUpgrade => "after_upgrade",
            Self::AfterRollback => "after_rollback",
        }
    }
}

/// What the file says. A key that is not known is an error: a misspelt hook would never be missed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// The shell text of each hook.
    #[serde(default)]
    pub hooks: BTreeMap<Hook, String>,
}

impl Declared {
    /// Reads the text of a file.
    ///
    /// Errors: a sentence that names the place. Aliases that multiply and deep nesting are refused.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let declared: Self = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        match declared.hooks.iter().find(|(_, text)| text.trim().is_empty() || text.contains('\0')) {
            Some((hook, _)) => Err(format!("{} has no command", hook.word())),
            None => Ok(declared),
        }
    }
}

/// The text of a workspace's file; `None` when it has none.
///
/// A link is not followed and no more than 64 KiB are read, whatever is there.
pub fn read_file(root: &Path) -> io::Result<Option<String>> {
    // O_NOFOLLOW | O_NONBLOCK, so that neither a link nor a FIFO leads or holds anyone anywhere.
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits();
    let opened = File::options().read(true).custom_flags(flags as i32).open(root.join(FILE));
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    if !file.metadata()?.is_file() {
        return Err(invalid("it is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(invalid("it is longer than 64 KiB"));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| invalid("it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hook_has_its_word() {
        let text = "hooks:\n  before_save: one\n  after_save: 'two'\n  before_restore: |\n    three\n    four\n  \
                    after_restore: a\n  before_upgrade: b\n  after_upgrade: c\n  after_rollback: d\n";
        let declared = Declared::parse(text).unwrap();
        assert_eq!(declared.hooks.len(), 7);
        assert_eq!(declared.hooks[&Hook::BeforeRestore], "three\nfour\n");
        for hook in declared.hooks.keys() {
            assert!(text.contains(hook.word()));
        }
    }

    #[test]
    fn what_is_not_known_or_empty_is_an_error() {
        for text in [
            "hooks:\n  befor_save: x\n",
            "hook:\n  before_save: x\n",
            "hooks:\n  after_save: ' '\n",
            "- a\n",
            ": :\n\t",
        ] {
            assert!(Declared::parse(text).is_err(), "{text}");
        }
        assert_eq!(Declared::parse(" \n").unwrap(), Declared::default());
        assert_eq!(Declared::parse("hooks: {}\n").unwrap(), Declared::default());
    }

    #[test]
    fn references_that_multiply_are_refused() {
        let mut text = String::from("a: &a [x, x, x, x, x, x, x, x, x, x]\n");
        for (name, last) in
            [('b', 'a'), ('c', 'b'), ('d', 'c'), ('e', 'd'), ('f', 'e'), ('g', 'f'), ('h', 'g')]
        {
            text.extend([format!("{name}: &{name} [{}]\n", vec![format!("*{last}"); 10].join(", "))]);
        }
        assert!(Declared::parse(&text).is_err());
    }

    #[test]
    fn only_a_regular_file_is_read() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(read_file(place.path()).unwrap(), None);
        let path = place.path().join(FILE);
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        assert!(read_file(place.path()).is_err());
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(read_file(place.path()).is_err());
        std::fs::remove_dir(&path).unwrap();
        std::fs::write(&path, vec![b'#'; (64 << 10) + 1]).unwrap();
        assert!(read_file(place.path()).is_err());
        std::fs::write(&path, "hooks: {}\n").unwrap();
        assert_eq!(read_file(place.path()).unwrap().as_deref(), Some("hooks: {}\n"));
    }
}
