//! A TCP proxy between a store and its server that loses traffic.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::wait::MAX_WAIT;

/// The treatment of the server's replies by a [`Proxy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replies {
    /// Forward replies.
    Pass,
    /// Discard replies.
    Swallow,
    /// Forward each reply after a delay.
    Delay(Duration),
}

/// Forwards bytes between a store and its server, on the runtime that created it.
#[derive(Clone)]
pub struct Proxy(Arc<State>);

struct State {
    port: u16,
    target: AtomicU16,
    replies: Mutex<Replies>,
    trap: Mutex<Option<(Vec<u8>, Trap)>>,
    triggered: Notify,
    cuts: watch::Sender<u32>,
}

/// The treatment of a connection whose client sends certain bytes.
#[derive(Clone, Copy)]
enum Trap {
    /// The bytes do not arrive, and the connection is closed.
    CutBefore,
    /// The bytes arrive, and the connection is closed before the reply.
    CutAfter,
    /// The bytes do not arrive, and the connection stays open.
    Hold,
    /// The bytes arrive, all replies are discarded, and the connection stays open.
    Silence,
}

impl Proxy {
    /// Starts a proxy in front of the server at `port` of the loopback interface.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn before(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let proxy = Self(Arc::new(State {
            port: listener.local_addr().expect("bound").port(),
            target: AtomicU16::new(port),
            replies: Mutex::new(Replies::Pass),
            trap: Mutex::default(),
            triggered: Notify::new(),
            cuts: watch::Sender::new(0),
        }));
        let state = Arc::clone(&proxy.0);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = Arc::clone(&state);
                tokio::spawn(async move { state.serve(client).await });
            }
        });
        proxy
    }

    /// Returns the port of the proxy on the loopback interface.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// Sets the treatment of the server's replies.
    pub fn replies(&self, replies: Replies) {
        *lock(&self.0.replies) = replies;
    }

    /// Closes all connections.
    pub fn cut(&self) {
        self.0.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Closes the next connection on which a client sends `bytes`, before they arrive. Empty `bytes` match any
    /// request.
    pub fn cut_before(&self, bytes: impl Into<Vec<u8>>) {
        *lock(&self.0.trap) = Some((bytes.into(), Trap::CutBefore));
    }

    /// Closes the next connection on which a client sends `bytes`, after the server has replied. The reply does
    /// not arrive.
    pub fn cut_after(&self, bytes: impl Into<Vec<u8>>) {
        *lock(&self.0.trap) = Some((bytes.into(), Trap::CutAfter));
    }

    /// Holds back `bytes`, and everything after them, on the next connection on which a client sends them. The
    /// client seems to have stopped just before.
    pub fn hold(&self, bytes: impl Into<Vec<u8>>) {
        *lock(&self.0.trap) = Some((bytes.into(), Trap::Hold));
    }

    /// Discards all further replies on the next connection on which a client sends `bytes`. The bytes arrive.
    pub fn silence_after(&self, bytes: impl Into<Vec<u8>>) {
        *lock(&self.0.trap) = Some((bytes.into(), Trap::Silence));
    }

    /// Resolves when a trap was triggered since the last call.
    ///
    /// # Panics
    /// If this takes longer than 30 s.
    pub async fn triggered(&self) {
        if timeout(MAX_WAIT, self.0.triggered.notified()).await.is_ok() {
            return;
        }
        match &*lock(&self.0.trap) {
            Some((bytes, _)) => {
                panic!("no client has sent \"{}\" within {MAX_WAIT:?}", bytes.escape_ascii())
            }
            None => panic!("the proxy has no trap that a client can trigger"),
        }
    }

    /// Forwards to another server, and closes all connections.
    pub fn redirect_to(&self, port: u16) {
        self.0.target.store(port, Ordering::SeqCst);
        self.cut();
    }
}

impl State {
    async fn serve(&self, client: TcpStream) {
        let mut cuts = self.cuts.subscribe();
        let target = (Ipv4Addr::LOCALHOST, self.target.load(Ordering::SeqCst));
        let Ok(server) = TcpStream::connect(target).await else { return };
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let trapped = OnceLock::new();
        tokio::select! {
            () = self.pass_requests(from_client, to_server, &trapped) => {}
            () = self.pass_replies(from_server, to_client, &trapped) => {}
            _ = cuts.changed() => {}
        }
    }

    async fn pass_requests(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        trapped: &OnceLock<Trap>,
    ) {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            match self.trigger(&buffer[..read]) {
                Some(Trap::CutBefore) => return,
                Some(Trap::Hold) => std::future::pending().await,
                Some(trap) => drop(trapped.set(trap)),
                None => {}
            }
            if to.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    }

    async fn pass_replies(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        trapped: &OnceLock<Trap>,
    ) {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            match trapped.get() {
                Some(Trap::CutAfter) => return,
                Some(Trap::Silence) => continue,
                _ => {}
            }
            let replies = *lock(&self.replies);
            match replies {
                Replies::Pass => {}
                Replies::Swallow => continue,
                Replies::Delay(delay) => tokio::time::sleep(delay).await,
            }
            if to.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    }

    /// Returns the trap if these bytes trigger it. A trap is triggered once.
    fn trigger(&self, bytes: &[u8]) -> Option<Trap> {
        let mut trap = lock(&self.trap);
        let (awaited, _) = trap.as_ref()?;
        let matched =
            awaited.is_empty() || bytes.windows(awaited.len()).any(|window| window == awaited);
        let (_, trap) = matched.then(|| trap.take()).flatten()?;
        self.triggered.notify_one();
        Some(trap)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
