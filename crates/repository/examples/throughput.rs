//! Measures the engine alone: captures a directory twice, restores it, and prints times, rates and peak memory.
//!
//! ```text
//! cargo run --release -p backstay-repository --example throughput -- DIRECTORY REPOSITORY [RESTORE_TO]
//! ```

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use backstay_model::{Kind, SeededRng, SnapshotId, SourceId, TenantId, Timestamp, Trigger};
use backstay_repository::{
    Cancel, ContentHint, Counts, Credential, Entry, InitOptions, Manifest, NoProgress, Node, Receipt,
    Repository, Settings, WriterOptions,
};
use backstay_store::{LocalStore, Store};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(directory), Some(target)) = (arguments.next(), arguments.next()) else {
        return Err("usage: throughput DIRECTORY REPOSITORY [RESTORE_TO]".into());
    };
    let restore_to = arguments.next();
    let store: Arc<dyn Store> = Arc::new(LocalStore::open(&target)?);
    let options = InitOptions {
        credential: Credential::key_file([1; 32]),
        key_label: "benchmark".to_owned(),
        settings: Settings::default(),
        created_at: Timestamp::EPOCH,
    };
    let seed = u64::from(std::process::id());
    let rng = Arc::new(SeededRng::new(seed));
    let repository = if Repository::exists(&*store)? {
        Repository::open(store, &options.credential, rng)?
    } else {
        Repository::init(store, &options, rng)?
    };
    let mut files = Vec::new();
    list(&directory, &mut files)?;
    files.sort();
    println!("{} files", files.len());
    let first = measured("first capture", || capture(&repository, &files))?;
    println!("  {:?}", first.stats);
    let second = measured("second capture", || capture(&repository, &files))?;
    println!("  {:?}", second.stats);
    if let Some(target) = restore_to {
        measured("restore", || restore(&repository, &first, &target))?;
    }
    Ok(())
}

fn measured<T>(what: &str, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    let start = Instant::now();
    let before = cpu_seconds();
    let result = work()?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    println!(
        "{what}: {:.3} s wall, {:.3} s CPU, {peak}",
        start.elapsed().as_secs_f64(),
        cpu_seconds() - before
    );
    Ok(result)
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    fields.iter().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn list(directory: &Path, files: &mut Vec<PathBuf>) -> Outcome<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            list(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn capture(repository: &Repository, files: &[PathBuf]) -> Outcome<Receipt> {
    let writer = repository.writer(WriterOptions::default())?;
    let next = AtomicUsize::new(0);
    let work = || -> Outcome<Vec<(usize, Entry)>> {
        let mut lane = writer.lane();
        let mut buffer = Vec::new();
        let mut entries = Vec::new();
        loop {
            // Neighbouring files go to one lane, and so into one block.
            let batch = next.fetch_add(16, Ordering::Relaxed);
            for (n, path) in files.iter().enumerate().skip(batch).take(16) {
                let mut file = File::open(path)?;
                let meta = file.metadata()?;
                let content = if meta.len() <= 256 << 10 {
                    buffer.clear();
                    buffer.reserve(meta.len() as usize + 1);
                    file.read_to_end(&mut buffer)?;
                    lane.store_bytes(&buffer, ContentHint::Auto)?
                } else {
                    lane.store_file(&file, meta.len(), ContentHint::Auto)?
                };
                let mut entry = Entry::new(format!("{n:08}"), Node::File { content });
                (entry.inode, entry.mtime_ns) =
                    (meta.ino(), meta.mtime() * 1_000_000_000 + meta.mtime_nsec());
                (entry.ctime_ns, entry.mode) = (entry.mtime_ns + 1_000_000, 0o644);
                entries.push((n, entry));
            }
            if batch >= files.len() {
                return Ok(entries);
            }
        }
    };
    let mut entries = std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let mut entries = work()?;
        entries.extend(other.join().map_err(|_| "a thread panicked")??);
        Outcome::Ok(entries)
    })?;
    entries.sort_by_key(|(n, _)| *n);
    let entries: Vec<Entry> = entries.into_iter().map(|(_, entry)| entry).collect();
    let root = writer.lane().store_directory(&entries)?;
    Ok(writer.finish(Manifest {
        snapshot: SnapshotId::parse("snapshot-benchmark")?,
        source: SourceId::parse("src-benchmark")?,
        source_name: String::new(),
        kind: Kind::Workspace,
        tenant: TenantId::default_tenant(),
        created_at: Timestamp::EPOCH,
        trigger: Trigger::Manual,
        label: None,
        description: None,
        host: String::new(),
        actor: String::new(),
        parent: None,
        root,
        counts: Counts::default(),
        logical_bytes: 0,
        new_bytes: 0,
        stored_bytes: 0,
        partial: false,
        attributes: std::collections::BTreeMap::new(),
        warnings: Vec::new(),
    })?)
}

fn restore(repository: &Repository, receipt: &Receipt, target: &Path) -> Outcome<()> {
    std::fs::create_dir_all(target)?;
    let reader = repository.reader();
    let mut order = Vec::new();
    for entry in reader.entries(&receipt.manifest.root) {
        let entry = entry?;
        let content = entry.content().ok_or("only files were captured")?.clone();
        order.push((reader.first_location(&content)?, entry.name, content));
    }
    order.sort_by_key(|(location, _, _)| *location);
    let next = AtomicUsize::new(0);
    let work = || -> Outcome<()> {
        loop {
            let batch = next.fetch_add(64, Ordering::Relaxed);
            let Some(files) =
                order.get(batch..(batch + 64).min(order.len())).filter(|files| !files.is_empty())
            else {
                return Ok(());
            };
            for (_, name, content) in files {
                let file = File::create(target.join(std::str::from_utf8(name)?))?;
                reader.write_to_file(content, &file, 2, &NoProgress, &Cancel::new())?;
            }
        }
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(work);
        work()?;
        other.join().map_err(|_| "a thread panicked")?
    })
}
