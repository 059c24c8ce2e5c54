//! The block of the reference of the attribute.

use std::time::Duration;

use idem_core::{Guarantee, Policy};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const PAYMENTS: Policy = Policy::new(DAY, Guarantee::AtMostOnce)
    .with_wait(Duration::from_secs(3))
    .with_hold(DAY.saturating_mul(90))
    .with_releases(&[400, 422]);
