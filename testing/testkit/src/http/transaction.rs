//! Handlers that work in the transaction of their record, on any adapter.
//!
//! The app has a guarded `POST /transfers` whose first parameter is a transaction, and a guarded
//! `POST /optional` that takes one and whose key is optional. Both take a [`Transfer`] as JSON and run
//! [`SQL`]. `POST /last` has the transaction as its last parameter and returns 201.

use std::net::SocketAddr;

use reqwest::{Client, Response};
use serde::{Deserialize, Serialize};

use super::{Closing, Raw};
use crate::servers::PostgresServer;

/// The statements of the handlers. A handler first writes one row. If the transfer is gated, it then polls
/// until the gate is open. Finally it returns the status.
pub const SQL: [&str; 2] =
    ["INSERT INTO effect DEFAULT VALUES", "SELECT EXISTS (SELECT FROM gate)"];

/// The body of a request.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Transfer {
    /// The status of the response.
    pub status: u16,
    /// Whether to wait until the gate is open.
    pub gated: bool,
}

/// An app on Postgres.
pub struct Transfers<'a> {
    /// The database of the app.
    pub server: &'a PostgresServer,
    /// The address of the app.
    pub address: SocketAddr,
}

/// Creates the tables that the handlers use.
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
        request.send().await.expect("a response")
    }

    fn assert_effects(&self, effects: u32, completed: u32) {
        let sql = "SELECT (SELECT count(*) FROM effect) || ' ' || count(*) || ' '
                   || count(*) FILTER (WHERE state = 2) FROM idem_records";
        assert_eq!(self.server.sql(sql), format!("{effects} {completed} {completed}"));
    }

    /// Each end of a handler commits all effects or none.
    pub async fn each_end_leaves_all_or_nothing(&self) {
        for status in [500, 503] {
            assert_eq!(self.send("/transfers", Some("k"), status).await.status(), status);
            self.assert_effects(0, 0);
        }
        for (key, status, effects, completed) in [("k", 201, 1, 1), ("refused", 402, 1, 2)] {
            for replayed in [false, true] {
                let response = self.send("/transfers", Some(key), status).await;
                let marker = response.headers().contains_key("idempotent-replayed");
                assert_eq!((response.status().as_u16(), marker), (status, replayed));
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

    /// A client that disconnects during the run only loses its response.
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
            // The claim alone is not enough: a client that leaves before the handler starts has no run.
            let written = "SELECT count(*) FROM pg_locks WHERE relation = 'effect'::regclass
                 AND mode = 'RowExclusiveLock'";
            self.server.until(written, |written| written == "1");
            let left = client.close(closing).await;
            self.server.sql("INSERT INTO gate VALUES (true)");
            self.server.until("SELECT count(*) FROM effect", |effects| effects == "1");
            self.assert_effects(1, 1);
            drop(left);
        }
    }

    /// A request without a key has no transaction, so it fails before the handler runs.
    pub async fn unguarded_request_is_an_error(&self) {
        assert_eq!(self.send("/optional", None, 201).await.status(), 500);
        self.assert_effects(0, 0);
        assert_eq!(self.send("/optional", Some("k"), 201).await.status(), 201);
        self.assert_effects(1, 1);
    }
}

/// A handler without the attribute has no transaction, so it fails before it runs.
pub async fn unguarded_handler_is_an_error(address: SocketAddr) {
    let request = Client::new().post(format!("http://{address}/bare"));
    let request = request.json(&Transfer { status: 201, gated: false });
    let response = request.header("idempotency-key", "k").send().await.expect("a response");
    assert_eq!(response.status(), 500);
}

/// The same app on a store without transactions fails before the handler runs.
pub async fn other_store_is_an_error(address: SocketAddr) {
    let request = Client::new().post(format!("http://{address}/transfers"));
    let request = request.json(&Transfer { status: 201, gated: false });
    let response = request.header("idempotency-key", "k").send().await.expect("a response");
    assert_eq!(response.status(), 500);
    let text = response.text().await.expect("a body");
    assert!(!text.contains("Postgres"), "the response contains internal details: {text}");
}
