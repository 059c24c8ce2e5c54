//! Bodies around the size limits, and bodies that do not end normally.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use idem_testkit::app::{MAX_REQUEST, MAX_RESPONSE};
use reqwest::header::CONTENT_ENCODING;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::support::{Problem, Server, TestEnv};

pub(crate) async fn fault_response_at_size_limit(env: &TestEnv) {
    let server = env.start().await;
    let more = length(&server, "probe", &json!({ "size": 1000 })).await - 1000;
    for chunks in [None, Some(7)] {
        for over in [-1_i64, 0, 1] {
            let size = MAX_RESPONSE.checked_add_signed(over as isize).unwrap() - more;
            let key = format!("{over}-{chunks:?}");
            let pay =
                server.pay_with("/payments", &key, &json!({ "size": size, "chunks": chunks }));
            let first = pay.send().await;
            assert_eq!(first.assert_executed(201).body.len(), size + more);
            let again = pay.until_settled().await;
            match over {
                1 => again.assert_problem(Problem::ResultUnavailable),
                _ => again.assert_replay_of(&first),
            }
            server.assert_counts(&key, 1, 1).await;
        }
    }
}

async fn length(server: &Server, key: &str, script: &Value) -> usize {
    server.pay_with("/payments", key, script).send().await.body.len()
}

pub(crate) async fn fault_response_body_incomplete(env: &TestEnv) {
    let server = env.start().await;
    let broken = json!({ "chunks": 3, "size": 3000, "ends": "broken", "once": true });
    let pay = server.pay_with("/payments", "broken", &broken);
    assert!(pay.try_send().await.is_none(), "the response is incomplete");
    pay.until_settled().await.assert_problem(Problem::ResultUnavailable);
    server.assert_counts("broken", 1, 1).await;
    let pay = server.pay_with("/release", "freed", &broken);
    assert!(pay.try_send().await.is_none(), "the response is incomplete");
    pay.until_settled().await.assert_executed(201);

    let endless =
        server.pay_with("/payments", "endless", &json!({ "chunks": 1, "ends": "endless" }));
    let mut connection = endless.raw().await;
    connection.read_exact(&mut vec![0; 4 * MAX_RESPONSE]).await.unwrap();
    endless.until_settled().await.assert_problem(Problem::ResultUnavailable);
    server.assert_counts("endless", 1, 1).await;

    let never = server.pay_with("/max-run", "never", &json!({ "chunks": 1, "ends": "never" }));
    never.send().await.assert_problem(Problem::OutcomeUnknown);
    never.until_settled().await.assert_problem(Problem::OutcomeUnknown);
    server.assert_counts("never", 1, 1).await;
}

/// A body that is within the limit as it is sent, and a thousand times as large after decoding. A guarded route must not
/// need more memory for it than an unguarded one.
pub(crate) async fn fault_compressed_body_expands(env: &TestEnv) {
    const EXPANDED: usize = 32 << 20;
    let body = gzip(&vec![b' '; EXPANDED]);
    assert!(body.len() < MAX_REQUEST, "{}", body.len());
    let mut peaks = Vec::new();
    for key in [None, Some("k")] {
        let server = env.start().await;
        let before = server.peak_memory();
        let url = format!("http://{}/notes", server.address);
        let mut request = server.client.post(url).bearer_auth("alice");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request.header("content-type", "application/json");
        let response = request.header(CONTENT_ENCODING, "gzip").body(body.clone()).send().await;
        let status = response.unwrap().status();
        assert!(status.is_client_error(), "{status}");
        peaks.push(server.peak_memory() - before);
    }
    let [unguarded, guarded] = peaks[..] else { unreachable!() };
    println!("{} bytes as sent: unguarded +{unguarded}, guarded +{guarded}", body.len());
    assert!(guarded < EXPANDED / 2, "guarded {guarded}, unguarded {unguarded}");
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}
