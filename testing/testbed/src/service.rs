//! The work of the handlers, independent of a framework.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use idem_postgres::sqlx::PgConnection;
use idem_testkit::http::app::Gate;
use serde_json::json;

use crate::ledger::{Entry, Ledger};
use crate::payment::{Amendment, NewLabel, Note, Payment};
use crate::precondition::IfMatch;
use crate::reply::Reply;
use crate::script::{Effect, HandlerScript};

/// The payments service. Clones share one state.
#[derive(Clone, Debug)]
pub struct Service {
    ledger: Ledger,
    gates: Arc<Mutex<HashMap<String, Arc<Gate>>>>,
}

/// A handler entry and the rest of its script.
struct Run {
    entry: Entry,
    script: HandlerScript,
}

impl Service {
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger, gates: Arc::default() }
    }

    /// Returns the gate of `note`.
    pub fn gate(&self, note: &str) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry(note.to_owned()).or_default())
    }

    /// Creates a payment: 201, with a body and headers that differ in every run.
    ///
    /// # Panics
    /// If the script contains a panic.
    pub async fn pay(&self, payment: Payment) -> Reply {
        let Payment { amount, currency, note, script, .. } = payment;
        let run = match self.run(&note, script).await {
            Ok(run) => run,
            Err(failed) => return failed,
        };
        self.finish(run, amount.get(), &currency, &note).await
    }

    /// Like [`pay`](Self::pay), with the effect in the transaction of the record.
    pub async fn pay_in(&self, transaction: &mut PgConnection, payment: Payment) -> Reply {
        let Payment { amount, currency, note, script, .. } = payment;
        let Ok(entry) = self.ledger.enter(&note).await else { return not_entered() };
        let script = script.for_entry(entry.number);
        if script.effect == Effect::Before {
            let effect = self.ledger.effect_in(&note, &entry, transaction).await;
            if effect.is_err() {
                return not_counted();
            }
        }
        self.finish(Run { entry, script }, amount.get(), &currency, &note).await
    }

    /// Changes a payment: 200 and a new version, or 412 if `if_match` does not match.
    ///
    /// # Panics
    /// If the script contains a panic.
    pub async fn amend(&self, id: &str, if_match: &IfMatch, change: Amendment) -> Reply {
        let Ok(entry) = self.ledger.enter(&change.note).await else { return not_entered() };
        let version = match self.revise(id, if_match).await {
            Ok(Some(version)) => version,
            Ok(None) => {
                let error = json!({ "error": "the payment has changed", "id": id });
                return Reply::json(412, &error);
            }
            Err(_) => return not_counted(),
        };
        let Ok(script) = self.act(&change.note, change.script, &entry).await else {
            return not_counted();
        };
        script.perform(&self.gate(&change.note)).await;
        let body = json!({ "id": id, "note": change.note, "version": version });
        let status = script.status.unwrap_or(200);
        Reply::json(status, &body).with("etag", etag(id, version))
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
        match self.run(&note.note, HandlerScript::default()).await {
            Ok(_) => Reply::new(200, "application/octet-stream", body),
            Err(failed) => failed,
        }
    }

    /// Returns 201 for any body.
    pub async fn take(&self, note: &Note) -> Reply {
        match self.run(&note.note, HandlerScript::default()).await {
            Ok(Run { entry, .. }) => {
                Reply::json(201, &json!({ "note": note.note, "seq": entry.seq }))
            }
            Err(failed) => failed,
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

    /// Counts the entry and performs the effect.
    async fn run(&self, note: &str, script: HandlerScript) -> Result<Run, Reply> {
        let entry = self.ledger.enter(note).await.map_err(|_| not_entered())?;
        let script = self.act(note, script, &entry).await.map_err(|_| not_counted())?;
        Ok(Run { entry, script })
    }

    /// Performs the effect, and returns the rest of the script.
    async fn act(
        &self,
        note: &str,
        script: HandlerScript,
        entry: &Entry,
    ) -> io::Result<HandlerScript> {
        let script = script.for_entry(entry.number);
        if script.effect == Effect::Before {
            self.ledger.effect(note, entry).await?;
        }
        Ok(script)
    }

    /// Performs the steps after the effect of a payment.
    async fn finish(&self, run: Run, amount: u64, currency: &str, note: &str) -> Reply {
        let Run { entry, script } = run;
        script.perform(&self.gate(note)).await;
        if self.ledger.finished(note, &entry).is_err() {
            return not_counted();
        }
        let seq = entry.seq;
        let id = seq.to_string();
        let mut body =
            json!({ "id": id, "amount": amount, "currency": currency, "note": note, "seq": seq });
        if script.size > 0 {
            let pad = script.size.saturating_sub(body.to_string().len());
            body["pad"] = "x".repeat(pad).into();
        }
        let reply = Reply::json(script.status.unwrap_or(201), &body)
            .with("location", format!("/payments/{id}"))
            .with("etag", etag(&id, 1))
            .with("x-resource-version", "1")
            .with("link", format!("</payments/{id}>; rel=\"self\""))
            .with("link", "</terms>; rel=\"terms-of-service\"")
            .with("set-cookie", format!("session={:016x}", rand::random::<u64>()))
            .with("x-request-id", format!("{:016x}", rand::random::<u64>()))
            .with("cache-control", "private");
        Reply { streamed: script.chunks.map(|count| (count, script.ends)), ..reply }
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

/// The response when the effect is uncertain.
fn not_counted() -> Reply {
    Reply::json(500, &json!({ "error": "the ledger went down" }))
}
