//! `kill -9` at random moments during save, restore, prune, collect and copy.
//!
//! After each kill: the next command succeeds at once, nothing waits for a lock; the repository verifies in full; every
//! snapshot that says `ready` restores byte for byte; the workspace is as it was before a cut-off restore or as the
//! snapshot says, nothing between.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_testkit::{Ended, Killer, Picture, kill, tree};
use rand::RngExt;
use serde_json::Value;

/// How long a command may take that has nothing to wait for. Generous: the machine may be busy.
const AT_ONCE: Duration = Duration::from_secs(30);
/// Snapshots kept by the prunes of the test.
const KEEP: usize = 4;

/// A workspace, its mirror, and what every snapshot must contain.
struct Scene {
    home: tempfile::TempDir,
    killer: Killer,
    /// What each snapshot was taken of, in whatever state it is.
    taken: BTreeMap<String, Arc<Picture>>,
    /// What each ready snapshot must contain.
    expected: BTreeMap<String, Arc<Picture>>,
    /// How long each kind of command takes when nothing disturbs it.
    usual: BTreeMap<&'static str, Duration>,
    /// The options that name the repository.
    place: Vec<String>,
}

/// Where the repository of a scene is.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// In the workspace, as `save` makes it.
    Own,
    /// In a directory of its own, without a grace period: what nothing needs is marked, then removed, at once.
    Apart,
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Save,
    Restore,
    Prune,
    Collect,
    Copy,
}

impl Scene {
    fn new(seed: u64, place: Place) -> Self {
        let home = tempfile::tempdir().unwrap();
        let workspace = home.path().join("workspace");
        fs::create_dir(&workspace).unwrap();
        let options =
            tree::TreeOptions { files: 80, largest_bytes: 3_000_000, ..tree::TreeOptions::default() };
        tree::generate(&workspace, seed, &options).unwrap();
        fs::write(home.path().join("mirror.key"), [b'k'; 32]).unwrap();
        let killer = Killer::new(seed);
        let mut scene = Self {
            home,
            killer,
            taken: BTreeMap::new(),
            expected: BTreeMap::new(),
            usual: BTreeMap::new(),
            place: Vec::new(),
        };
        if matches!(place, Place::Apart) {
            let path = |name: &str| scene.home.path().join(name).display().to_string();
            scene.place =
                ["--repository".to_owned(), path("repository"), "--key-file".to_owned(), path("key")].into();
            scene.succeed(&["repository", "init", "--new-key", "--grace", "0s"], "setting the scene");
        }
        let path = |name: &str| scene.home.path().join(name).display().to_string();
        let (mirror, key) = (path("mirror"), path("mirror.key"));
        let init = ["repository", "init", "--repository", &mirror, "--key-file", &key];
        scene.succeed(&init, "setting the scene");
        scene
    }

    fn workspace(&self) -> PathBuf {
        self.home.path().join("workspace")
    }

    fn picture(&self) -> Arc<Picture> {
        Arc::new(Picture::of(&self.workspace(), &[".backstay"]).unwrap())
    }

