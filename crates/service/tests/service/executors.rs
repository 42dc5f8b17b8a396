//! Executors: one that accepts, refuses, hangs, breaks off, answers late, asks by itself; and what a resume keeps safe.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use backstay_model::execution::{Capability, ResumeState};
use backstay_model::{ErrorKind, Role};
use backstay_service::view::{CreatedExecutor, NewExecutor, Resume, SignedMessage};
use backstay_service::{DEFAULT_PROJECT, Restored, Service, ServiceError};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::checkpoints::new as new_checkpoint;
use crate::fixture::{Fixture, caller, caller_of};
use crate::on_both;
use crate::webhooks::{Received, expected_signature, parse};

on_both!(
    backstay_service::Settings { webhooks_to_private_addresses: true, ..crate::fixture::settings() };
    an_executor_that_accepts_gets_the_state_once_and_the_job_has_a_new_epoch,
    whatever_else_it_answers_the_state_is_handed_back_with_the_reason,
    a_connection_that_breaks_off_is_tried_again_with_the_same_id,
    the_executor_that_fits_best_is_asked_and_a_named_one_before_it,
    one_that_asks_gets_signed_messages_until_it_answers,
    a_private_address_takes_a_setting,
    secrets_are_sealed_and_other_tenants_see_nothing,
);

/// How a listener answers one request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// With this status and body.
    With(u16, String),
    /// Never.
    Never,
    /// By closing the connection.
    Close,
    /// With a yes when it is told to.
    When(Arc<Notify>),
}

pub(crate) fn yes() -> Answer {
    Answer::With(200, json!({"accepted": true}).to_string())
}

/// A listener that answers in turn, then with the last one for ever; and what it received.
pub(crate) async fn listener(answers: Vec<Answer>) -> (String, Arc<Mutex<Vec<Received>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/resume?key=secret-path", listener.local_addr().unwrap());
    let received: Arc<Mutex<Vec<Received>>> = Arc::default();
    let log = Arc::clone(&received);
    tokio::spawn(async move {
        for number in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let answer = answers[number.min(answers.len() - 1)].clone();
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                let request = loop {
                    let mut buffer = vec![0; 65536];
                    let count = stream.read(&mut buffer).await.unwrap();
                    bytes.extend_from_slice(&buffer[..count]);
                    if let Some(request) = parse(&bytes) {
                        break request;
                    }
                    assert!(count > 0, "the request ended early");
                };
                log.lock().unwrap().push(request);
                let (status, body) = match answer {
                    Answer::With(status, body) => (status, body),
                    Answer::Close => return,
                    Answer::Never => std::future::pending().await,
                    Answer::When(told) => {
                        told.notified().await;
                        (200, json!({"accepted": true}).to_string())
                    }
                };
                let head = format!(
                    "HTTP/1.1 {status} X\r\nlocation: http://127.0.0.1:1/elsewhere\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                // One that has given up does not read any more.
                let _ = stream.write_all((head + &body).as_bytes()).await;
            });
        }
    });
    (url, received)
}

pub(crate) fn at(name: &str, url: &str) -> NewExecutor {
    NewExecutor {
        name: name.into(),
        url: Some(url.into()),
        patterns: vec!["*".into()],
        timeout_s: 30,
        capabilities: vec![Capability::Resume],
    }
}

pub(crate) async fn register(service: &Service, new: NewExecutor) -> CreatedExecutor {
    service.create_executor(&caller(Role::Admin), DEFAULT_PROJECT, new).await.unwrap()
}

/// Three checkpoints of a job; the id of the second.
pub(crate) async fn job(service: &Service, name: &str) -> String {
    let mut ids = Vec::new();
    for n in 0..3 {
        let new = new_checkpoint(name, &format!("step_{n}"), &format!("{{\"n\":{n},\"big\":1e400}}"));
        let made = service.create_checkpoint(&caller(Role::Operator), DEFAULT_PROJECT, new).await.unwrap();
        ids.push(made.checkpoint_id);
    }
    ids.swap_remove(1)
}

pub(crate) async fn restore(service: &Service, id: &str) -> Result<Restored, ServiceError> {
    service.restore_checkpoint(&caller(Role::Operator), id, true, Some("bad input")).await
}

pub(crate) async fn resume_of(service: &Service, restored: &Restored) -> Resume {
    service.get_resume(&caller(Role::Viewer), restored.resume_id.as_ref().unwrap()).await.unwrap()
}

pub(crate) async fn epoch(service: &Service, job: &str) -> u64 {
    let (jobs, _) = service.list_jobs(&caller(Role::Viewer), DEFAULT_PROJECT, 0, 100).await.unwrap();
    jobs.into_iter().find(|found| found.job_id == job).unwrap().epoch
}

