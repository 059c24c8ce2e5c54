//! The metrics of a store. All handles are registered with its first call.

use idem_core::observe::StoreCall;
use idem_core::store::StoreErrorKind;
use metrics::{Histogram, histogram};

use crate::names;

/// The results of a store call.
const RESULTS: [&str; 4] = ["ok", "not-done", "unknown", "corrupt"];

/// The handles of one store.
pub(crate) struct Store {
    name: &'static str,
    seconds: [[Histogram; RESULTS.len()]; StoreCall::ALL.len()],
}

impl Store {
    pub(crate) fn register(name: &'static str) -> Self {
        let seconds = |call: StoreCall, result: &'static str| histogram!(names::STORE_SECONDS, "store" => name, "call" => call.name(), "result" => result);
        let seconds = StoreCall::ALL.map(|call| RESULTS.map(|result| seconds(call, result)));
        Self { name, seconds }
    }

    pub(crate) fn is(&self, name: &'static str) -> bool {
        self.name == name
    }

    pub(crate) fn seconds(
        &self,
        call: StoreCall,
        error: Option<StoreErrorKind>,
    ) -> Option<&Histogram> {
        let call = StoreCall::ALL.iter().position(|known| *known == call)?;
        let result = match error {
            None => 0,
            Some(StoreErrorKind::NotDone) => 1,
            Some(StoreErrorKind::Corrupt) => 3,
            Some(_) => 2,
        };
        Some(&self.seconds[call][result])
    }
}
