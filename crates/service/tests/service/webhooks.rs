use std::sync::{Arc, Mutex};

use backstay_model::{ErrorKind, Role};
use backstay_service::PageRequest;
use backstay_service::view::{CreatedWebhook, EventFilter, NewWebhook};
use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::fixture::{Fixture, caller, caller_of};
use crate::on_both;

on_both!(
    backstay_service::Settings { webhooks_to_private_addresses: true, ..crate::fixture::settings() };
    an_event_is_delivered_signed,
    a_failed_delivery_is_tried_again_with_the_same_id,
    a_receiver_that_is_gone_is_given_up_at_once,
    private_addresses_take_a_setting,
    a_test_is_sent_at_once_and_leaves_an_event_without_secrets,
);

/// A request as the receiver saw it.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> String {
        let line = self.head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}:")));
        line.unwrap().split_once(':').unwrap().1.trim().to_owned()
    }
}

/// A receiver that answers with the statuses in turn, then with the last one for ever.
async fn receiver(statuses: &'static [u16]) -> (String, Arc<Mutex<Vec<Received>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let received = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&received);
    tokio::spawn(async move {
        for number in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            let request = loop {
                let mut buffer = [0; 4096];
                let count = stream.read(&mut buffer).await.unwrap();
                bytes.extend_from_slice(&buffer[..count]);
                if let Some(request) = parse(&bytes) {
                    break request;
                }
                assert!(count > 0, "the request ended early");
            };
            log.lock().unwrap().push(request);
            let status = statuses[number.min(statuses.len() - 1)];
            let answer = format!(
                "HTTP/1.1 {status} X\r\nlocation: http://127.0.0.1:1/elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, received)
}

pub(crate) fn parse(bytes: &[u8]) -> Option<Received> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let request = Received { head, body: bytes[end + 4..].to_vec() };
    let length: usize = request.header("content-length").parse().unwrap();
    (request.body.len() >= length).then_some(request)
}

async fn webhook(fixture: &Fixture, url: &str, actions: &[&str]) -> CreatedWebhook {
    let actions = actions.iter().map(|action| (*action).to_owned()).collect();
    let new = NewWebhook { url: url.to_owned(), actions };
    fixture.service.create_webhook(&caller(Role::Admin), new).await.unwrap()
}

pub(crate) fn expected_signature(secret: &str, received: &Received) -> String {
    let base64 = base64::engine::general_purpose::STANDARD;
    let key = base64.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    mac.update(
        format!("{}.{}.", received.header("webhook-id"), received.header("webhook-timestamp")).as_bytes(),
    );
    mac.update(&received.body);
    format!("v1,{}", base64.encode(mac.finalize().into_bytes()))
}

async fn an_event_is_delivered_signed(fixture: &Fixture) {
    let (url, received) = receiver(&[200]).await;
    let hook = webhook(fixture, &url, &["snapshot.created"]).await;
    fixture.write("a", "1");
    let snapshot = fixture.save("").await;
    assert_eq!(fixture.service.deliver_webhooks().await.unwrap(), 1, "only what was asked for");
    let received = received.lock().unwrap()[0].clone();
    assert_eq!(received.header("webhook-signature"), expected_signature(&hook.secret, &received));
    let now = backstay_model::Clock::now(&*fixture.clock).as_seconds().to_string();
    assert_eq!(received.header("webhook-timestamp"), now);
    let body: serde_json::Value = serde_json::from_slice(&received.body).unwrap();
    assert_eq!(body["type"], "snapshot.created");
    assert_eq!(body["data"]["subject"]["id"], snapshot.id.as_str());
    assert_eq!(fixture.service.deliver_webhooks().await.unwrap(), 0);
    let page = PageRequest::default();
    let told = fixture.service.list_deliveries(&caller(Role::Admin), &hook.webhook.id, &page).await.unwrap();
    assert_eq!((told.items[0].state.as_str(), told.items[0].last_status), ("delivered", Some(200)));
}

async fn a_failed_delivery_is_tried_again_with_the_same_id(fixture: &Fixture) {
    let (url, received) = receiver(&[500, 302, 204]).await;
    let hook = webhook(fixture, &url, &["snapshot.created"]).await;
    fixture.write("a", "1");
    fixture.save("").await;
    for attempt in 1..=3 {
        assert_eq!(fixture.service.deliver_webhooks().await.unwrap(), 1, "attempt {attempt}");
        assert_eq!(fixture.service.deliver_webhooks().await.unwrap(), 0, "not at once again");
        fixture.clock.advance(3600);
    }
    let received = received.lock().unwrap().clone();
    assert_eq!(received.len(), 3, "a redirect is an answer, not a way");
    assert_eq!(received[0].header("webhook-id"), received[2].header("webhook-id"));
    assert_ne!(received[0].header("webhook-signature"), received[2].header("webhook-signature"));
    let page = PageRequest::default();
    let told = fixture.service.list_deliveries(&caller(Role::Admin), &hook.webhook.id, &page).await.unwrap();
    assert_eq!((told.items[0].state.as_str(), told.items[0].attempts), ("delivered", 3));
}

async fn a_receiver_that_is_gone_is_given_up_at_once(fixture: &Fixture) {
    let (url, _) = receiver(&[410]).await;
    let hook = webhook(fixture, &url, &["snapshot.created"]).await;
    fixture.write("a", "1");
    fixture.save("").await;
    fixture.service.deliver_webhooks().await.unwrap();
    let page = PageRequest::default();
    let told = fixture.service.list_deliveries(&caller(Role::Admin), &hook.webhook.id, &page).await.unwrap();
    assert_eq!(told.items[0].state, "failed");
}

async fn private_addresses_take_a_setting(fixture: &Fixture) {
    let strict = fixture.again(2).await;
    let admin = caller(Role::Admin);
    for url in
        ["http://127.0.0.1/x", "http://localhost:1/", "http://169.254.169.254/latest", "ftp://example.org/"]
    {
        let new = NewWebhook { url: url.into(), actions: vec![] };
        let refused = strict.create_webhook(&admin, new).await.err().unwrap();
        assert_eq!(refused.kind, ErrorKind::Invalid, "{url}");
    }
    let new = NewWebhook { url: "https://hooks.example.org/x".into(), actions: vec![] };
    let created = strict.create_webhook(&admin, new).await.unwrap();
    assert!(created.secret.starts_with("whsec_"));
    let stranger = caller_of("other", Role::Admin);
    let hidden = strict.show_webhook(&stranger, &created.webhook.id).await.unwrap_err();
    assert_eq!(hidden.kind, ErrorKind::NotFound);
}

async fn a_test_is_sent_at_once_and_leaves_an_event_without_secrets(fixture: &Fixture) {
    let (url, received) = receiver(&[200]).await;
    let hook = webhook(fixture, &url, &[]).await;
    let delivery = fixture.service.test_webhook(&caller(Role::Admin), &hook.webhook.id).await.unwrap();
    assert_eq!((delivery.state.as_str(), delivery.last_status), ("delivered", Some(200)));
    let received = received.lock().unwrap()[0].clone();
    assert_eq!(received.header("webhook-signature"), expected_signature(&hook.secret, &received));
    let page = PageRequest::default();
    let events =
        fixture.service.list_events(&caller(Role::Admin), &EventFilter::default(), &page).await.unwrap();
    for event in events.items {
        let text = serde_json::to_string(&event).unwrap();
        assert!(!text.contains(&hook.secret[6..]) && !text.contains("/hook"), "{text}");
    }
}
