//! A server that ends TLS itself.

mod support;

use backstay_model::Role;
use backstay_server::{ServerSettings, Tls};
use serde_json::json;
use support::TestServer;

#[tokio::test]
async fn a_certificate_protects_the_connection_and_the_cookie() {
    let files = tempfile::tempdir().unwrap();
    let (certificate, key) = (files.path().join("chain.pem"), files.path().join("key.pem"));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = Tls::load(&certificate, &key).unwrap();
    let server = TestServer::start_on(None, ServerSettings::default(), Some(tls.clone())).await;
    server.user("ann", "correct horse battery", Role::Viewer).await;

    let trusting = |pem: &str| {
        reqwest::Client::builder()
            .add_root_certificate(reqwest::Certificate::from_pem(pem.as_bytes()).unwrap())
            .resolve("localhost", server.address)
            .build()
            .unwrap()
    };
    let base = format!("https://localhost:{}", server.address.port());
    let client = trusting(&made.cert.pem());
    let health = client.get(format!("{base}/health/live")).send().await.unwrap();
    assert_eq!(health.status(), 200);
    let body = json!({"name": "ann", "password": "correct horse battery"});
    let session = client.post(format!("{base}/api/v1/sessions")).json(&body).send().await.unwrap();
    assert_eq!(session.status(), 201);
    assert!(session.headers()["set-cookie"].to_str().unwrap().contains("Secure"));

    // In the clear, and with a certificate that nobody vouches for, there is no answer.
    assert!(server.http.get(server.url("/health/live")).send().await.is_err());
    assert!(server.http.get(format!("{base}/health/live")).send().await.is_err());

    // A client that says nothing holds up nobody.
    let _silent = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&certificate, other.cert.pem()).unwrap();
    std::fs::write(&key, other.signing_key.serialize_pem()).unwrap();
    tls.reload().unwrap();
    let health = trusting(&other.cert.pem()).get(format!("{base}/health/live")).send().await.unwrap();
    assert_eq!(health.status(), 200);
    let fresh = trusting(&made.cert.pem());
    assert!(fresh.get(format!("{base}/health/live")).send().await.is_err());
}
