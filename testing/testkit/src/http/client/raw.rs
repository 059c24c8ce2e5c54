//! A plain socket, for requests that no HTTP library sends.

use std::net::SocketAddr;

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
