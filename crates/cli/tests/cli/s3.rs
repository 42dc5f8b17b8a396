//! A repository in a bucket, through the real binary and a real S3 server.

use std::fs;
use std::path::Path;

use backstay_testkit::Picture;
use backstay_testkit::services::{S3Service, s3};

use crate::sandbox::{Ran, Sandbox};

/// A workspace whose repository is below a prefix that no other test uses.
struct Bucket {
    sandbox: Sandbox,
    service: S3Service,
    location: String,
}

impl Bucket {
    /// `None` when tests without services are asked for.
    fn new() -> Option<Self> {
        let service = s3()?;
        let sandbox = Sandbox::new();
        let unique = sandbox.beside("x");
        let unique = unique.parent().and_then(Path::file_name).unwrap().to_str().unwrap();
        let location = format!("s3://{}/cli-tests/{unique}", service.bucket);
        fs::write(sandbox.beside("password"), "correct horse battery staple\n").unwrap();
        Some(Self { sandbox, service, location })
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(&self.service.secret_key, arguments)
    }

    fn run_with(&self, secret: &str, arguments: &[&str]) -> Ran {
        Ran::of(
            self.sandbox
                .command(arguments)
                .env("BACKSTAY_REPOSITORY", &self.location)
                .env("BACKSTAY_PASSWORD_FILE", self.sandbox.beside("password"))
                .env("AWS_ENDPOINT_URL", &self.service.endpoint)
                .env("AWS_REGION", &self.service.region)
                .env("AWS_ACCESS_KEY_ID", &self.service.access_key)
                .env("AWS_SECRET_ACCESS_KEY", secret),
        )
    }

    fn ok(&self, arguments: &[&str]) -> String {
        self.run(arguments).expect(0).stdout.trim_end_matches('\n').to_owned()
    }

    fn stored(&self) -> u64 {
        self.run(&["repository", "stats", "--json"]).expect(0).json()["stored_bytes"].as_u64().unwrap()
    }
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    use backstay_model::{Rng, SeededRng};
    let mut bytes = vec![0; length];
    SeededRng::new(seed).fill(&mut bytes);
    bytes
}

#[test]
fn a_workspace_is_kept_in_a_bucket() {
    let Some(bucket) = Bucket::new() else { return };
    bucket.run(&["save"]).expect(1);
    bucket.ok(&["repository", "init"]);
    bucket.run(&["repository", "init"]).expect(1);
    bucket.sandbox.write("src/a.txt", "one\n");
    bucket.sandbox.write("big", noise(1, 6 << 20));
    let first = bucket.ok(&["save", "--label", "first"]);
    let before = Picture::of(&bucket.sandbox.root(), &[".backstay"]).unwrap();
    bucket.sandbox.write("src/a.txt", "two\n");
    bucket.sandbox.write("big", noise(2, 6 << 20));
    let second = bucket.ok(&["save"]);
    assert_eq!(bucket.ok(&["show", &first, "src/a.txt"]), "one");
    bucket.ok(&["verify", "--all", "--data", "full"]);

    bucket.ok(&["restore", &first]);
    before.assert_same(
        &Picture::of(&bucket.sandbox.root(), &[".backstay"]).unwrap(),
        "restored from the bucket",
    );
    bucket.ok(&["undo"]);
    assert_eq!(bucket.sandbox.read("src/a.txt"), "two\n");

    // A second repository, once beside it on the disk and once in the bucket.
    let second_password = bucket.sandbox.beside("second-password");
    fs::write(&second_password, "another one\n").unwrap();
    let second_password = second_password.to_str().unwrap();
    let directory = bucket.sandbox.beside("mirror");
    for mirror in [directory.to_str().unwrap(), &format!("{}-mirror", bucket.location)] {
        let there = &["--repository", mirror, "--password-file", second_password];
        bucket.ok(&[&["repository", "init"], &there[..]].concat());
        bucket.ok(&["repository", "copy", "--to", mirror, "--to-password-file", second_password]);
        bucket.ok(&[&["repository", "verify", "--data", "full"], &there[..]].concat());
        let target = bucket.sandbox.beside("target");
        let to = target.to_str().unwrap();
        bucket.ok(&[&["repository", "restore", &first, "--to", to], &there[..]].concat());
        before.assert_same(&Picture::of(&target, &[]).unwrap(), mirror);
        fs::remove_dir_all(&target).unwrap();
    }

    let full = bucket.stored();
    bucket.ok(&["delete", &first]);
    for snapshot in bucket.run(&["list", "--all", "--json"]).expect(0).json()["snapshots"].as_array().unwrap()
    {
        let id = snapshot["id"].as_str().unwrap();
        if id != second && snapshot["state"] == "ready" {
            bucket.ok(&["delete", id]);
        }
    }
    bucket.ok(&["repository", "collect", "--grace", "0s"]);
    bucket.ok(&["repository", "collect", "--grace", "0s"]);
    assert!(bucket.stored() + (5 << 20) < full, "{} of {full}", bucket.stored());
    bucket.ok(&["verify", "--all", "--data", "full"]);
    assert_eq!(bucket.ok(&["show", &second, "src/a.txt"]), "two");
}

#[test]
fn a_wrong_secret_is_a_clear_error_that_does_not_tell_it() {
    let Some(bucket) = Bucket::new() else { return };
    bucket.ok(&["repository", "init"]);
    let secret = "hunter2hunter2hunter2hunter2hunter2hunter2";
    let error = bucket.run_with(secret, &["repository", "list"]).expect(1);
    assert!(error.stderr.contains("error:") && error.stderr.contains("access key"), "{}", error.stderr);
    assert!(!error.stderr.contains(secret), "{}", error.stderr);
    bucket.ok(&["repository", "list"]);
}