pub(crate) fn body(received: &Received) -> Value {
    serde_json::from_slice(&received.body).unwrap()
}

async fn an_executor_that_accepts_gets_the_state_once_and_the_job_has_a_new_epoch(fixture: &Fixture) {
    let service = &fixture.service;
    let (url, received) = listener(vec![yes()]).await;
    let executor = register(service, at("worker", &url)).await;
    let second = job(service, "../j").await;
    let restored = restore(service, &second).await.unwrap();
    assert_eq!(
        (restored.job_status, &*restored.message),
        ("resumed", "Checkpoint restored and job resumed successfully")
    );
    assert_eq!(restored.checkpoint.state, "{\"n\":1,\"big\":1e400}");
    let received = received.lock().unwrap().clone();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].header("webhook-signature"), expected_signature(&executor.secret, &received[0]));
    assert_eq!(received[0].header("webhook-id"), *restored.resume_id.as_ref().unwrap());
    let text = String::from_utf8(received[0].body.clone()).unwrap();
    assert!(text.contains("\"state\":{\"n\":1,\"big\":1e400}"), "byte for byte: {text}");
    let (head, _) = text.split_once("\"state\"").unwrap();
    let sent: Value = serde_json::from_str(&format!("{head}\"x\":1}}}}")).unwrap();
    assert_eq!(sent["type"], "job.resume");
    for (field, expected) in [
        ("delivery_id", json!(restored.resume_id)),
        ("job_id", json!("../j")),
        ("checkpoint_id", json!(second)),
        ("step_name", json!("step_1")),
        ("form", json!("json")),
    ] {
        assert_eq!(sent["data"][field], expected, "{field}");
    }
    assert!(text.contains("\"epoch\":1,") && text.contains("\"reason\":\"bad input\""), "{text}");

    assert_eq!(epoch(service, "../j").await, 1);
    let mut stale = new_checkpoint("../j", "late", "{}");
    stale.epoch = Some(0);
    let error = service.create_checkpoint(&caller(Role::Operator), DEFAULT_PROJECT, stale).await.unwrap_err();
    assert_eq!(
        (error.kind, &*error.message),
        (ErrorKind::Conflict, "Job ../j was resumed as epoch 1; this writer has 0")
    );
    let actions = fixture.actions().await;
    let tail: Vec<_> = actions.iter().rev().take(3).rev().collect();
    assert_eq!(tail, ["checkpoint.pinned", "checkpoint.restored", "job.resumed"]);
    let resume = resume_of(service, &restored).await;
    assert_eq!((resume.state, resume.epoch, resume.failure), (ResumeState::Confirmed, 1, None));
    fixture.assert_audit().await;
}

async fn whatever_else_it_answers_the_state_is_handed_back_with_the_reason(fixture: &Fixture) {
    let service = &fixture.service;
    let answers = [
        (Answer::With(200, json!({"accepted": false, "reason": "not\nnow"}).to_string()), "not now"),
        (Answer::With(200, json!({"accepted": false}).to_string()), "the executor refused"),
        (Answer::With(200, "<html>".into()), "the executor did not say that it accepted"),
        (Answer::With(204, String::new()), "the executor did not say that it accepted"),
        (Answer::With(302, json!({"accepted": true}).to_string()), "the executor answered 302 Found"),
        (
            Answer::With(500, json!({"accepted": true}).to_string()),
            "the executor answered 500 Internal Server Error",
        ),
        (Answer::With(200, "x".repeat(100_000)), "the answer of the executor is too long"),
    ];
    let (url, received) = listener(answers.iter().map(|(answer, _)| answer.clone()).collect()).await;
    register(service, at("worker", &url)).await;
    let second = job(service, "j").await;
    for (_, reason) in &answers {
        let restored = restore(service, &second).await.unwrap();
        assert_eq!(
            (restored.job_status, restored.message.clone()),
            ("restored", format!("Checkpoint restored but failed to resume: {reason}"))
        );
        assert_eq!(restored.checkpoint.state, "{\"n\":1,\"big\":1e400}");
        assert_eq!(resume_of(service, &restored).await.failure.as_deref(), Some(*reason));
    }
    assert_eq!(received.lock().unwrap().len(), answers.len(), "an answer is an answer");
    assert_eq!(epoch(service, "j").await, 0);
    let failed = fixture.actions().await.into_iter().filter(|action| action == "job.resume_failed").count();
    assert_eq!(failed, answers.len());

    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    service.delete_executor(&caller(Role::Admin), &executors(service).await[0]).await.unwrap();
    register(service, NewExecutor { timeout_s: 1, ..at("gone", &format!("http://{gone}/")) }).await;
    let restored = restore(service, &second).await.unwrap();
    assert_eq!(
        restored.message,
        "Checkpoint restored but failed to resume: the executor could not be reached"
    );
}

