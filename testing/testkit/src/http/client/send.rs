//! Ways to send a request: as a library does, or as no library would.

use std::time::Duration;

use super::{Problem, Raw, Request, Response};

impl Request {
    /// Sends it and reads the answer, which must be whole.
    pub async fn send(&self) -> Response {
        let answer = self.try_send().await.expect("the server answers");
        assert!(answer.whole, "it breaks off: {answer:?}");
        answer
    }

    /// Sends it and reads the answer, as far as it comes.
    pub async fn try_send(&self) -> Option<Response> {
        let url = format!("http://{}{}", self.address, self.path);
        let request = self.client.request(self.method.clone(), url).body(self.body.clone());
        let response = request.headers(self.headers.clone()).send().await;
        Some(Response::read(response.ok()?).await)
    }

    /// Sends it on a task of its own.
    pub fn spawn(&self) -> tokio::task::JoinHandle<Response> {
        let request = self.clone();
        tokio::spawn(async move { request.send().await })
    }

    /// Sends it until the answer is not that the first is still in progress.
    pub async fn send_until_settled(&self) -> Response {
        self.send_until(|answer| !answer.is(&Problem::IN_PROGRESS)).await
    }

    /// Sends it until the answer is such.
    pub async fn send_until(&self, such: impl Fn(&Response) -> bool) -> Response {
        loop {
            let answer = self.send().await;
            if such(&answer) {
                return answer;
            }
            // Only so as not to spin; whatever it is, the loop ends by the answer alone.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Sends it on a socket of its own and leaves the answer to be read.
    pub async fn send_raw(&self) -> Raw {
        self.begin(&[], self.body.len()).await
    }

    /// Sends it on a socket of its own with one more header line, whatever its bytes.
    pub async fn send_with_line(&self, line: &[u8]) -> Raw {
        self.begin(&[line], self.body.len()).await
    }

    /// Sends it up to the middle of its body.
    pub async fn send_truncated(&self) -> Raw {
        self.begin(&[], self.body.len() / 2).await
    }

    async fn begin(&self, lines: &[&[u8]], sent: usize) -> Raw {
        let length = format!("content-length: {}", self.body.len());
        let head = self.head(&[&[length.as_bytes()], lines].concat());
        let mut raw = Raw::connect(self.address).await;
        raw.send(&[&head, &self.body[..sent]].concat()).await;
        raw
    }

    /// Sends its body in chunks of `size` bytes, its length unannounced.
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
