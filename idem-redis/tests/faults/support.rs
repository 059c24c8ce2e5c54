//! A server, a store on it, and a proxy in between.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

use bytes::Bytes;
use idem_conformance::servers::RedisServer;
use idem_core::{
    Answer, Claim, ClaimRequest, Claimed, Conclusion, Existing, Guarantee, Headers,
    IdempotencyStore, Policy, RecordId, State, StoreErrorKind,
};
use idem_redis::RedisStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn request() -> ClaimRequest {
    ClaimRequest::new(&Policy::new(HOUR, Guarantee::AtMostOnce).with_lease(HOUR))
}

pub(crate) fn key() -> RecordId {
    RecordId::from_bytes(rand::random())
}

pub(crate) fn answered(body: impl Into<Bytes>) -> Conclusion {
    Conclusion::Answer(answer(body))
}

pub(crate) fn answer(body: impl Into<Bytes>) -> Answer {
    Answer { status: 201, headers: Headers::default(), body: body.into() }
}

pub(crate) fn completed(body: &'static str) -> Claimed {
    Claimed::Existing(Existing { fingerprint: None, state: State::Completed(answer(body)) })
}

pub(crate) async fn store(server: &RedisServer) -> RedisStore {
    RedisStore::connect(&server.url()).await.unwrap()
}

pub(crate) async fn won(store: &RedisStore) -> Claim {
    match store.claim(key(), request()).await.unwrap() {
        Claimed::Acquired(claim) => claim,
        other => panic!("{other:?}"),
    }
}

/// What a call failed with.
pub(crate) fn failure<T: std::fmt::Debug>(
    answer: Result<T, idem_core::StoreError>,
) -> StoreErrorKind {
    answer.unwrap_err().kind()
}

/// The number of calls of each command, but for those that connections and health checks send.
pub(crate) fn calls(server: &RedisServer) -> HashMap<String, u64> {
    let stats = server.cli(&["info", "commandstats"]);
    let calls = stats.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
    });
    let other = ["info", "incr", "hello", "config|resetstat"];
    calls.filter(|(name, _)| !other.contains(&&**name) && !name.starts_with("client")).collect()
}

/// What a proxy does with the server's replies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Replies {
    Pass,
    Swallow,
}

/// Sits between the store and its server.
#[derive(Clone)]
pub(crate) struct Proxy {
    port: u16,
    target: Arc<AtomicU16>,
    swallows: Arc<AtomicBool>,
    cuts: Arc<watch::Sender<u32>>,
}

impl Proxy {
    pub(crate) async fn before(server: &RedisServer) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            target: Arc::new(AtomicU16::new(server.port())),
            swallows: Arc::default(),
            cuts: Arc::new(watch::Sender::new(0)),
        };
        let serving = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let proxy = serving.clone();
                tokio::spawn(async move { proxy.serve(client).await });
            }
        });
        proxy
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    pub(crate) fn replies(&self, replies: Replies) {
        self.swallows.store(replies == Replies::Swallow, Ordering::SeqCst);
    }

    /// Closes all connections.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Leads to another server from now on.
    pub(crate) fn lead_to(&self, server: &RedisServer) {
        self.target.store(server.port(), Ordering::SeqCst);
        self.cut();
    }

    async fn serve(&self, client: TcpStream) {
        let mut cuts = self.cuts.subscribe();
        let target = (Ipv4Addr::LOCALHOST, self.target.load(Ordering::SeqCst));
        let Ok(server) = TcpStream::connect(target).await else { return };
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let replies = async {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
                let swallowed = self.swallows.load(Ordering::SeqCst);
                if !swallowed && to_client.write_all(&buffer[..read]).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
            () = replies => {}
            _ = cuts.changed() => {}
        }
    }
}