pub(crate) async fn executors(service: &Service) -> Vec<String> {
    let found = service.list_executors(&caller(Role::Admin), DEFAULT_PROJECT).await.unwrap();
    found.into_iter().map(|executor| executor.executor_id).collect()
}

async fn a_connection_that_breaks_off_is_tried_again_with_the_same_id(fixture: &Fixture) {
    let service = &fixture.service;
    let (url, received) = listener(vec![Answer::Close, Answer::Close, yes()]).await;
    register(service, at("worker", &url)).await;
    let second = job(service, "j").await;
    assert_eq!(restore(service, &second).await.unwrap().job_status, "resumed");
    let received = received.lock().unwrap().clone();
    assert_eq!(received.len(), 3);
    let ids: Vec<_> = received.iter().map(|received| received.header("webhook-id")).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(received[0].body, received[2].body);
}

async fn the_executor_that_fits_best_is_asked_and_a_named_one_before_it(fixture: &Fixture) {
    let (service, admin) = (&fixture.service, caller(Role::Admin));
    let second = job(service, "nightly-1").await;
    let unable = "Checkpoint restored (resume not supported by executor)";
    let restored = restore(service, &second).await.unwrap();
    assert_eq!((restored.job_status, &*restored.message, &restored.resume_id), ("restored", unable, &None));
    let mut logs = Vec::new();
    for (name, glob, capabilities) in [
        ("any", "*", vec![Capability::Resume]),
        ("nightly", "nightly-*", vec![Capability::Resume]),
        ("other", "weekly-*", vec![Capability::Resume]),
        ("unable", "nightly-1", vec![Capability::Capture]),
    ] {
        let (url, received) = listener(vec![yes()]).await;
        register(service, NewExecutor { patterns: vec![glob.into()], capabilities, ..at(name, &url) }).await;
        logs.push(received);
    }
    let asked = || logs.iter().map(|log| log.lock().unwrap().len()).collect::<Vec<_>>();
    // The one that fits best cannot.
    assert_eq!(restore(service, &second).await.unwrap().message, unable);
    let id = executors(service).await.into_iter().find(|id| id.contains("unable")).unwrap();
    service.delete_executor(&admin, &id).await.unwrap();
    assert_eq!(restore(service, &second).await.unwrap().job_status, "resumed");
    assert_eq!(asked(), [0, 1, 0, 0]);
    service.name_executor(&admin, DEFAULT_PROJECT, "nightly-1", Some("other")).await.unwrap();
    assert_eq!(restore(service, &second).await.unwrap().job_status, "resumed");
    assert_eq!(asked(), [0, 1, 1, 0]);
    let id = executors(service).await.into_iter().find(|id| id.contains("other")).unwrap();
    service.delete_executor(&admin, &id).await.unwrap();
    assert_eq!(restore(service, &second).await.unwrap().job_status, "resumed");
    assert_eq!(asked(), [0, 2, 1, 0], "a named one that is gone is no name");
    for (job, name, message) in
        [("nightly-1", Some("none"), "Executor not found"), ("none", None, "Job not found")]
    {
        let error = service.name_executor(&admin, DEFAULT_PROJECT, job, name).await.unwrap_err();
        assert_eq!((error.kind, &*error.message), (ErrorKind::NotFound, message));
    }
    assert_eq!(epoch(service, "nightly-1").await, 3);
}

async fn one_that_asks_gets_signed_messages_until_it_answers(fixture: &Fixture) {
    let (service, operator) = (&fixture.service, caller(Role::Operator));
    let pull = NewExecutor { url: None, timeout_s: 300, ..at("puller", "") };
    let executor = register(service, pull).await;
    let id = executor.executor.executor_id.clone();
    let poll = async |timeout: Duration| -> Option<SignedMessage> {
        service.poll_executor(&operator, &id, timeout).await.unwrap()
    };
    assert_eq!(poll(Duration::ZERO).await, None);
    let second = job(service, "j").await;
    for accepted in [true, false] {
        let restoring = {
            let (service, second) = (service.clone(), second.clone());
            tokio::spawn(async move { restore(&service, &second).await })
        };
        let message = poll(Duration::from_mins(5)).await.unwrap();
        let received = Received {
            head: format!("webhook-id: {}\nwebhook-timestamp: {}", message.id, message.timestamp),
            body: message.body.clone(),
        };
        assert_eq!(message.signature, expected_signature(&executor.secret, &received));
        assert_eq!(poll(Duration::ZERO).await, None, "somebody has it");
        // Who took it does not answer: the same message comes again.
        fixture.clock.advance(10);
        assert_eq!(poll(Duration::ZERO).await.unwrap().id, message.id);
        let said = service.confirm_resume(&operator, &message.id, accepted, Some("busy")).await.unwrap();
        assert_eq!(said.state, if accepted { ResumeState::Confirmed } else { ResumeState::Refused });
        let restored = restoring.await.unwrap().unwrap();
        assert_eq!(restored.resume_id, Some(message.id));
        let expected = if accepted {
            "Checkpoint restored and job resumed successfully"
        } else {
            "Checkpoint restored but failed to resume: busy"
        };
        assert_eq!(restored.message, expected);
        fixture.clock.advance(10);
        assert_eq!(poll(Duration::ZERO).await, None);
    }
    assert_eq!(epoch(service, "j").await, 1);
    let called = register(service, at("called", "http://127.0.0.1:9/")).await.executor.executor_id;
    let error = service.poll_executor(&operator, &called, Duration::ZERO).await.unwrap_err();
    assert_eq!(error.word(), "not_pull");
    let error = service.poll_executor(&caller(Role::Viewer), &id, Duration::ZERO).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden);
}

