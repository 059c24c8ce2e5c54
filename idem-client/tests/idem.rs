//! The client against an idem server: the client classifies every response of idem, in every format of refusals.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::extract::{FromRef, State};
use axum::http::{Extensions, StatusCode};
use axum::{Router, routing::post};
use idem_axum::{
    AcpFormat, IcebergFormat, Idempotency, MemoryStore, ProblemFormat, Recovery, RefusalFormat,
    StripeFormat, idempotent,
};
use idem_client::{
    Failure, IdempotencyKey, IdempotencyMiddleware, IdempotentRequest, Reply, RetryPolicy,
};
use reqwest::{Client, Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error, Middleware, Next};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

#[derive(Clone, FromRef)]
struct App {
    idempotency: Idempotency,
    bank: Arc<Bank>,
}

struct Bank {
    charges: AtomicUsize,
    lookups: AtomicUsize,
    gate: Semaphore,
}

impl Bank {
    fn charge(&self) {
        self.charges.fetch_add(1, Ordering::Relaxed);
    }
}

#[idempotent(ttl = "24h", scope = "global")]
async fn pay(State(bank): State<Arc<Bank>>, _amount: String) -> StatusCode {
    bank.charge();
    StatusCode::CREATED
}

#[idempotent(ttl = "24h", scope = "global")]
async fn pay_slowly(State(bank): State<Arc<Bank>>) -> StatusCode {
    bank.charge();
    bank.gate.acquire().await.unwrap().forget();
    StatusCode::CREATED
}

#[idempotent(ttl = "24h", scope = "global")]
async fn pay_and_fail(State(bank): State<Arc<Bank>>) -> StatusCode {
    bank.charge();
    StatusCode::INTERNAL_SERVER_ERROR
}

#[idempotent(ttl = "24h", scope = "global")]
async fn pay_with_a_long_response(State(bank): State<Arc<Bank>>) -> String {
    bank.charge();
    "x".repeat(LIMIT + 1)
}

/// Never ends. A busy machine polls the handler within its `max_run`.
#[idempotent(ttl = "24h", scope = "global", lease = "1s", max_run = "1s")]
async fn pay_and_hang(State(bank): State<Arc<Bank>>) -> StatusCode {
    bank.charge();
    std::future::pending().await
}

/// A payment whose first response is lost between the service and its provider. The provider knows the payment only
/// when it is asked for the second time.
#[idempotent(ttl = "24h", scope = "global", settle = "0s", recover = "found_later(bank)")]
async fn pay_and_lose_the_result(State(bank): State<Arc<Bank>>) -> StatusCode {
    bank.charge();
    StatusCode::GATEWAY_TIMEOUT
}

async fn found_later(bank: &Bank) -> Recovery<StatusCode> {
    match bank.lookups.fetch_add(1, Ordering::Relaxed) {
        0 => Recovery::Inconclusive,
        _ => Recovery::Happened(StatusCode::CREATED),
    }
}

const LIMIT: usize = 64;

struct Service {
    url: String,
    bank: Arc<Bank>,
}

