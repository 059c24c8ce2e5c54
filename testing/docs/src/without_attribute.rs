//! The guide's section on calls without the attribute.

use std::time::Duration;

use bytes::Bytes;
use idem_core::http::{Executed, Scope, Served};
use idem_core::store::{Completion, Headers, StoredResponse, UnknownReason};
use idem_core::{Guarantee, Idempotency, IdempotencyKey, Outcome, Policy, Rejection};

static POLICY: Policy = Policy::new(Duration::from_secs(86_400), Guarantee::AtMostOnce);

async fn charge() -> Executed<u16> {
    // the work itself
    let stored = StoredResponse::new(201, Headers::default(), Bytes::from_static(b"{}"));
    Executed::new(201, Outcome::Final, Completion::Response(stored))
}

fn panicked() -> Executed<u16> {
    let completion = Completion::unknown(UnknownReason::Ambiguous);
    Executed::new(500, Outcome::Ambiguous, completion)
}

async fn charge_twice(idempotency: &Idempotency) -> Result<(), Rejection> {
    let key = IdempotencyKey::new("order-1001")?;
    for attempt in 1..=2 {
        let call = idempotency.call(&POLICY, &["payments.charge"], Scope::of("acme"), &key)?;
        match idempotency.run(call, |_claim| charge(), panicked).await? {
            Served::Executed(status) => assert_eq!((attempt, status), (1, 201)),
            Served::Replayed(stored) => assert_eq!((attempt, stored.status), (2, 201)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use idem_core::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn the_second_call_is_a_replay() {
        charge_twice(&Idempotency::new(MemoryStore::new())).await.unwrap();
    }
}
