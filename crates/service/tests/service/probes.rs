//! Whether the services that Backstay was told to use answer.

use std::sync::Arc;
use std::time::Duration;

use backstay_model::{FakeClock, Role, Timestamp};
use backstay_service::view::ProbeStatus;
use backstay_store::{S3Credentials, S3Retry, S3Secret, S3Settings, S3Store, Store};
use backstay_testkit::Link;
use backstay_testkit::services::s3;

use crate::fixture::{Database, Fixture, caller, service_at, settings};
use crate::on_both;

on_both!(a_probe_tells_what_is_used_and_what_is_not,);

async fn a_probe_tells_what_is_used_and_what_is_not(fixture: &Fixture) {
    let viewer = caller(Role::Viewer);
    let probe = fixture.service.probe_postgres(&viewer).await.unwrap();
    if matches!(fixture.database, Database::Postgres(_)) {
        assert_eq!(probe.status, ProbeStatus::Up, "{probe:?}");
        assert!(probe.metrics["connections"].as_u64().unwrap() >= 1, "{probe:?}");
        assert!(probe.metrics["database_bytes"].as_u64().unwrap() > 0, "{probe:?}");
        assert!(probe.details["version"].as_str().unwrap().starts_with(|c: char| c.is_ascii_digit()));
    } else {
        assert_eq!((probe.status, probe.metrics.len()), (ProbeStatus::Disabled, 0), "{probe:?}");
    }
    let memory = fixture.service.probe_s3(&viewer).await.unwrap();
    assert_eq!(memory.status, ProbeStatus::Disabled, "{memory:?}");
}

#[tokio::test]
async fn a_bucket_answers_until_it_is_cut_off() {
    let Some(service) = s3() else { return };
    let address = service.endpoint.trim_start_matches("http://").parse().unwrap();
    let link = Link::to(address);
    let quick = Duration::from_millis(5);
    let options = S3Settings {
        endpoint: Some(format!("http://{}", link.address())),
        region: Some(service.region),
        credentials: S3Credentials::Key {
            access_key_id: service.access_key,
            secret_access_key: S3Secret::new(&service.secret_key),
            session_token: None,
        },
        retry: S3Retry {
            max_retries: 1,
            timeout: Duration::from_secs(5),
            first_pause: quick,
            longest_pause: quick,
        },
        ..S3Settings::default()
    };
    let directory = tempfile::tempdir().unwrap();
    let unique = directory.path().file_name().unwrap().to_str().unwrap().replace('.', "");
    let prefix = format!("probe/{unique}");
    let store: Arc<dyn Store> = Arc::new(S3Store::open(&service.bucket, &prefix, &options).unwrap());
    let clock = Arc::new(FakeClock::new(Timestamp::from_micros(0)));
    let probed = service_at(&Database::sqlite(), &store, &clock, 1, settings()).await;
    let viewer = caller(Role::Viewer);
    let probe = probed.probe_s3(&viewer).await.unwrap();
    assert_eq!(probe.status, ProbeStatus::Up, "{probe:?}");
    assert_eq!(probe.details["location"], format!("s3://{}/{prefix}", service.bucket));
    assert_eq!(probe.metrics["keys"], 1);
    link.cut();
    let probe = probed.probe_s3(&viewer).await.unwrap();
    assert_eq!((probe.status, probe.metrics.len()), (ProbeStatus::Down, 0), "{probe:?}");
}
