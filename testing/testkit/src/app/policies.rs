//! The policies of the scenario app behind a layer. Each has the settings of the attribute on the route of the same name.

use std::time::Duration;

use idem_core::http::{KeyFormat, KeySyntax};
use idem_core::{Guarantee, Policy};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const BASE: Policy = Policy::new(DAY, Guarantee::AtMostOnce);
const SECOND: Duration = Duration::from_secs(1);
/// Long enough for a renewal that a busy machine sends five seconds late. Scenarios move the clock of the store instead of
/// waiting for its end.
const SHORT_LEASE: Duration = Duration::from_secs(12);

/// Most routes.
pub static CREATE: Policy = BASE;
/// `/notes`.
pub static NOTE: Policy = BASE.with_optional_key();
/// `/raw`.
pub static RAW: Policy = BASE.with_raw_fingerprint();
/// `/short`.
pub static SHORT: Policy = BASE.with_ttl(Duration::from_secs(60 * 60));
/// `/wait`.
pub static WAIT: Policy = BASE.with_wait(Duration::from_secs(30));
/// `/wait-briefly`.
pub static WAIT_BRIEFLY: Policy = BASE.with_wait(Duration::from_millis(100));
/// `/release`.
pub static RELEASE: Policy = BASE.with_guarantee(Guarantee::AtLeastOnce);
/// `/hold`.
pub static HOLD: Policy = BASE.with_lease(SHORT_LEASE);
/// `/takeover`.
pub static TAKEOVER: Policy = BASE.with_guarantee(Guarantee::AtLeastOnce).with_lease(SHORT_LEASE);
/// `/releases`.
pub static RELEASES: Policy = BASE.with_releases(&[400, 422]);
/// `/strict`.
pub static STRICT: Policy = BASE.with_key_syntax(KeySyntax::Strict);
/// `/uuid`.
pub static UUID: Policy = BASE.with_key_format(KeyFormat::Uuid).with_optional_key();
/// `/recent`.
pub static RECENT: Policy = BASE.with_key_format(KeyFormat::UuidV7).with_max_age(DAY);
/// `/max-run`.
pub static MAX_RUN: Policy = BASE.with_lease(SECOND).with_max_run(SECOND);