    /// `backstay -C WORKSPACE …`, without the settings of the user who runs the test.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backstay"));
        command.env_clear().env("HOME", self.home.path()).env("PATH", "/usr/bin:/bin");
        command.arg("-C").arg(self.workspace()).args(["--quiet", "--no-progress"]).args(arguments);
        if !arguments.contains(&"--repository") {
            command.args(&self.place);
        }
        command
    }

    /// Runs a command to its end, which must come at once and be a success.
    #[track_caller]
    fn succeed(&self, arguments: &[&str], context: &str) -> Output {
        let started = Instant::now();
        let output = self.command(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{context}: {arguments:?} ended with {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(started.elapsed() < AT_ONCE, "{context}: {arguments:?} took {:?}", started.elapsed());
        output
    }

    /// The ids of all snapshots, safety snapshots among them, and whether they say that they can be put back.
    #[track_caller]
    fn snapshots(&self, context: &str) -> Vec<(String, bool)> {
        let output = self.succeed(&["list", "--all", "--limit", "1000", "--json"], context);
        let page: Value = serde_json::from_slice(&output.stdout).unwrap();
        let snapshots = page["snapshots"].as_array().unwrap().iter();
        snapshots
            .map(|snapshot| (snapshot["id"].as_str().unwrap().to_owned(), snapshot["state"] == "ready"))
            .collect()
    }

    /// Starts `act` and kills it at a random moment of its usual time.
    fn kill_during(&mut self, act: Act, target: &str) -> Ended {
        let mirror = self.home.path().join("mirror").display().to_string();
        let key = self.home.path().join("mirror.key").display().to_string();
        let keep = KEEP.to_string();
        let (name, arguments): (_, Vec<&str>) = match act {
            Act::Save => ("save", vec!["save"]),
            Act::Restore => ("restore", vec!["restore", target]),
            Act::Prune => ("prune", vec!["prune", "--keep", &keep]),
            Act::Collect => ("collect", vec!["repository", "collect"]),
            Act::Copy => ("copy", vec!["repository", "copy", "--to", &mirror, "--to-key-file", &key]),
        };
        let mut command = self.command(&arguments);
        let usual = self.usual.get(name).copied().unwrap_or(Duration::from_millis(150));
        let started = Instant::now();
        let ended = self.killer.run(&mut command, usual).unwrap();
        if let Ended::Finished(status) = ended {
            assert!(status.success(), "{arguments:?} ended with {status}");
            let slowest = self.usual.entry(name).or_insert(Duration::ZERO);
            *slowest = (*slowest).max(started.elapsed());
        } else if usual < AT_ONCE / 10 {
            // It might need longer than it was given so far.
            self.usual.insert(name, usual.mul_f64(1.05));
        }
        ended
    }

    /// Snapshots that a command left behind hold what the workspace was when it began. One that was cut off between its
    /// manifest and its commit point becomes ready once its lease has run out, many rounds later.
    fn learn(&mut self, before: &Arc<Picture>, context: &str) {
        self.expected.clear();
        for (id, ready) in self.snapshots(context) {
            let taken = self.taken.entry(id.clone()).or_insert_with(|| Arc::clone(before));
            if ready {
                self.expected.insert(id, Arc::clone(taken));
            }
        }
    }

    /// Restores every ready snapshot into an empty directory and compares it.
    #[track_caller]
    fn restore_all(&self, context: &str) {
        for (id, expected) in &self.expected {
            let target = self.home.path().join("restored");
            self.succeed(&["restore", id, "--to", target.to_str().unwrap()], context);
            expected.assert_same(&Picture::of(&target, &[]).unwrap(), &format!("{context}: {id}"));
            remove(&target);
        }
    }

    #[track_caller]
    fn verify(&self, context: &str) {
        if !self.expected.is_empty() {
            self.succeed(&["verify", "--all", "--data", "full"], context);
        }
    }

    /// A copy that was cut off can be done again, and the mirror verifies.
    #[track_caller]
    fn finish_copy(&self, context: &str) {
        let mirror = self.home.path().join("mirror").display().to_string();
        let key = self.home.path().join("mirror.key").display().to_string();
        self.succeed(&["repository", "copy", "--to", &mirror, "--to-key-file", &key], context);
        let verify = ["repository", "verify", "--data", "full", "--repository", &mirror, "--key-file", &key];
        self.succeed(&verify, context);
    }
}

/// Removes a tree, also one with directories that forbid it.
fn remove(path: &Path) {
    fs::remove_dir_all(path).unwrap();
}

/// Does one random thing after another until `kills` of them were killed.
fn survive(seed: u64, place: Place, kills: usize) {
    let mut scene = Scene::new(seed, place);
    kill::time(&mut scene.command(&["save"])).unwrap();
    let first = scene.picture();
    scene.learn(&first, "the first save");

    for round in 0.. {
        if scene.killer.killed() == kills {
            break;
        }
        assert!(round < 10 * kills, "only {} of {round} runs were killed", scene.killer.killed());
        let workspace = scene.workspace();
        tree::change(&workspace, scene.killer.rng(), 6).unwrap();
        let before = scene.picture();
        let act = [Act::Save, Act::Save, Act::Restore, Act::Restore, Act::Prune, Act::Collect, Act::Copy]
            [scene.killer.rng().random_range(0..7)];
        let at = scene.killer.rng().random_range(0..scene.expected.len());
        let target = scene.expected.keys().nth(at).unwrap().clone();
        let context = format!("seed {seed}, round {round}, {act:?}");

        let ended = scene.kill_during(act, &target);
        scene.succeed(&["recover"], &context);
        if matches!(act, Act::Restore) {
            let after = scene.picture();
            let restored = scene.expected[&target].differences(&after);
            let untouched = before.differences(&after);
            assert!(
                restored.is_empty() || (untouched.is_empty() && !matches!(ended, Ended::Finished(_))),
                "{context}: {ended}; against the snapshot: {restored:#?}; against before: {untouched:#?}"
            );
        } else {
            before.assert_same(&scene.picture(), &context);
        }
        scene.learn(&before, &context);
        scene.verify(&context);
        if matches!(act, Act::Copy) {
            scene.finish_copy(&context);
        }
        if round % 5 == 0 {
            scene.restore_all(&context);
        }
    }
    scene.restore_all("at the end");
}

#[test]
fn survives_a_few_kills() {
    survive(1, Place::Own, 6);
}

#[test]
fn slow_survives_200_kills() {
    survive(20_260, Place::Apart, 200);
}
