//! A plain socket, for requests that no HTTP library sends.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A TCP connection.
#[derive(Debug)]
pub struct Raw(TcpStream);

/// A way to disconnect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// Close the connection.
    Fin,
    /// Reset the connection.
    Rst,
    /// Close the sending side and continue to read.
    HalfClose,
}

/// Returns a POST request with a key and a JSON body. The connection stays open after it.
pub fn post(path: &str, key: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let head = format!("POST {path} HTTP/1.1\r\nhost: test\r\ncontent-type: application/json");
    let length = body.len();
    format!("{head}\r\nidempotency-key: {key}\r\ncontent-length: {length}\r\n\r\n{body}").into()
}

impl Raw {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.expect("the server listens"))
    }

    /// Sends bytes.
    pub async fn send(&mut self, bytes: &[u8]) {
        // A server that has refused the request need not read the rest. The test checks its response.
        drop(self.0.write_all(bytes).await);
    }

    /// Disconnects. The returned value keeps a half-closed connection open.
    pub async fn close(mut self, closing: Closing) -> Option<Self> {
        match closing {
            Closing::Fin => None,
            Closing::Rst => {
                self.0.set_zero_linger().expect("a socket option");
                None
            }
            Closing::HalfClose => {
                self.0.shutdown().await.expect("an open connection");
                Some(self)
            }
        }
    }

    /// Reads `bytes` bytes of the response.
    pub async fn read(&mut self, bytes: usize) {
        self.0.read_exact(&mut vec![0; bytes]).await.expect("the server sends more");
    }

    /// Reads the first line of the response.
    pub async fn status_line(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.push(self.0.read_u8().await.expect("the server sends more"));
        }
        String::from_utf8_lossy(&line).into_owned()
    }

    /// Reads a response and returns its status, or `None` if the server has closed the connection.
    pub async fn response(&mut self) -> Option<u16> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.ok()?);
        }
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        self.read(length.map_or(0, |length| length.parse().expect("a number"))).await;
        Some(head.strip_prefix("http/1.1 ")?.get(..3)?.parse().expect("a status"))
    }

    /// Repeats a request on this connection until the server refuses it with 503, or has closed the connection. A
    /// server that stops accepts no new connection, and the pool of an HTTP library could open one.
    pub async fn send_until_stopping(&mut self, request: &[u8]) {
        loop {
            self.send(request).await;
            if matches!(self.response().await, None | Some(503)) {
                return;
            }
        }
    }

    /// Reads until the server closes the connection. Returns the status, or `None` without a response.
    pub async fn status(mut self) -> Option<u16> {
        let mut response = Vec::new();
        // A server that refuses a request before the end of its body may reset the connection.
        drop(self.0.read_to_end(&mut response).await);
        let text = String::from_utf8_lossy(&response);
        let status = text.strip_prefix("HTTP/1.1 ")?.get(..3)?;
        Some(status.parse().expect("a status"))
    }
}
