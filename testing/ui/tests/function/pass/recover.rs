#![deny(warnings)]

use idem_core::function::{Failure, Rejected};
use idem_core::{Execution, Idempotency, Recovery, idempotent};

#[derive(Debug)]
struct OrderError(Rejected);

impl From<Rejected> for OrderError {
    fn from(rejected: Rejected) -> Self {
        Self(rejected)
    }
}

impl Failure for OrderError {
    fn rejected(&self) -> Option<&Rejected> {
        Some(&self.0)
    }
}

type Placed<T> = Result<T, OrderError>;

#[derive(serde::Serialize, serde::Deserialize)]
struct Receipt {
    id: u64,
}

struct Orders {
    idempotency: Idempotency,
    known: Vec<u64>,
}

impl Orders {
    async fn find(&self, id: u64) -> Recovery<Receipt> {
        let key = Execution::current().downstream_key("order");
        match self.known.contains(&id) && !key.as_str().is_empty() {
            true => Recovery::Happened(Receipt { id }),
            false => Recovery::NotHappened,
        }
    }

    #[idempotent(
        ttl = "7d",
        hold = "90d",
        scope = "tenant",
        operation = "orders.place",
        key = "id",
        guarantee = "at-most-once",
        recover = "self.find(*id)",
        settle = "0s",
        label = "id",
        idempotency = "self.idempotency"
    )]
    async fn place(&self, tenant: &str, id: u64) -> Placed<Receipt> {
        drop(tenant.to_owned());
        Ok(Receipt { id })
    }
}

async fn sent(_: &Idempotency, _: u64) -> Recovery<()> {
    Recovery::Inconclusive
}

// A value without fields, a borrowed handle, and a parameter that only the attribute uses.
#[rustfmt::skip]
#[idempotent(
    ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once", recover = "sent(idempotency, *id)"
)]
async fn send(idempotency: &Idempotency, id: u64) -> Result<(), OrderError> { Ok(()) }

#[test]
fn builds() {
    let _ = (Orders::place, send);
}
