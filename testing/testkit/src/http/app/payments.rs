//! The service behind the handlers: it counts what ran and answers as it is told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::watch;

use super::{Gate, Label, Order, Reply, Sim};

/// The state of a scenario app. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Payments(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    sequence: AtomicU64,
    tallies: Mutex<HashMap<String, Tally>>,
    gates: Mutex<HashMap<String, Arc<Gate>>>,
    versions: Mutex<HashMap<String, u64>>,
    present: watch::Sender<usize>,
}

/// What happened under one note.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How often a handler was entered.
    pub attempts: u64,
    /// How often it had its effect, which it has after the gate.
    pub effects: u64,
}

/// Held as long as the framework works on a request.
#[derive(Debug)]
pub struct Present(Payments);

impl Drop for Present {
    fn drop(&mut self) {
        self.0.0.present.send_modify(|present| *present -= 1);
    }
}

#[derive(Serialize)]
struct Receipt<'a> {
    id: u64,
    amount: u64,
    note: &'a str,
    seq: u64,
    pad: &'a str,
}

impl Payments {
    /// A new payment: 201, with a body and headers that differ from run to run.
    pub async fn pay(&self, order: Order) -> Reply {
        let sim = self.enter(&order.note, order.sim).await;
        let seq = self.next();
        let body = receipt(&order.note, order.amount.get(), seq, sim.size);
        let mut reply = Reply::new(201, "application/json", body);
        for (name, value) in [
            ("location", format!("/payments/{seq}")),
            ("etag", format!("\"{seq}\"")),
            ("x-resource-version", seq.to_string()),
            ("link", format!("</payments/{seq}>; rel=\"self\"")),
            ("link", "</terms>; rel=\"terms-of-service\", </help>; rel=\"help\"".to_owned()),
            ("cache-control", "private".to_owned()),
            ("set-cookie", format!("session={seq}")),
            ("x-request-id", format!("request-{seq}")),
        ] {
            reply.push(name, &value);
        }
        reply.bent_by(&sim)
    }

    /// A change of payment `id`: 200 and a new version, or 412 if `if_match` names an old one.
    pub async fn amend(&self, id: &str, if_match: Option<&[u8]>, order: Order) -> Reply {
        let sim = self.enter(&order.note, order.sim).await;
        let mut versions = self.0.versions.lock().unwrap();
        let version = versions.entry(id.to_owned()).or_default();
        if if_match.is_some_and(|tag| tag != format!("\"{version}\"").as_bytes()) {
            return Reply::new(412, "text/plain", Bytes::from_static(b"stale"));
        }
        *version += 1;
        let body = receipt(&order.note, order.amount.get(), *version, sim.size);
        let mut reply = Reply::new(200, "application/json", body);
        reply.push("etag", &format!("\"{version}\""));
        reply.bent_by(&sim)
    }

    /// 200 and the bytes that came.
    pub async fn echo(&self, label: &Label, body: Bytes) -> Reply {
        self.enter(&label.note, Sim::default()).await;
        Reply::new(200, "application/octet-stream", body)
    }

    /// 204.
    pub async fn touch(&self, label: &Label) -> Reply {
        self.enter(&label.note, Sim::default()).await;
        Reply::new(204, "", Bytes::new()).only(204)
    }

    /// Counts the run and follows the first of its instructions; gives those that are left.
    async fn enter(&self, note: &str, sim: Sim) -> Sim {
        let attempt = self.tally(note, |tally| tally.attempts += 1).attempts;
        let sim = if sim.once && attempt > 1 { Sim::default() } else { sim };
        if sim.gate {
            self.gate(note).pass().await;
        }
        std::thread::sleep(Duration::from_millis(sim.block_ms));
        self.tally(note, |tally| tally.effects += 1);
        assert!(!sim.panic, "the handler panics as told");
        sim
    }

    fn next(&self) -> u64 {
        self.0.sequence.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// For scenarios and for layers.
impl Payments {
    /// What happened under `note`.
    pub fn tally_of(&self, note: &str) -> Tally {
        self.tally(note, |_| {})
    }

    fn tally(&self, note: &str, change: impl FnOnce(&mut Tally)) -> Tally {
        let mut tallies = self.0.tallies.lock().unwrap();
        let tally = tallies.entry(note.to_owned()).or_default();
        change(tally);
        *tally
    }

    /// The gate that handlers stop at for `note`, if they are told to.
    pub fn gate(&self, note: &str) -> Arc<Gate> {
        Arc::clone(self.0.gates.lock().unwrap().entry(note.to_owned()).or_default())
    }

    /// To be held by the outermost layer around each request, and dropped with it.
    pub fn present(&self) -> Present {
        self.0.present.send_modify(|present| *present += 1);
        Present(self.clone())
    }

    /// Waits until the framework works on exactly `requests`.
    pub async fn until_present(&self, requests: usize) {
        let mut present = self.0.present.subscribe();
        present.wait_for(|present| *present == requests).await.expect("the sender is here");
    }
}

/// The body of an answer, of exactly `size` bytes if that is wanted.
fn receipt(note: &str, amount: u64, seq: u64, size: Option<usize>) -> Bytes {
    let json = |pad: &str| {
        serde_json::to_vec(&Receipt { id: seq, amount, note, seq, pad }).expect("plain values")
    };
    let bare = json("");
    let pad = size.map_or(0, |size| size.checked_sub(bare.len()).expect("room for the fields"));
    if pad == 0 { bare.into() } else { json(&"x".repeat(pad)).into() }
}
