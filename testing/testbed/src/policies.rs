//! The policies of the routes behind a layer. Each has the settings of the attribute on the route of the same name.

use std::time::Duration;

use idem_core::http::KeySyntax;
use idem_core::{Guarantee, Policy};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Policy = Policy::new(SECOND.saturating_mul(24 * 60 * 60), Guarantee::AtMostOnce);

/// Most routes.
pub static CREATE: Policy = DAY;
/// `/notes`.
pub static NOTE: Policy = DAY.with_optional_key();
/// `/raw`.
pub static RAW: Policy = DAY.with_raw_fingerprint();
/// `/short`.
pub static SHORT: Policy = DAY.with_ttl(SECOND.saturating_mul(2)).with_lease(SECOND);
/// `/wait`.
pub static WAIT: Policy = DAY.with_wait(SECOND.saturating_mul(3));
/// `/patient`.
pub static PATIENT: Policy = DAY.with_wait(SECOND.saturating_mul(60));
/// `/release`.
pub static RELEASE: Policy = DAY.with_guarantee(Guarantee::AtLeastOnce);
/// `/hold`.
pub static HOLD: Policy = DAY.with_lease(SECOND);
/// `/takeover`.
pub static TAKEOVER: Policy = DAY.with_lease(SECOND).with_guarantee(Guarantee::AtLeastOnce);
/// `/validated`.
pub static VALIDATED: Policy = crate::VALIDATING;
/// `/max-run`.
pub static MAX_RUN: Policy = DAY.with_lease(SECOND).with_max_run(SECOND.saturating_mul(2));
/// `/strict`.
pub static STRICT: Policy = DAY.with_key_syntax(KeySyntax::Strict);
