//! A socket, for what no HTTP library does.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection by hand.
#[derive(Debug)]
pub struct Raw(TcpStream);

/// How a client leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// It closes the connection.
    Fin,
    /// It resets the connection.
    Rst,
    /// It closes its side and still listens.
    HalfClose,
}

impl Raw {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.expect("the server listens"))
    }

    /// Sends bytes.
    pub async fn send(&mut self, bytes: &[u8]) {
        // A server that has refused the request need not read the rest of it; its answer tells.
        drop(self.0.write_all(bytes).await);
    }

    /// Leaves. What it gives back keeps a half-closed connection open.
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

    /// Reads so many bytes of the answer.
    pub async fn read(&mut self, bytes: usize) {
        self.0.read_exact(&mut vec![0; bytes]).await.expect("the server sends more");
    }

    /// Reads until the server closes, and gives the status of what it answered: `None` for nothing.
    pub async fn status(mut self) -> Option<u16> {
        let mut answer = Vec::new();
        // A server that refuses a request in the middle of its body may reset what it did not read.
        drop(self.0.read_to_end(&mut answer).await);
        let text = String::from_utf8_lossy(&answer);
        let status = text.strip_prefix("HTTP/1.1 ")?.get(..3)?;
        Some(status.parse().expect("a status"))
    }
}
