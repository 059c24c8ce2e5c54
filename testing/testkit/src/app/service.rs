//! The service behind the handlers.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::watch;

use super::provider::take;
use super::{
    Act, Amendment, Charge, Effect, Entry, Gate, HandlerScript, IfMatch, Ledger, NewLabel, Note,
    Payment, PerformEffect, Reply,
};
use crate::watchdog::watched;

/// The number of bytes by which a padded response body exceeds the size in its script.
pub const PAD_OVERHEAD: usize = r#","pad":"""#.len();

/// The payments service. Clones share one state.
#[derive(Clone, Debug)]
pub struct Service {
    pub(super) ledger: Arc<dyn Ledger>,
    gates: Arc<Mutex<HashMap<String, Arc<Gate>>>>,
    present: Arc<watch::Sender<usize>>,
    producers: Arc<watch::Sender<usize>>,
}

/// A request that the framework handles at the moment, or a body that is produced. It is counted until this value is
/// dropped.
#[derive(Debug)]
pub struct Present(Arc<watch::Sender<usize>>);

impl Present {
    fn count(counter: &Arc<watch::Sender<usize>>) -> Self {
        counter.send_modify(|present| *present += 1);
        Self(Arc::clone(counter))
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.send_modify(|present| *present -= 1);
    }
}

impl Service {
    /// Creates a service that counts in `ledger`.
    pub fn new(ledger: impl Ledger) -> Self {
        Self {
            ledger: Arc::new(ledger),
            gates: Arc::default(),
            present: Arc::default(),
            producers: Arc::default(),
        }
    }

