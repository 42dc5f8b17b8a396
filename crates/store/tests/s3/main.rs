//! The S3 store against a real S3 server, which `tools/with-services` starts.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod proxy;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use backstay_store::testing::conformance;
use backstay_store::{
    ObjectName, PutOutcome, S3Credentials, S3Retry, S3Secret, S3Settings, S3Store, Store, StoreErrorKind,
};
use backstay_testkit::services::{S3Service, s3};
use proxy::{Proxy, Trouble};

fn name(text: &str) -> ObjectName {
    ObjectName::parse(text).unwrap()
}

/// A prefix that no other test and no other run uses.
fn prefix() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let directory = tempfile::tempdir().unwrap();
    let unique = directory.path().file_name().unwrap().to_str().unwrap().replace('.', "");
    format!("store-tests/{unique}/{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

fn settings(service: &S3Service, endpoint: &str) -> S3Settings {
    S3Settings {
        endpoint: Some(endpoint.to_owned()),
        region: Some(service.region.clone()),
        credentials: S3Credentials::Key {
            access_key_id: service.access_key.clone(),
            secret_access_key: S3Secret::new(&service.secret_key),
            session_token: None,
        },
        retry: S3Retry {
            max_retries: 3,
            timeout: Duration::from_secs(20),
            first_pause: Duration::from_millis(2),
            longest_pause: Duration::from_millis(20),
        },
        ..S3Settings::default()
    }
}

fn open(service: &S3Service, endpoint: &str) -> S3Store {
    S3Store::open(&service.bucket, &prefix(), &settings(service, endpoint)).unwrap()
}

fn behind_proxy() -> Option<(Proxy, S3Store)> {
    let service = s3()?;
    let proxy = Proxy::start(&service.endpoint);
    let store = open(&service, &proxy.endpoint());
    Some((proxy, store))
}

#[test]
fn an_s3_server_conforms() {
    let Some(service) = s3() else { return };
    let proxy = Proxy::start(&service.endpoint);
    conformance::run(|| Arc::new(open(&service, &proxy.endpoint())));
}

#[test]
fn wrong_credentials_are_denied_and_never_shown() {
    let Some(service) = s3() else { return };
    let wrong_secret = "hunter2hunter2hunter2hunter2hunter2hunter2";
    let keys = [(service.access_key.as_str(), wrong_secret), ("AKIDUNKNOWN", service.secret_key.as_str())];
    for (access_key_id, secret) in keys {
        let mut settings = settings(&service, &service.endpoint);
        settings.credentials = S3Credentials::Key {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: S3Secret::new(secret),
            session_token: None,
        };
        let store = S3Store::open(&service.bucket, &prefix(), &settings).unwrap();
        let config = name("config");
        let errors = [
            store.get(&config).unwrap_err(),
            store.get_range(&config, 0..1).unwrap_err(),
            store.head(&config).unwrap_err(),
            store.put(&config, b"x").unwrap_err(),
            store.put_new(&config, b"x").unwrap_err(),
            store.list("packs", &mut |_| true).unwrap_err(),
            store.delete(&config).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind, StoreErrorKind::Denied, "{error:?}");
            let text = format!("{error} {error:?} {settings:?} {store:?}");
            assert!(text.contains("the access key or its secret is wrong"), "{text}");
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[test]
fn a_server_that_is_not_there_is_unavailable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let service = S3Service {
        endpoint: endpoint.clone(),
        bucket: "bucket".to_owned(),
        region: "us-east-1".to_owned(),
        access_key: "AKID".to_owned(),
        secret_key: "hunter2".to_owned(),
    };
    let error = open(&service, &endpoint).get(&name("config")).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error:?}");
    assert!(format!("{error:?}").contains("cannot be reached"), "{error:?}");
}

#[test]
fn requests_are_repeated_while_the_server_fails() {
    let Some((proxy, store)) = behind_proxy() else { return };
    for status in [500, 503, 429] {
        proxy.trouble(2, Trouble::Answer(status), |head| head.starts_with("PUT "));
        store.put(&name("packs/a"), b"content").unwrap();
        proxy.trouble(2, Trouble::Answer(status), |head| head.starts_with("GET "));
        assert_eq!(store.get(&name("packs/a")).unwrap(), b"content"[..]);
        proxy.trouble(2, Trouble::Answer(status), |head| head.contains("list-type=2"));
        let mut seen = 0;
        store
            .list("packs", &mut |_| {
                seen += 1;
                true
            })
            .unwrap();
        assert_eq!(seen, 1);
    }
    proxy.requests();
    proxy.trouble(100, Trouble::Answer(503), |head| head.starts_with("GET "));
    assert_eq!(store.get(&name("packs/a")).unwrap_err().kind, StoreErrorKind::Unavailable);
    assert_eq!(proxy.requests().len(), 4, "one try and three repetitions");
}

#[test]
fn a_lost_or_cut_answer_is_asked_for_again() {
    let Some((proxy, store)) = behind_proxy() else { return };
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    proxy.trouble(1, Trouble::LoseAnswer, |head| head.starts_with("PUT "));
    store.put(&name("packs/a"), &bytes).unwrap();
    proxy.trouble(1, Trouble::CutAnswer, |head| head.starts_with("GET "));
    assert_eq!(store.get(&name("packs/a")).unwrap(), bytes);
    proxy.trouble(1, Trouble::LoseAnswer, |head| head.starts_with("GET "));
    assert_eq!(store.get_range(&name("packs/a"), 5..150_000).unwrap(), bytes[5..150_000]);
    proxy.trouble(1, Trouble::LoseAnswer, |head| head.starts_with("DELETE "));
    store.delete(&name("packs/a")).unwrap();
    assert!(store.head(&name("packs/a")).unwrap().is_none());
}

#[test]
fn a_conditional_write_whose_answer_is_lost_knows_that_it_won() {
    let Some((proxy, store)) = behind_proxy() else { return };
    proxy.trouble(1, Trouble::LoseAnswer, |head| head.contains("if-none-match"));
    assert_eq!(store.put_new(&name("config"), b"mine").unwrap(), PutOutcome::Created);
    proxy.trouble(1, Trouble::Answer(503), |head| head.contains("if-none-match"));
    assert_eq!(store.put_new(&name("other"), b"mine").unwrap(), PutOutcome::Created);
    assert_eq!(store.put_new(&name("config"), b"yours").unwrap(), PutOutcome::Exists);
    assert_eq!(store.get(&name("config")).unwrap(), b"mine"[..]);
}

#[test]
fn a_conflict_with_a_writer_that_failed_is_tried_again() {
    let Some((proxy, store)) = behind_proxy() else { return };
    proxy.trouble(2, Trouble::Answer(409), |head| head.contains("if-none-match"));
    assert_eq!(store.put_new(&name("config"), b"mine").unwrap(), PutOutcome::Created);
    assert_eq!(store.get(&name("config")).unwrap(), b"mine"[..]);
}

#[test]
fn a_server_without_conditional_writes_still_keeps_what_is_there() {
    let Some((proxy, store)) = behind_proxy() else { return };
    proxy.trouble(100, Trouble::Answer(501), |head| head.contains("if-none-match"));
    assert_eq!(store.put_new(&name("config"), b"first").unwrap(), PutOutcome::Created);
    assert_eq!(store.put_new(&name("config"), b"other").unwrap(), PutOutcome::Exists);
    assert_eq!(store.get(&name("config")).unwrap(), b"first"[..]);
}

#[test]
fn an_object_in_parts_appears_whole() {
    let Some((proxy, store)) = behind_proxy() else { return };
    let piece: Vec<u8> = (0..7_000_000_u32).map(|n| (n % 253) as u8).collect();
    let mut writer = store.create().unwrap();
    for _ in 0..10 {
        writer.write(&piece).unwrap();
    }
    proxy.trouble(1, Trouble::Answer(503), |head| head.contains("partNumber=2"));
    writer.finish(&name("packs/large")).unwrap();
    assert_eq!(proxy.requests().iter().filter(|line| line.contains("partNumber")).count(), 5 + 1);
    let whole = store.get(&name("packs/large")).unwrap();
    assert_eq!(whole.len(), 70_000_000);
    assert!(whole.chunks(piece.len()).all(|part| part == piece));
}

#[test]
fn an_upload_that_fails_leaves_no_object_and_no_parts() {
    let Some((proxy, store)) = behind_proxy() else { return };
    let mut writer = store.create().unwrap();
    for _ in 0..9 {
        writer.write(&vec![7; 8 << 20]).unwrap();
    }
    proxy.trouble(100, Trouble::Answer(503), |head| head.contains("partNumber=3"));
    assert_eq!(writer.finish(&name("packs/large")).unwrap_err().kind, StoreErrorKind::Unavailable);
    assert!(store.head(&name("packs/large")).unwrap().is_none());
    assert!(proxy.requests().iter().any(|line| line.starts_with("DELETE ") && line.contains("uploadId")));
}

#[test]
fn the_store_works_on_any_thread_of_another_runtime() {
    let Some(service) = s3() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(open(&service, &service.endpoint));
        store.put(&name("packs/a"), b"x").unwrap();
        let other = Arc::clone(&store);
        let read = tokio::task::spawn_blocking(move || other.get(&name("packs/a")).unwrap()).await.unwrap();
        assert_eq!(read, b"x"[..]);
        drop(store);
    });
}
