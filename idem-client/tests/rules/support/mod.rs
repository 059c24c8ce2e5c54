//! A client with a scripted server in place of the network.

mod script;
mod turn;

use std::time::Duration;

use idem_client::{Failure, IdempotencyMiddleware, IdempotentRequest, Reply, RetryPolicy};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, RequestBuilder};

pub(crate) use script::Script;
pub(crate) use turn::{Turn, hang, problem, status};

pub(crate) const URL: &str = "http://payments.test/payments";

/// Pauses of 1, 2, 4 … seconds without jitter, and no limits except those that a test sets.
pub(crate) fn policy() -> RetryPolicy {
    RetryPolicy::new()
        .attempts(100)
        .backoff(Duration::from_secs(1), Duration::from_secs(64))
        .attempt_timeout(Duration::MAX)
        .deadline(Duration::MAX)
        .random(|| 1.0)
}

pub(crate) struct Bench {
    pub(crate) client: ClientWithMiddleware,
    pub(crate) script: Script,
}

impl Bench {
    pub(crate) fn new(turns: impl IntoIterator<Item = Turn>) -> Self {
        Self::with_policy(policy(), turns)
    }

    pub(crate) fn with_policy(policy: RetryPolicy, turns: impl IntoIterator<Item = Turn>) -> Self {
        Self::with(IdempotencyMiddleware::new().policy(policy), turns)
    }

    pub(crate) fn with(
        middleware: IdempotencyMiddleware,
        turns: impl IntoIterator<Item = Turn>,
    ) -> Self {
        let script = Script::new(turns);
        let client = middleware.attach(ClientBuilder::new(reqwest::Client::new()));
        Self { client: client.with(script.clone()).build(), script }
    }

    pub(crate) fn payment(&self) -> RequestBuilder {
        self.client.post(URL).body(r#"{"amount": 4200}"#)
    }

    /// Pays, and checks that the payment succeeds.
    pub(crate) async fn is_paid(&self) {
        assert_eq!(self.pay().await.unwrap().response().status(), 201);
    }

    pub(crate) async fn pay(&self) -> Result<Reply, Failure> {
        self.payment().send_idempotent().await
    }
}
