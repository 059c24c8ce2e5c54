//! Results that another version of the function stored.

use idem_core::function::Disposition;
use idem_core::http::{Executed, Scope, Served};
use idem_core::store::{Completion, Headers, StoredResponse};
use idem_core::{Guarantee, Idempotency, IdempotencyKey, Outcome, Policy, idempotent};
use serde::{Deserialize, Serialize};

use crate::support::{OrderError, RunCounter, fresh, refused};

static POLICY: Policy = Policy::new(std::time::Duration::from_secs(3600), Guarantee::AtLeastOnce);

/// Stores `status` and `body` under the key 1 of the operation `place`, like another version.
async fn store_result(idempotency: &Idempotency, status: u16, body: &'static str) {
    let key = IdempotencyKey::of(&1).unwrap();
    let call = idempotency.call(&POLICY, &["place"], Scope::global(), &key).unwrap();
    let response = StoredResponse::new(status, Headers::default(), body.into());
    let executed = Executed::new((), Outcome::Final, Completion::Response(response));
    let served = idempotency.run(call, async |_| executed, || unreachable!()).await;
    assert!(matches!(served, Ok(Served::Executed(()))));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Receipt {
    id: u64,
    /// Added in this version.
    #[serde(default)]
    note: String,
}

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-least-once")]
async fn place(
    idempotency: &Idempotency,
    id: u64,
    counter: &RunCounter,
) -> Result<Receipt, OrderError> {
    counter.increment();
    Ok(Receipt { id, note: "new".to_owned() })
}

#[tokio::test]
async fn a_type_that_can_read_the_old_form_returns_the_old_value() {
    let (idempotency, _, counter) = fresh();
    store_result(&idempotency, 200, r#"{"id":1,"dropped":true}"#).await;
    let receipt = place(&idempotency, 1, &counter).await.unwrap();
    assert_eq!(receipt, Receipt { id: 1, note: String::new() });
    assert_eq!(counter.runs(), 0);
}

#[tokio::test]
async fn an_unreadable_result_is_an_error_and_never_runs_again() {
    for (status, body) in [(200, r#"{"number":1}"#), (200, ""), (400, r#"{"Gone":1}"#), (201, "{}")]
    {
        let (idempotency, _, counter) = fresh();
        store_result(&idempotency, status, body).await;
        for _ in 0..2 {
            let result = place(&idempotency, 1, &counter).await;
            assert_eq!(refused(&result), "ResultUnreadable", "{body}");
            assert_eq!(Disposition::of(&result), Disposition::DeadLetter);
        }
        assert_eq!(counter.runs(), 0);
    }
}

/// The stored form never changes: every version writes these bytes.
#[tokio::test]
async fn version_1_is_frozen() {
    let (idempotency, _, counter) = fresh();
    place(&idempotency, 1, &counter).await.unwrap();
    let key = IdempotencyKey::of(&1).unwrap();
    let call = idempotency.call(&POLICY, &["place"], Scope::global(), &key).unwrap();
    let served = idempotency
        .run(call, async |_| -> Executed<()> { unreachable!() }, || unreachable!())
        .await;
    let Ok(Served::Replayed(response)) = served else { panic!("{served:?}") };
    assert_eq!((response.status, &response.body[..]), (200, &br#"{"id":1,"note":"new"}"#[..]));
    assert_eq!(response.headers, Headers::default());

    let (idempotency, _, counter) = fresh();
    store_result(&idempotency, 400, r#"{"Declined":"no funds"}"#).await;
    let declined = place(&idempotency, 1, &counter).await;
    assert!(matches!(declined, Err(OrderError::Declined(why)) if why == "no funds"));
}
