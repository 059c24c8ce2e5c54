//! The service behind the handlers. It counts runs and follows their scripts.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::watch;

use super::{Gate, HandlerScript, Label, Order, Reply};

/// The state of a scenario app. Clones share it.
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

/// The counts of one note.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The number of times a handler was entered.
    pub attempts: u64,
    /// The number of effects. A handler has its effect after the gate.
    pub effects: u64,
}

/// Counts a request while the framework handles it.
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
    /// Creates a payment: 201, with a body and headers that differ in every run.
    pub async fn pay(&self, order: Order) -> Reply {
        let script = self.enter(&order.note, order.script).await;
        let seq = self.next();
        let body = receipt(&order.note, order.amount.get(), seq, script.size);
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
        reply.with_script(&script)
    }

    /// Changes payment `id`: 200 and a new version, or 412 if `if_match` names an old version.
    pub async fn amend(&self, id: &str, if_match: Option<&[u8]>, order: Order) -> Reply {
        let script = self.enter(&order.note, order.script).await;
        let mut versions = self.0.versions.lock().unwrap();
        let version = versions.entry(id.to_owned()).or_default();
        if if_match.is_some_and(|tag| tag != format!("\"{version}\"").as_bytes()) {
            return Reply::new(412, "text/plain", Bytes::from_static(b"stale"));
        }
        *version += 1;
        let body = receipt(&order.note, order.amount.get(), *version, script.size);
        let mut reply = Reply::new(200, "application/json", body);
        reply.push("etag", &format!("\"{version}\""));
        reply.with_script(&script)
    }

    /// Returns 200 with the body of the request.
    pub async fn echo(&self, label: &Label, body: Bytes) -> Reply {
        self.enter(&label.note, HandlerScript::default()).await;
        Reply::new(200, "application/octet-stream", body)
    }

    /// Returns 204.
    pub async fn touch(&self, label: &Label) -> Reply {
        self.enter(&label.note, HandlerScript::default()).await;
        Reply::new(204, "", Bytes::new()).only(204)
    }

    /// Counts the run and performs the first steps of its script. Returns the remaining steps.
    async fn enter(&self, note: &str, script: HandlerScript) -> HandlerScript {
        let attempt = self.tally(note, |tally| tally.attempts += 1).attempts;
        let script = if script.once && attempt > 1 { HandlerScript::default() } else { script };
        if script.gate {
            self.gate(note).pass().await;
        }
        std::thread::sleep(Duration::from_millis(script.block_ms));
        self.tally(note, |tally| tally.effects += 1);
        assert!(!script.panic, "the handler panics as instructed");
        script
    }

    fn next(&self) -> u64 {
        self.0.sequence.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// Methods for scenarios and for layers.
impl Payments {
    /// Returns the counts of `note`.
    pub fn tally_of(&self, note: &str) -> Tally {
        self.tally(note, |_| {})
    }

    fn tally(&self, note: &str, change: impl FnOnce(&mut Tally)) -> Tally {
        let mut tallies = self.0.tallies.lock().unwrap();
        let tally = tallies.entry(note.to_owned()).or_default();
        change(tally);
        *tally
    }

    /// Returns the gate of `note`.
    pub fn gate(&self, note: &str) -> Arc<Gate> {
        Arc::clone(self.0.gates.lock().unwrap().entry(note.to_owned()).or_default())
    }

    /// Counts a request until the returned value is dropped. The outermost layer holds it for each request.
    pub fn present(&self) -> Present {
        self.0.present.send_modify(|present| *present += 1);
        Present(self.clone())
    }

    /// Waits until the framework handles exactly `requests` requests.
    pub async fn until_present(&self, requests: usize) {
        let mut present = self.0.present.subscribe();
        present.wait_for(|present| *present == requests).await.expect("self owns the sender");
    }
}

/// Returns a response body, padded to exactly `size` bytes if given.
fn receipt(note: &str, amount: u64, seq: u64, size: Option<usize>) -> Bytes {
    let json = |pad: &str| {
        serde_json::to_vec(&Receipt { id: seq, amount, note, seq, pad }).expect("plain values")
    };
    let bare = json("");
    let pad = size.map_or(0, |size| size.checked_sub(bare.len()).expect("room for the fields"));
    if pad == 0 { bare.into() } else { json(&"x".repeat(pad)).into() }
}