impl Service {
    async fn start(format: impl RefusalFormat) -> Self {
        let bank = Arc::new(Bank {
            charges: AtomicUsize::new(0),
            lookups: AtomicUsize::new(0),
            gate: Semaphore::new(0),
        });
        let idempotency = Idempotency::builder(MemoryStore::new())
            .max_response(LIMIT)
            .refusal_format(format)
            .recheck(Duration::from_millis(1))
            .build();
        let router = Router::new()
            .route("/pay", post(pay))
            .route("/slowly", post(pay_slowly))
            .route("/fail", post(pay_and_fail))
            .route("/much", post(pay_with_a_long_response))
            .route("/never", post(pay_and_hang))
            .route("/lost", post(pay_and_lose_the_result))
            .with_state(App { idempotency, bank: bank.clone() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { url, bank }
    }

    async fn pay(&self, path: &str, amount: &'static str) -> Result<Reply, Failure> {
        self.pay_by(RetryPolicy::new(), path, amount).await
    }

    /// Pays with the key that all requests of a test share.
    async fn pay_by(
        &self,
        policy: RetryPolicy,
        path: &str,
        amount: &'static str,
    ) -> Result<Reply, Failure> {
        let key = IdempotencyKey::new("order-1001").unwrap();
        let client = self.client(policy.random(|| 0.0));
        let request = client.post(format!("{}{path}", self.url)).body(amount);
        request.idempotency_key(&key).send_idempotent().await
    }

    fn client(&self, policy: RetryPolicy) -> ClientWithMiddleware {
        let http = ClientBuilder::new(Client::builder().no_proxy().build().unwrap());
        let client = IdempotencyMiddleware::new().policy(policy).attach(http);
        client.with(OpensTheGate(self.bank.clone())).build()
    }

    fn charges(&self) -> usize {
        self.bank.charges.load(Ordering::Relaxed)
    }
}

/// Lets the slow payment end after a client received the response *in progress*.
struct OpensTheGate(Arc<Bank>);

#[async_trait]
impl Middleware for OpensTheGate {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response, Error> {
        let response = next.run(request, extensions).await?;
        if response.headers().contains_key("idempotency-refused") {
            self.0.gate.add_permits(1);
        }
        Ok(response)
    }
}

/// Defines each test for each format.
macro_rules! tests {
    ($($module:ident: $format:expr => $tests:tt)+) => {$(
        mod $module {
            use super::*;

            tests! { @each $format => $tests }
        }
    )+};
    (@each $format:expr => { $($test:ident)+ }) => {$(
        #[tokio::test]
        async fn $test() {
            super::$test($format).await;
        }
    )+};
    ($tests:tt) => {
        tests! {
            problem: ProblemFormat => $tests
            acp: AcpFormat => $tests
            iceberg: IcebergFormat => $tests
            stripe: StripeFormat => $tests
        }
    };
}

tests! {{
    a_payment_that_is_sent_twice_is_replayed
    the_client_waits_for_a_payment_that_takes_longer_than_an_attempt
    a_stored_500_is_recognized_as_a_replay
    a_key_that_was_used_for_another_payment_is_rejected
    a_response_that_was_not_stored_is_reported_as_unavailable
    a_payment_with_unknown_outcome_is_not_retried
    a_payment_whose_outcome_the_service_can_find_out_is_retried_until_it_is_known
}}

async fn a_payment_that_is_sent_twice_is_replayed(format: impl RefusalFormat) {
    let service = Service::start(format).await;
    assert!(matches!(service.pay("/pay", "4200").await, Ok(Reply::Fresh(_))));
    assert!(matches!(service.pay("/pay", "4200").await, Ok(Reply::Replayed(_))));
    assert_eq!(service.charges(), 1);
}

async fn the_client_waits_for_a_payment_that_takes_longer_than_an_attempt(
    format: impl RefusalFormat,
) {
    let service = Service::start(format).await;
    let policy = RetryPolicy::new().attempt_timeout(Duration::from_millis(500)).attempts(20);
    let reply = service.pay_by(policy, "/slowly", "").await.unwrap();
    assert!(reply.is_replayed());
    assert_eq!((reply.response().status(), service.charges()), (StatusCode::CREATED, 1));
}

async fn a_stored_500_is_recognized_as_a_replay(format: impl RefusalFormat) {
    let service = Service::start(format).await;
    let reply = service.pay("/fail", "").await.unwrap();
    assert!(reply.is_replayed());
    assert_eq!(reply.response().status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(service.charges(), 1);
}

async fn a_key_that_was_used_for_another_payment_is_rejected(format: impl RefusalFormat) {
    let service = Service::start(format).await;
    assert!(service.pay("/pay", "4200").await.is_ok());
    assert!(matches!(service.pay("/pay", "9900").await, Err(Failure::KeyReused(_))));
    assert_eq!(service.charges(), 1);
}

async fn a_response_that_was_not_stored_is_reported_as_unavailable(format: impl RefusalFormat) {
    let service = Service::start(format).await;
    assert!(matches!(service.pay("/much", "").await, Ok(Reply::Fresh(_))));
    assert!(matches!(service.pay("/much", "").await, Err(Failure::ResultUnavailable(_))));
    assert_eq!(service.charges(), 1);
}

async fn a_payment_with_unknown_outcome_is_not_retried(format: impl RefusalFormat) {
    let service = Service::start(format).await;
    for _ in 0..2 {
        let failure = service.pay("/never", "").await.unwrap_err();
        let Failure::OutcomeUnknown(gave_up) = failure else { panic!("{failure:?}") };
        assert_eq!(gave_up.limit, None);
    }
    assert_eq!(service.charges(), 1);
}

async fn a_payment_whose_outcome_the_service_can_find_out_is_retried_until_it_is_known(
    format: impl RefusalFormat,
) {
    let service = Service::start(format).await;
    let reply = service.pay("/lost", "").await.unwrap();
    assert!(reply.is_replayed());
    assert_eq!(reply.response().status(), StatusCode::CREATED);
    assert_eq!((service.charges(), service.bank.lookups.load(Ordering::Relaxed)), (1, 2));
}