async fn a_private_address_takes_a_setting(fixture: &Fixture) {
    let admin = caller(Role::Admin);
    let strict = fixture.again(2).await;
    for url in [
        "http://127.0.0.1/x",
        "http://localhost:1/",
        "http://169.254.169.254/latest",
        "ftp://example.org/",
        "https://u:p@example.org/",
    ] {
        let error = strict.create_executor(&admin, DEFAULT_PROJECT, at("w", url)).await.err().unwrap();
        assert_eq!((error.kind, &*error.fields[0].field), (ErrorKind::Invalid, "url"), "{url}");
    }
    // One that was registered while it was allowed is not called any more.
    let (url, received) = listener(vec![yes()]).await;
    register(&fixture.service, at("worker", &url)).await;
    let second = job(&fixture.service, "j").await;
    let restored = restore(&strict, &second).await.unwrap();
    assert!(restored.message.contains("private address"), "{}", restored.message);
    assert!(received.lock().unwrap().is_empty());

    let wrong = NewExecutor {
        name: "a/b".into(),
        patterns: vec!["[".into()],
        timeout_s: 0,
        capabilities: vec![],
        ..at("w", &url)
    };
    let error = strict.create_executor(&admin, DEFAULT_PROJECT, wrong).await.err().unwrap();
    let fields: Vec<_> = error.fields.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["name", "match.0", "timeout_s", "capabilities"]);
    let twice = fixture.service.create_executor(&admin, DEFAULT_PROJECT, at("worker", &url)).await;
    assert_eq!(twice.err().unwrap().kind, ErrorKind::Conflict);
}

async fn secrets_are_sealed_and_other_tenants_see_nothing(fixture: &Fixture) {
    let (service, admin) = (&fixture.service, caller(Role::Admin));
    let (url, _) = listener(vec![Answer::With(500, String::new())]).await;
    let executor = register(service, at("worker", &url)).await;
    let second = job(service, "j").await;
    let restored = restore(service, &second).await.unwrap();
    assert!(!format!("{executor:?}").contains(&executor.secret[6..]));
    let page = backstay_service::PageRequest::first(1000);
    let filter = backstay_service::view::EventFilter::default();
    for event in service.list_events(&admin, &filter, &page).await.unwrap().items {
        let text = serde_json::to_string(&event).unwrap();
        assert!(!text.contains(&executor.secret[6..]) && !text.contains("secret-path"), "{text}");
    }
    if let crate::fixture::Database::Sqlite(directory) = &fixture.database {
        let mut found = 0;
        for entry in std::fs::read_dir(directory.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            found += bytes.windows(11).filter(|part| *part == b"secret-path").count();
        }
        assert_eq!(found, 0, "where an executor is, is sealed with its secret");
    }
    let stranger = caller_of("other", Role::Admin);
    let (executor, resume) = (&executor.executor.executor_id, restored.resume_id.as_ref().unwrap());
    let errors = [
        service.get_executor(&stranger, executor).await.err(),
        service.delete_executor(&stranger, executor).await.err(),
        service.poll_executor(&stranger, executor, Duration::ZERO).await.err(),
        service.get_resume(&stranger, resume).await.err(),
        service.confirm_resume(&stranger, resume, true, None).await.err(),
        service.name_executor(&stranger, DEFAULT_PROJECT, "j", None).await.err(),
    ];
    assert!(errors.iter().all(|error| error.as_ref().unwrap().kind == ErrorKind::NotFound), "{errors:?}");
    assert!(service.list_executors(&stranger, DEFAULT_PROJECT).await.unwrap().is_empty());
    for role in [Role::Viewer, Role::Operator, Role::Technical] {
        let error =
            service.create_executor(&caller(role), DEFAULT_PROJECT, at("w", &url)).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Forbidden);
        assert!(service.list_executors(&caller(role), DEFAULT_PROJECT).await.is_err());
    }
}