    /// Returns the gate of `note`.
    pub fn gate(&self, note: &str) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry(note.to_owned()).or_default())
    }

    /// Counts a request until the returned value is dropped. A layer holds it for each request.
    pub fn present(&self) -> Present {
        Present::count(&self.present)
    }

    /// Waits until the framework handles exactly `requests` requests.
    ///
    /// # Panics
    /// If it does not within 30 s.
    pub async fn until_present(&self, requests: usize) {
        let mut present = self.present.subscribe();
        // It fails only if the sender is dropped, and `self` owns it.
        let reached = async { drop(present.wait_for(|present| *present == requests).await) };
        watched(&format!("the handling of exactly {requests} requests"), reached).await;
    }

    /// Waits until exactly `producers` responses of [`pay`](Self::pay) exist.
    ///
    /// # Panics
    /// If they do not within 30 s.
    pub async fn until_produced(&self, producers: usize) {
        let mut current = self.producers.subscribe();
        // It fails only if the sender is dropped, and `self` owns it.
        let reached = async { drop(current.wait_for(|current| *current == producers).await) };
        watched(&format!("the production of exactly {producers} bodies"), reached).await;
    }

    /// Creates a payment: 201, with a body and headers that differ in every run.
    ///
    /// # Panics
    /// If the script contains a panic.
    pub async fn pay(&self, payment: Payment) -> Reply {
        self.pay_with(payment, &mut Arc::clone(&self.ledger)).await
    }

    /// Like [`pay`](Self::pay), with the effect in another place than the ledger.
    ///
    /// # Panics
    /// If the script contains a panic.
    pub async fn pay_with(&self, payment: Payment, effects: &mut dyn PerformEffect) -> Reply {
        self.pay_as(payment, |_| Act::None, effects).await
    }

    /// Creates a payment as [`pay_with`](Self::pay_with) does, and takes the step that `act` selects before the effect.
    pub(super) async fn pay_as(
        &self,
        payment: Payment,
        act: impl FnOnce(&HandlerScript) -> Act,
        effects: &mut dyn PerformEffect,
    ) -> Reply {
        let Payment { amount, currency, note, script, .. } = payment;
        let Ok(entry) = self.ledger.enter(&note).await else { return not_entered() };
        let script = script.for_entry(entry.number);
        let (seq, id) = (entry.seq, entry.seq.to_string());
        let mut body = json!({
            "id": id, "amount": amount.get(), "currency": currency, "note": note, "seq": seq,
        });
        let Ok(key) = take(act(&script)).await else {
            let recorded = self.ledger.withdrawn(&note, &entry);
            return recorded.map_or_else(|_| not_counted(), |()| not_confirmed());
        };
        let charge = key.map(|key| Charge { key, payment: body.clone() });
        let charge = charge.as_ref();
        if self.perform(&note, &entry, &script, charge, effects).await.is_err() {
            return not_counted();
        }
        if self.ledger.finished(&note, &entry).is_err() {
            return not_counted();
        }
        if script.size > 0 {
            let pad = script.size.saturating_sub(body.to_string().len());
            body["pad"] = "x".repeat(pad).into();
        }
        Reply::json(201, &body)
            .with("location", format!("/payments/{id}"))
            .with("etag", etag(&id, 1))
            .with("x-resource-version", "1")
            .with("link", format!("</payments/{id}>; rel=\"self\""))
            .with("link", "</terms>; rel=\"terms-of-service\"")
            .with("set-cookie", format!("session={:016x}", rand::random::<u64>()))
            .with("x-request-id", format!("{:016x}", rand::random::<u64>()))
            .with("cache-control", "private")
            .with_script(&script)
            .with_producer(Present::count(&self.producers))
    }

    /// Changes a payment: 200 and a new version, or 412 if `if_match` does not match.
    ///
    /// # Panics
    /// If the script contains a panic.
    pub async fn amend(&self, id: &str, if_match: &IfMatch, change: Amendment) -> Reply {
        let Amendment { note, script, .. } = change;
        let Ok(entry) = self.ledger.enter(&note).await else { return not_entered() };
        let version = match self.revise(id, if_match).await {
            Ok(Some(version)) => version,
            Ok(None) => {
                let error = json!({ "error": "the payment has changed", "id": id });
                return Reply::json(412, &error);
            }
            Err(_) => return not_counted(),
        };
        let script = script.for_entry(entry.number);
        let effects = &mut Arc::clone(&self.ledger);
        if self.perform(&note, &entry, &script, None, effects).await.is_err() {
            return not_counted();
        }
        let body = json!({ "id": id, "note": note, "version": version });
        Reply::json(script.status.unwrap_or(200), &body).with("etag", etag(id, version))
    }

    /// Creates a new version if `if_match` matches the current one. Returns `None` otherwise.
    async fn revise(&self, id: &str, if_match: &IfMatch) -> io::Result<Option<u64>> {
        loop {
            let version = self.ledger.version(id).await?;
            if !if_match.allows(&tag(id, version)) {
                return Ok(None);
            }
            let revised = self.ledger.revise_if(id, version).await?;
            if revised.is_some() {
                return Ok(revised);
            }
        }
    }

    /// Returns 200 with the body of the request.
    pub async fn echo(&self, note: &Note, body: Bytes) -> Reply {
        self.count(note, |_| Reply::new(200, "application/octet-stream", body)).await
    }

    /// Returns 201 for any body.
    pub async fn take(&self, note: &Note) -> Reply {
        let created =
            |entry: &Entry| Reply::json(201, &json!({ "note": note.note, "seq": entry.seq }));
        self.count(note, created).await
    }

    /// Stores a file: 201, with its size.
    pub async fn upload(&self, note: &Note, size: usize) -> Reply {
        let stored = |entry: &Entry| {
            Reply::json(201, &json!({ "note": note.note, "size": size, "seq": entry.seq }))
        };
        self.count(note, stored).await
    }

    /// Returns 200 and server-sent events, with the number and the pauses of the script.
    pub async fn events(&self, payment: Payment) -> Reply {
        let (count, pause) = (payment.script.chunks.unwrap_or(3), payment.script.delay_ms);
        let note = Note { note: payment.note };
        self.count(&note, |_| Reply::events(count, Duration::from_millis(pause))).await
    }

    /// Counts an entry and an effect without a script.
    async fn count(&self, note: &Note, reply: impl FnOnce(&Entry) -> Reply) -> Reply {
        let Ok(entry) = self.ledger.enter(&note.note).await else { return not_entered() };
        match self.ledger.effect(&note.note, &entry, None).await {
            Ok(()) => reply(&entry),
            Err(_) => not_counted(),
        }
    }

    /// Sets the label of a payment: 200.
    pub async fn label(&self, id: &str, label: &NewLabel) -> Reply {
        let Ok(version) = self.ledger.revise(id).await else { return not_counted() };
        let body = json!({ "id": id, "label": label.label, "version": version });
        Reply::json(200, &body).with("etag", etag(id, version))
    }

    /// Returns a payment: 200, because every id exists.
    pub async fn show(&self, id: &str) -> Reply {
        let Ok(version) = self.ledger.version(id).await else { return not_counted() };
        Reply::json(200, &json!({ "id": id, "version": version })).with("etag", etag(id, version))
    }

    /// Returns the URL template of payments: 200.
    pub fn list(&self) -> Reply {
        Reply::json(200, &json!({ "payments": "/payments/{id}" }))
    }

    /// Performs the script of an entry, except for the response.
    async fn perform(
        &self,
        note: &str,
        entry: &Entry,
        script: &HandlerScript,
        charge: Option<&Charge>,
        effects: &mut dyn PerformEffect,
    ) -> io::Result<()> {
        let _queued = script.late_ms.map(|after| self.queued(after, note, entry, charge));
        if script.effect == Effect::Before {
            effects.perform(note, entry, charge).await?;
        }
        script.wait(&self.gate(note)).await;
        if script.effect == Effect::After {
            effects.perform(note, entry, charge).await?;
        }
        assert!(!script.panic, "the handler panics as instructed");
        Ok(())
    }
}

fn etag(id: &str, version: u64) -> String {
    format!("\"{}\"", tag(id, version))
}

fn tag(id: &str, version: u64) -> String {
    format!("{id}-{version}")
}

/// The response when nothing happened, which frees the key.
fn not_entered() -> Reply {
    Reply::json(503, &json!({ "error": "the ledger is down" }))
}

/// The response when another run may own the key, so nothing was sent.
fn not_confirmed() -> Reply {
    Reply::json(503, &json!({ "error": "the claim was not confirmed" }))
}

/// The response when the effect is uncertain.
fn not_counted() -> Reply {
    Reply::json(500, &json!({ "error": "the ledger went down" }))
}
