//! A server that handles each connection according to a script.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The handling of one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// The connection is closed before anything is read. This resets it, because there is unread data.
    ResetUnread,
    /// The request is read, then the connection is closed.
    CloseUnanswered,
    /// The request is read, then the connection is reset.
    ResetUnanswered,
    /// The request is read, these bytes are sent, then the connection is closed.
    Send(&'static str),
    /// The request is read, these bytes are sent, and the connection stays open without more data.
    SendAndHang(&'static str),
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) async fn start(fates: impl IntoIterator<Item = Fate>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let fates: VecDeque<Fate> = fates.into_iter().collect();
        tokio::spawn(serve(listener, fates, requests.clone()));
        Self { address, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/payments", self.address)
    }

    /// The requests that were read, with heads and bodies.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Serves until the script ends. Later connections are refused.
async fn serve(
    listener: TcpListener,
    mut fates: VecDeque<Fate>,
    requests: Arc<Mutex<Vec<String>>>,
) {
    while let Some(fate) = fates.pop_front() {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(handle(stream, fate, requests.clone()));
    }
}

async fn handle(mut stream: TcpStream, fate: Fate, requests: Arc<Mutex<Vec<String>>>) {
    if let Fate::ResetUnread = fate {
        stream.readable().await.unwrap();
        return;
    }
    let Some(request) = read(&mut stream).await else { return };
    requests.lock().unwrap().push(request);
    match fate {
        Fate::ResetUnread | Fate::CloseUnanswered => {}
        Fate::ResetUnanswered => stream.set_zero_linger().unwrap(),
        Fate::Send(bytes) => stream.write_all(bytes.as_bytes()).await.unwrap(),
        Fate::SendAndHang(bytes) => {
            stream.write_all(bytes.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        }
    }
}

/// Reads a head, and a body of the length given in the head. Returns `None` if the client disconnects first.
async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    loop {
        if stream.read_buf(&mut request).await.unwrap() == 0 {
            return None;
        }
        let text = String::from_utf8(request.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.unwrap().parse().unwrap() {
            return Some(text);
        }
    }
}
