//! A stored result equals the one that the first caller got, or it is not stored.

use std::collections::{BTreeMap, HashMap, HashSet};

use idem_core::function::{ErrorStorage, Failure, Rejected};
use idem_core::{Idempotency, Outcome, idempotent};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::support::{OrderError, fresh, refused};

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once")]
async fn price(idempotency: &Idempotency, id: u64, price: f64) -> Result<f64, OrderError> {
    Ok(price)
}

#[tokio::test]
async fn a_replayed_float_has_the_same_bits() {
    let (idempotency, ..) = fresh();
    let prices = (0..2_000_u32).map(|n| f64::from(n) * 0.01 + f64::from(n) * 0.1);
    for (id, first) in (0..).zip(prices.chain([13.270000000000001, f64::MIN_POSITIVE, -0.0])) {
        price(&idempotency, id, first).await.unwrap();
        let second = price(&idempotency, id, 0.5).await.unwrap();
        assert_eq!(second.to_bits(), first.to_bits(), "{first}");
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Measured {
    value: Option<f64>,
    #[serde(skip)]
    cached: u64,
    nested: Option<Option<u8>>,
}

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once")]
async fn measure(
    idempotency: &Idempotency,
    id: u64,
    measured: Measured,
) -> Result<Measured, OrderError> {
    Ok(measured)
}

#[tokio::test]
async fn a_value_that_would_be_read_back_differently_is_not_stored() {
    let (idempotency, ..) = fresh();
    let plain = Measured { value: Some(1.5), ..Measured::default() };
    let skipped = Measured { cached: 7, ..plain.clone() };
    let nested = Measured { nested: Some(None), ..plain.clone() };
    let infinite = Measured { value: Some(f64::INFINITY), ..plain.clone() };
    measure(&idempotency, 0, plain.clone()).await.unwrap();
    assert_eq!(measure(&idempotency, 0, skipped.clone()).await.unwrap(), plain);
    for (id, different) in (1..).zip([skipped, nested, infinite]) {
        assert_eq!(measure(&idempotency, id, different.clone()).await.unwrap(), different);
        let later = measure(&idempotency, id, different.clone()).await;
        assert_eq!(refused(&later), "ResultUnavailable", "{different:?}");
    }
}

/// Without `PartialEq`.
#[derive(Debug, Serialize, Deserialize)]
struct Opaque {
    value: Option<f64>,
    #[serde(default, skip_deserializing)]
    written_only: u64,
}

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once")]
async fn opaque(
    idempotency: &Idempotency,
    id: u64,
    value: Option<f64>,
    written_only: u64,
) -> Result<Opaque, OrderError> {
    Ok(Opaque { value, written_only })
}

#[tokio::test]
async fn a_value_without_equality_is_compared_by_its_json() {
    let (idempotency, ..) = fresh();
    for (id, value, written_only) in [(1, Some(f64::NAN), 0), (2, Some(1.0), 7)] {
        opaque(&idempotency, id, value, written_only).await.unwrap();
        let later = opaque(&idempotency, id, value, written_only).await;
        assert_eq!(refused(&later), "ResultUnavailable", "{value:?} {written_only}");
    }
    opaque(&idempotency, 3, Some(2.0), 0).await.unwrap();
    assert_eq!(opaque(&idempotency, 3, None, 0).await.unwrap().value, Some(2.0));
}

/// The type of the result is a parameter, with and without `PartialEq`.
#[idempotent(
    ttl = "7d",
    scope = "global",
    key = "id",
    guarantee = "at-most-once",
    operation = "any"
)]
async fn any<T>(idempotency: &Idempotency, id: u64, value: T) -> Result<T, OrderError>
where
    T: Serialize + DeserializeOwned,
{
    Ok(value)
}

#[idempotent(
    ttl = "7d",
    scope = "global",
    key = "id",
    guarantee = "at-most-once",
    operation = "comparable"
)]
async fn comparable<T>(idempotency: &Idempotency, id: u64, value: T) -> Result<T, OrderError>
where
    T: Serialize + DeserializeOwned + PartialEq,
{
    Ok(value)
}

#[tokio::test]
async fn maps_and_sets_are_stored() {
    let (idempotency, ..) = fresh();
    let map: HashMap<u32, HashSet<u32>> = (0..30).map(|n| (n, (n..n + 30).collect())).collect();
    let tree = BTreeMap::from([(1, "a".to_owned())]);
    any(&idempotency, 1, map.clone()).await.unwrap();
    assert_eq!(any(&idempotency, 1, HashMap::new()).await.unwrap(), map);
    any(&idempotency, 2, tree.clone()).await.unwrap();
    assert_eq!(any(&idempotency, 2, BTreeMap::new()).await.unwrap(), tree);
    comparable(&idempotency, 1, map.clone()).await.unwrap();
    assert_eq!(comparable(&idempotency, 1, HashMap::new()).await.unwrap(), map);
    comparable(&idempotency, 2, Some(())).await.unwrap();
    assert_eq!(refused(&comparable(&idempotency, 2, Some(())).await), "ResultUnavailable");
}

#[derive(Debug, Serialize, Deserialize, thiserror::Error)]
enum Declined {
    #[error("declined with {code:?}")]
    With {
        code: Option<f64>,
        #[serde(skip)]
        reason: String,
    },
    #[error(transparent)]
    #[serde(skip)]
    Rejected(#[from] Rejected),
}

impl PartialEq for Declined {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string() && self.reason() == other.reason()
    }
}

impl Declined {
    fn reason(&self) -> &str {
        match self {
            Self::With { reason, .. } => reason,
            Self::Rejected(_) => "rejected",
        }
    }
}

impl Failure for Declined {
    const STORAGE: ErrorStorage<Self> = ErrorStorage::JSON;

    fn outcome(&self) -> Outcome {
        Outcome::Final
    }

    fn rejected(&self) -> Option<&Rejected> {
        match self {
            Self::Rejected(rejected) => Some(rejected),
            Self::With { .. } => None,
        }
    }
}

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once")]
async fn decline(
    idempotency: &Idempotency,
    id: u64,
    code: f64,
    reason: &str,
) -> Result<(), Declined> {
    Err(Declined::With { code: Some(code), reason: reason.to_owned() })
}

#[tokio::test]
async fn an_error_that_would_be_read_back_differently_is_not_stored() {
    let (idempotency, ..) = fresh();
    let first = decline(&idempotency, 1, 0.1 + 0.2, "").await;
    assert_eq!(decline(&idempotency, 1, 0.0, "").await, first);
    for (id, code, reason) in [(2, 1.0, "no funds"), (3, f64::NAN, "")] {
        decline(&idempotency, id, code, reason).await.unwrap_err();
        let later = decline(&idempotency, id, code, reason).await.unwrap_err();
        let rejection = later.rejected().expect("a rejection").rejection();
        assert!(
            matches!(rejection, idem_core::Rejection::ResultUnavailable { status: 400 }),
            "{rejection:?}"
        );
    }
}
