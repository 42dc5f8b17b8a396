//! Damage is found, named, and contained.

use std::fs;
use std::path::{Path, PathBuf};

use crate::sandbox::Sandbox;

fn packs(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root.join(".backstay/repository/packs")];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// Flips a byte in the middle of the largest of `files`.
fn flip(files: &[PathBuf]) {
    use std::os::unix::fs::PermissionsExt;
    let largest = files.iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    fs::set_permissions(largest, fs::Permissions::from_mode(0o600)).unwrap();
    let mut bytes = fs::read(largest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(largest, bytes).unwrap();
}

/// Bytes that do not compress, so that they make a pack of their own size.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    use backstay_model::{Rng, SeededRng};
    let mut bytes = vec![0; length];
    SeededRng::new(seed).fill(&mut bytes);
    bytes
}

#[test]
fn a_damaged_chunk_is_found_with_its_paths_and_a_restore_refuses_before_it_writes() {
    let sandbox = Sandbox::new();
    sandbox.write("big/noise", noise(1, 3 << 20));
    sandbox.write("small", "x");
    sandbox.save();
    let before = packs(&sandbox.root());
    sandbox.ok(&["verify", "--all", "--data", "full"]);
    flip(&before);

    let ran = sandbox.run(&["verify", "--all", "--data", "full"]).expect(1);
    assert!(ran.stdout.contains("lost: big/noise"), "{}{}", ran.stdout, ran.stderr);
    let report = sandbox.run(&["verify", "--all", "--data", "full", "--json"]).expect(1).json();
    assert_eq!(report["healthy"], false);
    let mut damage = report["damage"].as_array().unwrap().iter();
    assert!(
        damage.any(|one| one["lost_paths"].as_array().unwrap().contains(&"big/noise".into())),
        "{report}"
    );

    sandbox.write("small", "edited");
    fs::remove_file(sandbox.root().join("big/noise")).unwrap();
    let ran = sandbox.run(&["restore", "latest"]).expect(1);
    assert!(ran.stderr.contains("damaged"), "{}", ran.stderr);
    assert_eq!(sandbox.read("small"), "edited", "nothing was written");
    assert!(!sandbox.root().join("big/noise").exists());

    sandbox.ok(&["restore", "latest", "small"]);
    assert_eq!(sandbox.read("small"), "x", "what is not damaged restores");
}

#[test]
fn damage_of_one_snapshot_leaves_the_others_alone() {
    let sandbox = Sandbox::new();
    sandbox.write("a", noise(1, 2 << 20));
    let first = sandbox.save();
    let first_packs = packs(&sandbox.root());
    fs::remove_file(sandbox.root().join("a")).unwrap();
    sandbox.write("b", noise(2, 3 << 20));
    let second = sandbox.save();
    let second_packs: Vec<_> =
        packs(&sandbox.root()).into_iter().filter(|path| !first_packs.contains(path)).collect();
    flip(&second_packs);
    sandbox.run(&["verify", &first, "--data", "full"]).expect(0);
    sandbox.run(&["verify", &second, "--data", "full"]).expect(1);
    sandbox.ok(&["restore", &first, "--to", sandbox.beside("first").to_str().unwrap()]);
}

#[test]
fn a_lost_index_is_rebuilt() {
    let sandbox = Sandbox::new();
    sandbox.write("a", noise(1, 1 << 20));
    sandbox.save();
    fs::remove_dir_all(sandbox.root().join(".backstay/repository/index")).unwrap();
    sandbox.ok(&["repository", "repair"]);
    sandbox.ok(&["verify", "--all", "--data", "full"]);
}

#[test]
fn a_second_repository_heals_the_first() {
    let sandbox = Sandbox::new();
    sandbox.write("a", noise(1, 2 << 20));
    sandbox.save();
    let key = sandbox.beside("mirror.key");
    let (mirror, key) = (sandbox.beside("mirror"), key.to_str().unwrap());
    let mirror = mirror.to_str().unwrap();
    sandbox.ok(&["repository", "init", "--repository", mirror, "--key-file", key, "--new-key"]);
    let copied = sandbox.json(&["repository", "copy", "--to", mirror, "--to-key-file", key]);
    assert_eq!(copied["copied"], 1, "{copied}");
    let again = sandbox.json(&["repository", "copy", "--to", mirror, "--to-key-file", key]);
    assert_eq!((&again["copied"], &again["present"]), (&0.into(), &1.into()), "{again}");

    flip(&packs(&sandbox.root()));
    sandbox.run(&["repository", "verify", "--data", "full"]).expect(1);
    sandbox.ok(&["repository", "repair", "--from", mirror, "--from-key-file", key]);
    sandbox.ok(&["repository", "verify", "--data", "full"]);
    sandbox.ok(&["verify", "--all", "--data", "full"]);
}
