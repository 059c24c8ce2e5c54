//! Handlers that work in the transaction of their record, on any adapter (P5).
//!
//! The app has a guarded `POST /transfers` whose first parameter is a transaction, and a guarded
//! `POST /optional` that takes one and whose key is optional. Both take a [`Transfer`] as JSON and do what
//! [`SQL`] says; `POST /last` has the transaction as its last parameter and answers 201.

use std::net::SocketAddr;

use reqwest::{Client, Response};
use serde::{Deserialize, Serialize};

use super::{Closing, Raw};
use crate::servers::PostgresServer;

/// What the handlers write and read: first they write one row, then, if asked to, they read until the gate
/// is open, and then they answer with the status.
pub const SQL: [&str; 2] =
    ["INSERT INTO effect DEFAULT VALUES", "SELECT EXISTS (SELECT FROM gate)"];

/// What a request asks for.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Transfer {
    /// The answer's status.
    pub status: u16,
    /// Whether to wait until the gate is open.
    pub gated: bool,
}

/// An app on Postgres.
pub struct Transfers<'a> {
    /// Its database.
    pub server: &'a PostgresServer,
    /// Where it listens.
    pub address: SocketAddr,
}

/// Makes the tables that the handlers use.
pub fn prepare(server: &PostgresServer) {
    server.sql("CREATE TABLE effect (at timestamptz DEFAULT now()); CREATE TABLE gate (open bool)");
}

impl Transfers<'_> {
    async fn send(&self, path: &str, key: Option<&str>, status: u16) -> Response {
        let request = Client::new()
            .post(format!("http://{}{path}", self.address))
            .json(&Transfer { status, gated: false });
        let request = match key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        };
        request.send().await.expect("the server answers")
    }

    fn assert_effects(&self, effects: u32, completed: u32) {
        let sql = "SELECT (SELECT count(*) FROM effect) || ' ' || count(*) || ' '
                   || count(*) FILTER (WHERE state = 2) FROM idem_records";
        assert_eq!(self.server.sql(sql), format!("{effects} {completed} {completed}"));
    }

    /// What each end of a handler leaves.
    pub async fn each_end_leaves_all_or_nothing(&self) {
        for status in [500, 503] {
            assert_eq!(self.send("/transfers", Some("k"), status).await.status(), status);
            self.assert_effects(0, 0);
        }
        for (key, status, effects, completed) in [("k", 201, 1, 1), ("refused", 402, 1, 2)] {
            for replayed in [false, true] {
                let answer = self.send("/transfers", Some(key), status).await;
                let marker = answer.headers().contains_key("idempotent-replayed");
                assert_eq!((answer.status().as_u16(), marker), (status, replayed));
                self.assert_effects(effects, completed);
            }
        }
        let other_content = self.send("/transfers", Some("k"), 204).await;
        assert_eq!(other_content.status(), 422);
        for _ in 0..2 {
            assert_eq!(self.send("/last", Some("last"), 201).await.status(), 201);
        }
        self.assert_effects(2, 3);
    }

    /// A client that leaves in mid-run loses its answer, and nothing else.
    pub async fn run_outlives_its_client(&self) {
        for (n, closing) in [Closing::Fin, Closing::Rst, Closing::HalfClose].into_iter().enumerate()
        {
            self.server.sql("TRUNCATE effect, gate, idem_records");
            let body = serde_json::to_string(&Transfer { status: 201, gated: true })
                .expect("a transfer is JSON");
            let (length, key) = (body.len(), format!("left-{n}"));
            let request = format!(
                "POST /transfers HTTP/1.1\r\nhost: test\r\nidempotency-key: {key}\r\n\
                 content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            let mut client = Raw::connect(self.address).await;
            client.send(request.as_bytes()).await;
            let open = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
            self.server.until(open, |open| open == "1");
            let left = client.close(closing).await;
            self.server.sql("INSERT INTO gate VALUES (true)");
            self.server.until("SELECT count(*) FROM effect", |effects| effects == "1");
            self.assert_effects(1, 1);
            drop(left);
        }
    }

    /// A request without a key has no transaction to work in: an error before anything runs.
    pub async fn unguarded_request_is_an_error(&self) {
        assert_eq!(self.send("/optional", None, 201).await.status(), 500);
        self.assert_effects(0, 0);
        assert_eq!(self.send("/optional", Some("k"), 201).await.status(), 201);
        self.assert_effects(1, 1);
    }
}

/// The same app on a store that has no transactions: an error before anything runs.
pub async fn other_store_is_an_error(address: SocketAddr) {
    let request = Client::new().post(format!("http://{address}/transfers"));
    let request = request.json(&Transfer { status: 201, gated: false });
    let answer = request.header("idempotency-key", "k").send().await.expect("an answer");
    assert_eq!(answer.status(), 500);
    let text = answer.text().await.expect("a body");
    assert!(!text.contains("Postgres"), "what to do is for the log: {text}");
}
