//! What the handlers do, without a framework.

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
use crate::sim::{Effect, Sim};

/// The payments service. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Service {
    ledger: Ledger,
    gates: Arc<Mutex<HashMap<String, Arc<Gate>>>>,
}

/// A handler that was entered.
struct Run {
    entry: Entry,
    sim: Sim,
}

impl Service {
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger, gates: Arc::default() }
    }

    /// Where handlers stop for `note`, if they are told to.
    pub fn gate(&self, note: &str) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry(note.to_owned()).or_default())
    }

    /// A new payment: 201, with a body and headers that differ from run to run.
    ///
    /// # Panics
    /// If it is told to.
    pub async fn pay(&self, payment: Payment) -> Reply {
        let Payment { amount, currency, note, sim, .. } = payment;
        let run = match self.run(&note, sim).await {
            Ok(run) => run,
            Err(failed) => return failed,
        };
        self.finish(run, amount.get(), &currency, &note).await
    }

    /// [`pay`](Self::pay), with the effect in the transaction of the record.
    pub async fn pay_in(&self, transaction: &mut PgConnection, payment: Payment) -> Reply {
        let Payment { amount, currency, note, sim, .. } = payment;
        let Ok(entry) = self.ledger.enter(&note).await else { return not_entered() };
        let sim = sim.for_entry(entry.number);
        if sim.effect == Effect::Before {
            let effect = self.ledger.effect_in(&note, &entry, transaction).await;
            if effect.is_err() {
                return not_counted();
            }
        }
        self.finish(Run { entry, sim }, amount.get(), &currency, &note).await
    }

    /// A change of a payment: 200 and a new version, or 412 if `if_match` names another.
    ///
    /// # Panics
    /// If it is told to.
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
        let Ok(sim) = self.act(&change.note, change.sim, &entry).await else {
            return not_counted();
        };
        sim.linger(&self.gate(&change.note)).await;
        let body = json!({ "id": id, "note": change.note, "version": version });
        let status = sim.status.unwrap_or(200);
        Reply::json(status, &body).with("etag", etag(id, version))
    }

    /// A new version in place of one that `if_match` allows; `None` if the present one is another.
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

    /// 200 and the bytes that came.
    pub async fn echo(&self, note: &Note, body: Bytes) -> Reply {
        match self.run(&note.note, Sim::default()).await {
            Ok(_) => Reply::new(200, "application/octet-stream", body),
            Err(failed) => failed,
        }
    }

    /// 201, whatever it is.
    pub async fn take(&self, note: &Note) -> Reply {
        match self.run(&note.note, Sim::default()).await {
            Ok(Run { entry, .. }) => {
                Reply::json(201, &json!({ "note": note.note, "seq": entry.seq }))
            }
            Err(failed) => failed,
        }
    }

    /// Gives a payment a label: 200.
    pub async fn label(&self, id: &str, label: &NewLabel) -> Reply {
        let Ok(version) = self.ledger.revise(id).await else { return not_counted() };
        let body = json!({ "id": id, "label": label.label, "version": version });
        Reply::json(200, &body).with("etag", etag(id, version))
    }

    /// A payment: 200, since every one that is asked for is there.
    pub async fn show(&self, id: &str) -> Reply {
        let Ok(version) = self.ledger.version(id).await else { return not_counted() };
        Reply::json(200, &json!({ "id": id, "version": version })).with("etag", etag(id, version))
    }

    /// The way to all payments: 200.
    pub fn list(&self) -> Reply {
        Reply::json(200, &json!({ "payments": "/payments/{id}" }))
    }

    /// Counts the entry and has the effect.
    async fn run(&self, note: &str, sim: Sim) -> Result<Run, Reply> {
        let entry = self.ledger.enter(note).await.map_err(|_| not_entered())?;
        let sim = self.act(note, sim, &entry).await.map_err(|_| not_counted())?;
        Ok(Run { entry, sim })
    }

    /// Has the effect, and gives what is left to do.
    async fn act(&self, note: &str, sim: Sim, entry: &Entry) -> io::Result<Sim> {
        let sim = sim.for_entry(entry.number);
        if sim.effect == Effect::Before {
            self.ledger.effect(note, entry).await?;
        }
        Ok(sim)
    }

    /// What follows the effect of a payment.
    async fn finish(&self, run: Run, amount: u64, currency: &str, note: &str) -> Reply {
        let Run { entry, sim } = run;
        sim.linger(&self.gate(note)).await;
        if self.ledger.finished(note, &entry).is_err() {
            return not_counted();
        }
        let seq = entry.seq;
        let id = seq.to_string();
        let mut body =
            json!({ "id": id, "amount": amount, "currency": currency, "note": note, "seq": seq });
        if sim.size > 0 {
            let pad = sim.size.saturating_sub(body.to_string().len());
            body["pad"] = "x".repeat(pad).into();
        }
        let reply = Reply::json(sim.status.unwrap_or(201), &body)
            .with("location", format!("/payments/{id}"))
            .with("etag", etag(&id, 1))
            .with("x-resource-version", "1")
            .with("link", format!("</payments/{id}>; rel=\"self\""))
            .with("link", "</terms>; rel=\"terms-of-service\"")
            .with("set-cookie", format!("session={:016x}", rand::random::<u64>()))
            .with("x-request-id", format!("{:016x}", rand::random::<u64>()))
            .with("cache-control", "private");
        Reply { streamed: sim.chunks.map(|count| (count, sim.ends)), ..reply }
    }
}

fn etag(id: &str, version: u64) -> String {
    format!("\"{}\"", tag(id, version))
}

fn tag(id: &str, version: u64) -> String {
    format!("{id}-{version}")
}

/// Nothing happened: the key is free.
fn not_entered() -> Reply {
    Reply::json(503, &json!({ "error": "the ledger is down" }))
}

/// Nobody knows whether it happened.
fn not_counted() -> Reply {
    Reply::json(500, &json!({ "error": "the ledger went down" }))
}
