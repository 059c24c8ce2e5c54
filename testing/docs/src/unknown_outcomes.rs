//! The guide's chapter on unknown outcomes.

use std::time::Duration;

use axum::Json;
use axum::extract::{FromRef, FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use idem_axum::{
    Execution, Idempotency, LeaseLost, Recovery, ScopeParts, ScopeValue, UnknownReason, idempotent,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, FromRef)]
struct App {
    idempotency: Idempotency,
    provider: Provider,
}

struct Tenant(String);

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(&self.0);
    }
}

impl<S: Sync> FromRequestParts<S> for Tenant {
    type Rejection = StatusCode;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        Ok(Self("acme".to_owned()))
    }
}

#[derive(Deserialize)]
struct NewPayment {
    order: String,
    amount: u64,
}

struct Charge {
    id: u64,
    amount: u64,
}

#[derive(Serialize)]
struct Payment {
    id: u64,
    amount: u64,
}

impl From<Charge> for Payment {
    fn from(Charge { id, amount }: Charge) -> Self {
        Self { id, amount }
    }
}

/// Stands for the client of a payment provider.
#[derive(Clone)]
struct Provider;

struct NoAnswer;

impl Provider {
    async fn charge(
        &self,
        payment: &NewPayment,
        _reference: &str,
        timeout: Duration,
    ) -> Result<Charge, NoAnswer> {
        let charge = Charge { id: 1, amount: payment.amount };
        tokio::time::timeout(timeout, async { charge }).await.map_err(|_| NoAnswer)
    }

    async fn find(&self, _tenant: &str, _reference: &str) -> Result<Option<Charge>, NoAnswer> {
        Ok(None)
    }
}

enum ApiError {
    NotSent,
    NoAnswer,
}

impl From<LeaseLost> for ApiError {
    fn from(_: LeaseLost) -> Self {
        Self::NotSent
    }
}

impl From<NoAnswer> for ApiError {
    fn from(_: NoAnswer) -> Self {
        Self::NoAnswer
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            Self::NotSent => StatusCode::SERVICE_UNAVAILABLE.into_response(), // releases the key
            Self::NoAnswer => StatusCode::GATEWAY_TIMEOUT.into_response(),    // ambiguous
        }
    }
}

#[idempotent(ttl = "24h", scope = "tenant", recover = "find_charge(app, tenant)")]
async fn create_payment(
    State(app): State<App>,
    tenant: Tenant,
    Json(payment): Json<NewPayment>,
) -> Result<(StatusCode, Json<Payment>), ApiError> {
    let execution = Execution::current();
    let valid_for = execution.confirm().await?; // fails if another run may own the key
    let key = execution.downstream_key("charge");
    let charge = app.provider.charge(&payment, key.as_str(), valid_for).await?;
    Ok((StatusCode::CREATED, Json(charge.into())))
}

/// Looks the charge of a lost run up at the provider.
async fn find_charge(app: &App, tenant: &Tenant) -> Recovery<(StatusCode, Json<Payment>)> {
    let key = Execution::current().downstream_key("charge"); // the same key as in the lost run
    match app.provider.find(&tenant.0, key.as_str()).await {
        Ok(Some(charge)) => Recovery::Happened((StatusCode::CREATED, Json(charge.into()))),
        Ok(None) => Recovery::NotHappened,
        Err(NoAnswer) => Recovery::Inconclusive,
    }
}

/// Whether code of the lost run may still send.
fn may_still_send() -> bool {
    let lost = Execution::current().recovering();
    lost.is_some_and(|lost| {
        matches!(lost.reason(), UnknownReason::TimedOut | UnknownReason::Drained)
            && lost.silent_for() < Duration::from_secs(600)
    })
}

#[idempotent(
    ttl = "24h",
    hold = "90d",
    scope = "tenant",
    recover = "find_order(app, &payment.order)",
    settle = "0s",
    label = "payment.order"
)]
async fn create_order(
    State(app): State<App>,
    tenant: Tenant,
    Json(payment): Json<NewPayment>,
) -> Result<StatusCode, ApiError> {
    let key = Execution::current().downstream_key("order");
    app.provider.charge(&payment, key.as_str(), Duration::from_secs(20)).await?;
    Ok(StatusCode::CREATED)
}

async fn find_order(app: &App, order: &str) -> Recovery<StatusCode> {
    match app.provider.find(order, "order").await {
        Ok(Some(_)) => Recovery::Happened(StatusCode::CREATED),
        Ok(None) => Recovery::NotHappened,
        Err(NoAnswer) => Recovery::Inconclusive,
    }
}
