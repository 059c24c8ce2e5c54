//! Ways to send a request: by a library, or over a plain socket.

use std::time::Duration;

use bytes::Bytes;

use super::{Problem, Raw, Request, Response};

impl Request {
    /// Sends the request and reads the response, which must be complete.
    pub async fn send(&self) -> Response {
        let response = self.try_send().await.expect("the server responds");
        assert!(response.whole, "incomplete: {response:?}");
        response
    }

    /// Sends the request and reads the response as far as it arrives.
    pub async fn try_send(&self) -> Option<Response> {
        self.ends.stored().await;
        let url = format!("http://{}{}", self.address, self.path);
        let request = self.client.request(self.method.clone(), url).body(self.body.clone());
        let response = request.headers(self.headers.clone()).send().await;
        Some(Response::read(response.ok()?).await)
    }

    /// Sends the request and reads the head of the response.
    pub async fn open(&self) -> Open {
        self.ends.stored().await;
        let url = format!("http://{}{}", self.address, self.path);
        let request = self.client.request(self.method.clone(), url).body(self.body.clone());
        let response = request.headers(self.headers.clone()).send().await;
        let response = response.expect("the server responds");
        Open { status: response.status().as_u16(), response }
    }

    /// Sends the request on a separate task.
    pub fn spawn(&self) -> tokio::task::JoinHandle<Response> {
        let request = self.clone();
        tokio::spawn(async move { request.send().await })
    }

    /// Sends the request until the response is not `in-progress`, and while a busy store replies too late.
    pub async fn send_until_settled(&self) -> Response {
        let passing = [Problem::STORE_UNAVAILABLE, Problem::IN_PROGRESS];
        self.send_until(|response| !passing.iter().any(|problem| response.is(problem))).await
    }

    /// Sends the request until the store has replied to its claim in time. A busy store exceeds a short store timeout or lease,
    /// and until its late claim is abandoned, the request is in progress.
    pub async fn send_until_served(&self) -> Response {
        let first = self.send().await;
        if first.is(&Problem::STORE_UNAVAILABLE) { self.send_until_settled().await } else { first }
    }

    /// Sends the request until the response satisfies `condition`.
    pub async fn send_until(&self, condition: impl Fn(&Response) -> bool) -> Response {
        loop {
            let response = self.send().await;
            if condition(&response) {
                return response;
            }
            // Avoids a busy loop. Only the response ends the loop.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Sends the request on a plain socket without reading the response.
    pub async fn send_raw(&self) -> Raw {
        self.begin(&[], self.body.len()).await
    }

    /// Sends the request on a plain socket, with an additional header line of any bytes.
    pub async fn send_with_line(&self, line: &[u8]) -> Raw {
        self.begin(&[line], self.body.len()).await
    }

    /// Sends the request up to the middle of its body.
    pub async fn send_truncated(&self) -> Raw {
        self.begin(&[], self.body.len() / 2).await
    }

    async fn begin(&self, lines: &[&[u8]], sent: usize) -> Raw {
        self.ends.stored().await;
        let length = format!("content-length: {}", self.body.len());
        let head = self.head(&[&[length.as_bytes()], lines].concat());
        let mut raw = Raw::connect(self.address).await;
        raw.send(&[&head, &self.body[..sent]].concat()).await;
        raw
    }

    /// Sends the request with a chunked body of `size` bytes per chunk, without `Content-Length`.
    pub async fn send_chunked(&self, size: usize) -> Raw {
        let mut raw = Raw::connect(self.address).await;
        raw.send(&self.head(&[b"transfer-encoding: chunked"])).await;
        for chunk in self.body.chunks(size) {
            raw.send(format!("{:x}\r\n", chunk.len()).as_bytes()).await;
            raw.send(chunk).await;
            raw.send(b"\r\n").await;
        }
        raw.send(b"0\r\n\r\n").await;
        raw
    }

    fn head(&self, lines: &[&[u8]]) -> Vec<u8> {
        let start = format!("{} {} HTTP/1.1\r\nhost: test", self.method, self.path);
        let mut head = [start.as_bytes(), b"\r\nconnection: close"].concat();
        for (name, value) in &self.headers {
            head.extend([b"\r\n", name.as_str().as_bytes(), b": ", value.as_bytes()].concat());
        }
        for line in lines {
            head.extend([b"\r\n", *line].concat());
        }
        head.extend(b"\r\n\r\n");
        head
    }
}

/// A response whose body is read in parts.
#[derive(Debug)]
pub struct Open {
    /// The status.
    pub status: u16,
    response: reqwest::Response,
}

impl Open {
    /// Reads the next part of the body.
    pub async fn chunk(&mut self) -> Bytes {
        let chunk = self.response.chunk().await.expect("a complete chunk");
        chunk.expect("the body continues")
    }
}
