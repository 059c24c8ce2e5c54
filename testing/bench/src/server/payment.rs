//! The payments of every variant. `testing/peers` contains this file too.

use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
pub(super) struct NewPayment {
    pub(super) amount: u64,
    pub(super) currency: String,
    pub(super) note: String,
}

#[derive(Serialize)]
pub(super) struct Payment {
    id: u64,
    amount: u64,
    currency: String,
    note: String,
}

/// The work of every variant.
pub(super) fn charge(NewPayment { amount, currency, note }: NewPayment) -> Payment {
    Payment { id: 1, amount, currency, note }
}
