//! Runs the example as a process, calls it over HTTP and kills it.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use idem_testkit::servers::{PostgresServer, eventually};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::json;

/// A running server. It is stopped when this handle is dropped.
struct Server {
    process: Child,
    url: String,
    /// Kept open, because the server fails to print when its output is closed.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    fn start(database: &PostgresServer) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_transfers-postgres"))
            .args(["--store", &database.url(), "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut first_line = String::new();
        stdout.read_line(&mut first_line).unwrap();
        let url = first_line.trim_end().strip_prefix("listening on ").unwrap().to_owned();
        Self { process, url, _stdout: stdout }
    }

    fn pay(&self, key: &str, cents: i64, invoice: &str) -> RequestBuilder {
        Client::new()
            .post(format!("{}/transfers", self.url))
            .bearer_auth("alice-token")
            .header("Idempotency-Key", key)
            .json(&json!({"payee": "bob", "cents": cents, "invoice": invoice}))
    }

    /// Pays as [`pay`](Self::pay) does, and again while the database is busy, because a service has short store timeouts.
    async fn pay_once(&self, key: &str, cents: i64, invoice: &str) -> Response {
        eventually("reply of a database that is not busy", async || {
            let response = self.pay(key, cents, invoice).send().await.unwrap();
            (!is_busy(&response)).then_some(response)
        })
        .await
    }

    async fn balances(&self) -> [String; 2] {
        let of = async |id| {
            let balance = Client::new().get(format!("{}/accounts/{id}", self.url)).send().await;
            balance.unwrap().text().await.unwrap()
        };
        [of("alice").await, of("bob").await]
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Whether the store or a statement of the handler timed out. Both leave the key free.
fn is_busy(response: &Response) -> bool {
    [StatusCode::SERVICE_UNAVAILABLE, StatusCode::INTERNAL_SERVER_ERROR]
        .contains(&response.status())
}

fn replayed(response: &Response) -> bool {
    response.headers().get("idempotent-replayed").is_some_and(|marker| marker == "true")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_moves_once_over_two_servers() {
    let database = PostgresServer::start(&[]);
    let (one, two) = (Server::start(&database), Server::start(&database));
    let first = one.pay_once("order-1001", 4200, "17").await;
    assert_eq!((first.status(), replayed(&first)), (StatusCode::CREATED, false));
    let retry = two.pay_once("order-1001", 4200, "17").await;
    assert!(replayed(&retry));
    assert_eq!(retry.bytes().await.unwrap(), first.bytes().await.unwrap());
    assert_eq!(one.balances().await, ["5800", "4200"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn error_responses_move_nothing_and_are_replayed() {
    let database = PostgresServer::start(&[]);
    let server = Server::start(&database);
    assert_eq!(server.pay_once("a", 1, "17").await.status(), StatusCode::CREATED);
    let too_much = server.pay_once("b", 10_000, "18").await;
    assert_eq!((too_much.status(), replayed(&too_much)), (StatusCode::PAYMENT_REQUIRED, false));
    assert!(replayed(&server.pay_once("b", 10_000, "18").await));
    let paid = server.pay_once("c", 1, "17").await;
    assert_eq!(paid.status(), StatusCode::CONFLICT);
    assert_eq!(server.balances().await, ["9999", "1"]);
}

/// Each server is killed while it works. Another one continues, and every retry ends in one transfer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_moves_once_however_often_servers_are_killed() {
    let database = PostgresServer::start(&[]);
    let mut order = 0;
    for _ in 0..5 {
        let server = Server::start(&database);
        for _ in 0..10 {
            order += 1;
            // Some requests get a response, others are lost with the server.
            let request = server.pay(&order.to_string(), 1, &order.to_string());
            tokio::spawn(async move {
                while let Some(request) = request.try_clone()
                    && request.send().await.is_ok_and(|response| is_busy(&response))
                {
                }
            });
        }
        let transfers = format!("SELECT count(*) >= {} FROM transfer", order - 5);
        database.until(&transfers, |enough| enough == "t");
        drop(server);
    }
    let server = Server::start(&database);
    for order in 1..=order {
        let order = order.to_string();
        loop {
            let answer = server.pay_once(&order, 1, &order).await;
            if answer.status() == StatusCode::CREATED {
                break;
            }
            // The transaction of a server that was killed may still be open.
            assert_eq!(answer.status(), StatusCode::CONFLICT);
            assert!(
                answer.headers().contains_key("retry-after"),
                "the conflict is the open transaction: the invoice is unpaid"
            );
        }
    }
    assert_eq!(server.balances().await, ["9950", "50"]);
}
