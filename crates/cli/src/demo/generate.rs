//! A workspace that looks like a project: many small texts, some large files, links and an empty directory.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::symlink;
use std::path::Path;

use backstay_model::{Rng, SeededRng};

/// How many files lie in one directory.
const FILES_PER_DIRECTORY: u32 = 40;

const WORDS: [&str; 24] = [
    "anchor", "backstay", "boom", "bow", "capstan", "cleat", "deck", "ensign", "fathom", "galley", "halyard",
    "hull", "jib", "keel", "ledger", "mast", "mooring", "offer", "rigging", "rudder", "sextant", "spar",
    "tiller", "winch",
];

/// How much was generated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Generated {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

/// A small number below `limit`.
pub(super) fn below(rng: &dyn Rng, limit: u32) -> u32 {
    let mut bytes = [0; 4];
    rng.fill(&mut bytes);
    u32::from_le_bytes(bytes) % limit.max(1)
}

/// Fills the existing directory `root` with `files` small files and three large ones.
pub(crate) fn generate(root: &Path, files: u32) -> io::Result<Generated> {
    let rng = SeededRng::new(8470);
    let mut made = Generated::default();
    for number in 0..files {
        let directory = root.join(format!("src/module{:03}", number / FILES_PER_DIRECTORY));
        if number % FILES_PER_DIRECTORY == 0 {
            fs::create_dir_all(&directory)?;
        }
        let text = text(&rng, 20 + below(&rng, 200));
        fs::write(directory.join(format!("{}{number}.txt", WORDS[number as usize % WORDS.len()])), &text)?;
        made.files += 1;
        made.bytes += text.len() as u64;
    }
    let megabytes = files.div_ceil(64).clamp(4, 256);
    fs::create_dir_all(root.join("data"))?;
    for (name, compressible) in [("data/measurements.log", true), ("data/picture.raw", false)] {
        made.bytes += large(&root.join(name), &rng, megabytes, compressible)?;
        made.files += 1;
    }
    sparse(&root.join("data/disk.img"), u64::from(megabytes) << 20)?;
    made.files += 1;
    made.bytes += u64::from(megabytes) << 20;
    fs::create_dir_all(root.join("empty"))?;
    symlink("src/module000", root.join("first-module"))?;
    symlink("nowhere", root.join("dangling"))?;
    fs::hard_link(root.join("data/picture.raw"), root.join("data/picture-again.raw"))?;
    fs::write(root.join("README.md"), "# The demonstration workspace\n")?;
    made.files += 2;
    Ok(made)
}

/// `lines` lines of words.
pub(super) fn text(rng: &dyn Rng, lines: u32) -> String {
    let mut text = String::with_capacity(lines as usize * 50);
    for line in 0..lines {
        // Writing to a string cannot fail.
        let _ = write!(text, "{line:04}");
        for _ in 0..4 + below(rng, 5) {
            text.push(' ');
            text.push_str(WORDS[below(rng, WORDS.len() as u32) as usize]);
        }
        text.push('\n');
    }
    text
}

fn large(path: &Path, rng: &dyn Rng, megabytes: u32, compressible: bool) -> io::Result<u64> {
    let mut out = BufWriter::new(File::create(path)?);
    let (total, mut written) = (u64::from(megabytes) << 20, 0);
    while written < total {
        let block = if compressible {
            text(rng, 1500).into_bytes()
        } else {
            let mut block = vec![0; 64 * 1024];
            rng.fill(&mut block);
            block
        };
        out.write_all(&block)?;
        written += block.len() as u64;
    }
    out.flush()?;
    Ok(written)
}

/// A file of `size` bytes with a little data at its start and its end and a hole between.
fn sparse(path: &Path, size: u64) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    let file = File::create(path)?;
    file.set_len(size)?;
    file.write_all_at(b"boot", 0)?;
    file.write_all_at(b"end", size - 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_workspace_is_generated_twice() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let made = generate(one.path(), 50).unwrap();
        assert_eq!(made, generate(two.path(), 50).unwrap());
        assert_eq!(made.files, 50 + 5);
        let name =
            fs::read_dir(one.path().join("src/module001")).unwrap().next().unwrap().unwrap().file_name();
        let of = |root: &Path| fs::read(root.join("src/module001").join(&name)).unwrap();
        assert_eq!(of(one.path()), of(two.path()));
    }
}
