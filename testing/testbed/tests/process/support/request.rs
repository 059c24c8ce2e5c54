//! A payment that can be sent repeatedly.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::history::{History, Intent};
use super::response::{Problem, Response};
use super::server::{Server, pause};

/// A request. A clone is another attempt.
#[derive(Clone)]
pub(crate) struct Request {
    client: reqwest::Client,
    address: std::net::SocketAddr,
    history: Arc<History>,
    key: String,
    intent: Intent,
    token: &'static str,
    body: Value,
    /// The text of the body, in place of `body`.
    text: Option<String>,
    cookie: &'static str,
}

impl Request {
    pub(super) fn pay(server: &Server, path: &str, key: &str, script: &Value) -> Self {
        let body =
            json!({ "amount": 100, "currency": "EUR", "source": "s", "note": key, "sim": script });
        Self {
            client: server.client.clone(),
            address: server.address,
            history: Arc::clone(&server.history),
            key: key.to_owned(),
            intent: Intent { path: path.to_owned(), note: key.to_owned() },
            token: "alice",
            body,
            text: None,
            cookie: "none",
        }
    }

    /// Sets the bearer token.
    pub(crate) fn token(self, token: &'static str) -> Self {
        Self { token, ..self }
    }

    /// Sets the note, for a key that other requests use for something else.
    pub(crate) fn note(mut self, note: &str) -> Self {
        self.body["note"] = note.into();
        self.intent.note = note.to_owned();
        self
    }

    /// Sets the amount.
    pub(crate) fn amount(mut self, amount: u64) -> Self {
        self.body["amount"] = amount.into();
        self
    }

    /// Sets the text of the body. It must contain the note.
    pub(crate) fn text(self, text: &str) -> Self {
        Self { text: Some(text.to_owned()), ..self }
    }

    /// Sets a cookie.
    pub(crate) fn cookie(self, cookie: &'static str) -> Self {
        Self { cookie, ..self }
    }

    fn body(&self) -> String {
        self.text.clone().unwrap_or_else(|| self.body.to_string())
    }

    /// Sets the HTTP client, such as one for HTTP/2.
    pub(crate) fn over(self, client: reqwest::Client) -> Self {
        Self { client, ..self }
    }

    /// Returns the note of the request.
    pub(crate) fn noted(&self) -> &str {
        &self.intent.note
    }

    /// Returns the same request to another process.
    pub(crate) fn to(&self, server: &Server) -> Self {
        Self { client: server.client.clone(), address: server.address, ..self.clone() }
    }

    /// Sends the request. Returns `None` without a response.
    pub(crate) async fn try_send(&self) -> Option<Response> {
        let sent = self.history.begin(&self.intent);
        let response = self.builder().send().await;
        let response = match response {
            Ok(response) => Response::read(response).await,
            Err(_) => None,
        };
        self.history.end(sent, response.as_ref());
        response
    }

    /// Sends the request.
    pub(crate) async fn send(&self) -> Response {
        self.try_send().await.expect("a response")
    }

    /// Sends the request on a separate task.
    pub(crate) fn start(&self) -> JoinHandle<Option<Response>> {
        let request = self.clone();
        tokio::spawn(async move { request.try_send().await })
    }

    /// Sends the request on a separate task, and waits until `observer` counts its run and this number of effects.
    /// Sends it again if the store had no time for its claim, as on a busy machine.
    ///
    /// # Panics
    /// If the request ends without these counts for another reason.
    pub(crate) async fn start_run(
        &self,
        observer: &Server,
        effects: u64,
    ) -> JoinHandle<Option<Response>> {
        loop {
            let sent = self.start();
            loop {
                let has_ended = sent.is_finished();
                let counts = observer.counts(self.noted()).await;
                if (counts.attempts, counts.effects) == (1, effects) {
                    return sent;
                }
                if has_ended {
                    break;
                }
                pause().await;
            }
            let response = sent.await.expect("the task does not panic");
            let is_refused = response.as_ref().is_some_and(|it| it.is(Problem::StoreUnavailable));
            assert!(is_refused, "the request ended before its run: {response:?}");
        }
    }

    /// Sends the request until the response satisfies `condition`.
    pub(crate) async fn until(&self, condition: impl Fn(&Response) -> bool) -> Response {
        loop {
            let response = self.send().await;
            if condition(&response) {
                return response;
            }
            pause().await;
        }
    }

    /// Like [`until`](Self::until), but ignores attempts without a response.
    pub(crate) async fn until_received(&self, condition: impl Fn(&Response) -> bool) -> Response {
        loop {
            match self.try_send().await {
                Some(response) if condition(&response) => return response,
                _ => pause().await,
            }
        }
    }

    /// Sends the request until the response is not `in-progress`.
    pub(crate) async fn until_settled(&self) -> Response {
        self.until(|response| !response.is(Problem::InProgress)).await
    }

    /// Sends the request until the response is not `in-progress`, or until there is no response.
    pub(crate) async fn until_settled_or_gone(&self) {
        while self.try_send().await.is_some_and(|response| response.is(Problem::InProgress)) {
            pause().await;
        }
    }

    /// Sends the request on a plain socket.
    pub(crate) async fn raw(&self) -> TcpStream {
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        connection.write_all(&self.bytes()).await.unwrap();
        connection
    }

    /// Sends the head on a plain socket, waits for `100 Continue`, and sends the first half of the body. Returns
    /// the connection and the rest.
    pub(crate) async fn raw_half(&self) -> (TcpStream, Vec<u8>) {
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        let head = self.head("expect: 100-continue\r\n");
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut interim = [0; 25];
        connection.read_exact(&mut interim).await.unwrap();
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
        let mut body = self.body().into_bytes();
        let rest = body.split_off(body.len() / 2);
        connection.write_all(&body).await.unwrap();
        (connection, rest)
    }

    /// Returns the request for a plain socket.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        (self.head("") + &self.body()).into()
    }

    fn head(&self, more: &str) -> String {
        format!(
            "POST {} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {}\r\nidempotency-key: \"{}\"\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n{more}\r\n",
            self.intent.path,
            self.token,
            self.key,
            self.body().len()
        )
    }

    /// Sends the request and stops waiting for the response after `limit`.
    pub(crate) async fn send_within(&self, limit: Duration) -> Option<Response> {
        tokio::time::timeout(limit, self.try_send()).await.ok().flatten()
    }

    /// Sends the request and returns the response before its body. It is not part of the history.
    pub(crate) async fn open(&self) -> reqwest::Response {
        self.builder().send().await.expect("a response")
    }

    fn builder(&self) -> reqwest::RequestBuilder {
        self.client
            .post(format!("http://{}{}", self.address, self.intent.path))
            .bearer_auth(self.token)
            .header("idempotency-key", format!("\"{}\"", self.key))
            .header("cookie", self.cookie)
            .header("content-type", "application/json")
            .body(self.body())
    }
}
