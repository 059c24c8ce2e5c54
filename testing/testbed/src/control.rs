//! The control endpoints, which tests use next to the payments.

use std::time::Duration;

use idem_conformance::{Fault, Faults, Kind};
use idem_core::MemoryStore;
use idem_testkit::app::{Note, Reply, Service};
use serde::Deserialize;
use serde_json::json;

use crate::ledger::StoreLedger;
use crate::logs::Logs;
use crate::metrics::Exporter;

/// The handlers below `/_test`. Clones share one state.
#[derive(Clone, Debug)]
pub struct Control {
    pub ledger: StoreLedger,
    pub service: Service,
    pub faults: Faults,
    /// The store whose clock can be moved, if there is one.
    pub clock: Option<MemoryStore>,
    pub logs: Logs,
    pub exporter: Exporter,
}

/// A new behaviour of the store.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Behaviour {
    mode: Mode,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Ok,
    Down,
    DownOnComplete,
    Hang,
}

/// An advance of the store's clock.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Advance {
    advance_ms: u64,
}

impl Control {
    pub async fn effects(&self, note: &Note) -> Reply {
        match self.ledger.counts(&note.note).await {
            Ok(counts) => Reply::json(200, &json!(counts)),
            Err(_) => Reply::json(503, &json!({ "error": "the ledger is down" })),
        }
    }

    pub fn store(&self, Behaviour { mode }: Behaviour) -> Reply {
        self.faults.heal();
        match mode {
            Mode::Ok => {}
            Mode::Down => self.faults.inject(Kind::ALL, Fault::Down),
            Mode::DownOnComplete => self.faults.inject(Kind::ENDS, Fault::Down),
            Mode::Hang => self.faults.inject(Kind::ALL, Fault::Hang),
        }
        Reply::json(200, &json!({}))
    }

    pub fn advance(&self, Advance { advance_ms }: Advance) -> Reply {
        match &self.clock {
            Some(store) => {
                store.advance_clock(Duration::from_millis(advance_ms));
                Reply::json(200, &json!({}))
            }
            None => Reply::json(404, &json!({ "error": "this store has the clock of its server" })),
        }
    }

    pub fn open_gate(&self, note: &Note) -> Reply {
        self.service.gate(&note.note).open();
        Reply::json(200, &json!({}))
    }

    pub fn logs(&self) -> Reply {
        Reply::new(200, "text/plain; charset=utf-8", self.logs.text())
    }

    pub fn health(&self) -> Reply {
        Reply::json(200, &json!({}))
    }
}
