//! A server with TLS, whose certificate is signed by an authority of the test.

#![cfg(feature = "tls")]
#![allow(missing_docs, clippy::unwrap_used)]

mod harness;

use std::env;
use std::path::Path;
use std::process::{Command, Output};

use idem_testkit::servers::{Certificates, RedisServer};

/// The environment variable with the URL, in the process that connects.
const URL: &str = "IDEM_TEST_TLS_URL";

/// The authorities come from a file that the environment names, and a process cannot change its own environment safely.
/// So the test starts itself again.
#[test]
fn the_certificate_of_the_server_is_checked() {
    if let Ok(url) = env::var(URL) {
        return connect(&url);
    }
    let (certificates, others) = (Certificates::create(), Certificates::create());
    let server = RedisServer::start_tls(&certificates);
    let accepted = run(&server, &certificates.authority());
    assert!(accepted.status.success(), "{accepted:?}");
    let refused = run(&server, &others.authority());
    assert!(!refused.status.success());
    let error = String::from_utf8(refused.stdout).unwrap();
    assert!(
        error.contains(&format!("cannot connect to Redis at 127.0.0.1:{}", server.port())),
        "{error}"
    );
    assert!(error.contains("invalid peer certificate"), "{error}");
}

fn run(server: &RedisServer, authority: &Path) -> Output {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "the_certificate_of_the_server_is_checked", "--nocapture"])
        .env(URL, server.url())
        .env("SSL_CERT_FILE", authority)
        .output()
        .unwrap()
}

#[tokio::main]
async fn connect(url: &str) {
    let store = harness::builder().connect(url).await.unwrap_or_else(|error| {
        let cause = std::error::Error::source(&error).unwrap();
        println!("{error}: {cause}");
        std::process::exit(1);
    });
    store.check().await.unwrap();
}
