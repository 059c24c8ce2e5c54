//! A payment that can be sent again and again.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::history::{History, Intent};
use super::response::{Problem, Response};
use super::server::{Server, pause};

/// A request. Cloning gives another attempt of it.
#[derive(Clone)]
pub(crate) struct Request {
    client: reqwest::Client,
    address: std::net::SocketAddr,
    history: Arc<History>,
    key: String,
    intent: Intent,
    token: &'static str,
    body: Value,
    /// In place of `body`.
    text: Option<String>,
    cookie: &'static str,
}

impl Request {
    pub(super) fn pay(server: &Server, path: &str, key: &str, sim: &Value) -> Self {
        let body =
            json!({ "amount": 100, "currency": "EUR", "source": "s", "note": key, "sim": sim });
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

    /// Sent by the bearer of another token.
    pub(crate) fn token(self, token: &'static str) -> Self {
        Self { token, ..self }
    }

    /// Counted under a note of its own, because others use the same key for something else.
    pub(crate) fn note(mut self, note: &str) -> Self {
        self.body["note"] = note.into();
        self.intent.note = note.to_owned();
        self
    }

    /// With this body, to the letter. It must name the note.
    pub(crate) fn text(self, text: &str) -> Self {
        Self { text: Some(text.to_owned()), ..self }
    }

    /// Sent with a cookie.
    pub(crate) fn cookie(self, cookie: &'static str) -> Self {
        Self { cookie, ..self }
    }

    fn body(&self) -> String {
        self.text.clone().unwrap_or_else(|| self.body.to_string())
    }

    /// Sent over a client of its own, such as one that speaks HTTP/2.
    pub(crate) fn over(self, client: reqwest::Client) -> Self {
        Self { client, ..self }
    }

    /// The note under which it is counted.
    pub(crate) fn noted(&self) -> &str {
        &self.intent.note
    }

    /// The same to another process.
    pub(crate) fn to(&self, server: &Server) -> Self {
        Self { client: server.client.clone(), address: server.address, ..self.clone() }
    }

    /// Sends it; `None` if nobody answers.
    pub(crate) async fn try_send(&self) -> Option<Response> {
        let sent = self.history.begin(&self.intent);
        let response = self.builder().send().await;
        let answer = match response {
            Ok(response) => Response::read(response).await,
            Err(_) => None,
        };
        self.history.end(sent, answer.as_ref());
        answer
    }

    /// Sends it.
    pub(crate) async fn send(&self) -> Response {
        self.try_send().await.expect("the server answers")
    }

    /// Sends it on a task of its own.
    pub(crate) fn start(&self) -> JoinHandle<Option<Response>> {
        let request = self.clone();
        tokio::spawn(async move { request.try_send().await })
    }

    /// Sends it until the answer is such.
    pub(crate) async fn until(&self, such: impl Fn(&Response) -> bool) -> Response {
        loop {
            let answer = self.send().await;
            if such(&answer) {
                return answer;
            }
            pause().await;
        }
    }

    /// [`until`](Self::until), whether or not somebody answers each time.
    pub(crate) async fn until_heard(&self, such: impl Fn(&Response) -> bool) -> Response {
        loop {
            match self.try_send().await {
                Some(answer) if such(&answer) => return answer,
                _ => pause().await,
            }
        }
    }

    /// Sends it until the answer is not that the first is in progress.
    pub(crate) async fn until_settled(&self) -> Response {
        self.until(|answer| !answer.is(Problem::InProgress)).await
    }

    /// Sends it until the answer is not that the first is in progress, or nobody answers.
    pub(crate) async fn until_settled_or_gone(&self) {
        while self.try_send().await.is_some_and(|answer| answer.is(Problem::InProgress)) {
            pause().await;
        }
    }

    /// Sends it on a connection by hand.
    pub(crate) async fn by_hand(&self) -> TcpStream {
        let mut connection = self.head_by_hand("").await;
        connection.write_all(self.body().as_bytes()).await.unwrap();
        connection
    }

    /// Sends its head on a connection by hand, waits until the server asks for the body, and sends the
    /// first half of it. Gives back the rest.
    pub(crate) async fn half_by_hand(&self) -> (TcpStream, Vec<u8>) {
        let mut connection = self.head_by_hand("expect: 100-continue\r\n").await;
        let mut go_on = [0; 25];
        connection.read_exact(&mut go_on).await.unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        let mut body = self.body().into_bytes();
        let rest = body.split_off(body.len() / 2);
        connection.write_all(&body).await.unwrap();
        (connection, rest)
    }

    async fn head_by_hand(&self, more: &str) -> TcpStream {
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {}\r\nidempotency-key: \"{}\"\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n{more}\r\n",
            self.intent.path,
            self.token,
            self.key,
            self.body().len()
        );
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        connection.write_all(head.as_bytes()).await.unwrap();
        connection
    }

    /// Sends it and gives the answer up after a while.
    pub(crate) async fn send_within(&self, patience: Duration) -> Option<Response> {
        tokio::time::timeout(patience, self.try_send()).await.ok().flatten()
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
