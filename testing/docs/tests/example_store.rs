//! The store in the documentation of `idem_core::store` passes the conformance suite.

#[path = "../../../idem-core/docs/store.rs"]
#[allow(clippy::new_without_default, unreachable_pub, reason = "an example for readers")]
mod store;

use store::MapStore;

include!("../../../idem-core/docs/store_test.rs");
