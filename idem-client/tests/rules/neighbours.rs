//! Interaction with other middleware of the same client.

use std::time::Duration;

use async_trait::async_trait;
use http::Extensions;
use idem_client::{
    Failure, GaveUp, IdempotencyKey, IdempotencyMiddleware, IdempotentRequest, LastAttempt,
};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error, Middleware, Next};

use crate::support::{Bench, Script, Turn, URL, hang, policy, problem, status};

/// An extension that the caller adds to the request.
#[derive(Clone)]
struct FromCaller;

/// An extension that inner middleware adds to each attempt.
#[derive(Clone)]
struct FromAttempt;

struct Fails;

#[async_trait]
impl Middleware for Fails {
    async fn handle(&self, _: Request, _: &mut Extensions, _: Next<'_>) -> Result<Response, Error> {
        Err(Error::middleware(std::io::Error::other("no token")))
    }
}

/// Checks that each attempt starts with the extensions of the caller, and adds one to them.
struct Marks;

#[async_trait]
impl Middleware for Marks {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response, Error> {
        assert!(extensions.insert(FromAttempt).is_none(), "an earlier attempt left its extension");
        assert!(
            extensions.get::<FromCaller>().is_some(),
            "an earlier attempt removed the extension of the caller"
        );
        next.run(request, extensions).await
    }
}

/// Sends a request again if it did not succeed.
struct TriesTwice;

#[async_trait]
impl Middleware for TriesTwice {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response, Error> {
        let first = next.clone().run(request.try_clone().unwrap(), extensions).await;
        match first {
            Ok(response) if response.status().is_success() => Ok(response),
            _ => next.run(request, extensions).await,
        }
    }
}

/// Cancels the request after a minute, then fails or returns its own response.
enum Cancels {
    AndFails,
    AndResponds,
}

#[async_trait]
impl Middleware for Cancels {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response, Error> {
        let minute = Duration::from_secs(60);
        match (tokio::time::timeout(minute, next.run(request, extensions)).await, self) {
            (Ok(result), _) => result,
            (Err(late), Self::AndFails) => Err(Error::middleware(late)),
            (Err(_), Self::AndResponds) => Ok(http::Response::new("try later").into()),
        }
    }
}

fn builder() -> ClientBuilder {
    ClientBuilder::new(reqwest::Client::new())
}

fn middleware() -> IdempotencyMiddleware {
    IdempotencyMiddleware::new().policy(policy())
}

async fn failure(client: ClientWithMiddleware) -> Failure {
    client.post(URL).send_idempotent().await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn an_error_of_inner_middleware_is_not_retried() {
    let Failure::Unretryable(gave_up) =
        failure(middleware().attach(builder()).with(Fails).build()).await
    else {
        panic!()
    };
    assert_eq!((gave_up.attempts, gave_up.limit), (1, None));
}

#[tokio::test(start_paused = true)]
async fn an_error_of_outer_middleware_before_the_first_attempt_is_reported_as_outside() {
    let failure = failure(middleware().attach(builder().with(Fails)).build()).await;
    assert!(matches!(failure, Failure::Outside(_)), "{failure:?}");
    assert!(failure.key().is_none());
}

#[tokio::test(start_paused = true)]
async fn every_attempt_starts_with_the_extensions_of_the_request() {
    let script = Script::new([status(503), status(503), status(201)]);
    let client = middleware().attach(builder()).with(Marks).with(script.clone()).build();
    let request = client.post(URL).with_extension(FromCaller);
    let reply = request.send_idempotent().await.unwrap();
    assert_eq!((reply.response().status().as_u16(), script.attempts()), (201, 3));
}

#[tokio::test(start_paused = true)]
async fn the_extensions_of_the_last_attempt_are_returned() {
    let bench = Bench::new([status(503), status(201)]);
    let client = middleware().attach(builder()).with(Marks).with(bench.script.clone()).build();
    let mut request =
        client.post(URL).header("idempotency-key", "order-1001").with_extension(FromCaller);
    let mut extensions = std::mem::take(request.extensions());
    let (client, request) = request.build_split();
    let sent = client.execute_with_extensions(request.unwrap(), &mut extensions).await;
    assert_eq!(sent.unwrap().status(), 201);
    assert!(extensions.get::<FromAttempt>().is_some());
}

/// A client with outer middleware that sends twice. The idempotency middleware makes two attempts each time.
fn retried_by_outer_middleware(
    middleware: IdempotencyMiddleware,
    turns: impl IntoIterator<Item = Turn>,
) -> (ClientWithMiddleware, Script) {
    let script = Script::new(turns);
    let middleware = middleware.policy(policy().attempts(2));
    let client = middleware.attach(builder().with(TriesTwice)).with(script.clone());
    (client.build(), script)
}

fn is_one_key(script: &Script, attempts: usize) {
    let keys = script.header("idempotency-key");
    assert_eq!((script.attempts(), &keys), (attempts, &vec![keys[0].clone(); attempts]));
}

#[tokio::test(start_paused = true)]
async fn outer_middleware_that_sends_again_sends_the_same_key() {
    let turns = || [status(503), status(503), status(201)];
    let (client, script) = retried_by_outer_middleware(middleware(), turns());
    let reply = client.post(URL).send_idempotent().await.unwrap();
    assert_eq!(reply.response().status(), 201);
    is_one_key(&script, 3);

    let keyed = middleware().key_unkeyed(|_| Some(IdempotencyKey::random()));
    let (client, script) = retried_by_outer_middleware(keyed, turns());
    assert_eq!(client.post(URL).send().await.unwrap().status(), 201);
    is_one_key(&script, 3);
}

#[tokio::test(start_paused = true)]
async fn a_response_lost_before_outer_middleware_sent_again_is_remembered() {
    let (client, script) =
        retried_by_outer_middleware(middleware(), [status(504), status(504), status(401)]);
    let failure = failure(client).await;
    let Failure::Indeterminate(gave_up) = failure else { panic!("{failure:?}") };
    assert_eq!((gave_up.attempts, gave_up.limit), (3, None));
    is_one_key(&script, 3);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_cancelled_before_outer_middleware_sent_again_is_remembered() {
    let script = Script::new([hang(), status(401)]);
    let outer = builder().with(TriesTwice).with(Cancels::AndFails);
    let failure = failure(middleware().attach(outer).with(script.clone()).build()).await;
    let Some(GaveUp { attempts: 2, .. }) = failure.gave_up() else { panic!("{failure:?}") };
    assert!(matches!(failure, Failure::Indeterminate(_)), "{failure:?}");
    is_one_key(&script, 2);
}

/// The failure of an operation that outer middleware cancelled after its key was sent.
async fn cancelled(by: Cancels, turns: impl IntoIterator<Item = Turn>) -> Failure {
    let script = Script::new(turns);
    let client = middleware().attach(builder().with(by)).with(script.clone()).build();
    let failure = failure(client).await;
    let key = failure.key().unwrap();
    assert_eq!(script.header("idempotency-key")[0], key.to_header());
    failure
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_attempt_returns_the_key_for_a_later_try() {
    let failure = cancelled(Cancels::AndFails, [status(503), hang()]).await;
    let Failure::Indeterminate(gave_up) = failure else { panic!("{failure:?}") };
    assert_eq!((gave_up.attempts, gave_up.limit), (2, None));
    assert!(matches!(gave_up.last, LastAttempt::Error(Error::Middleware(_))));

    let failure = cancelled(Cancels::AndResponds, [hang()]).await;
    let Failure::Indeterminate(gave_up) = failure else { panic!("{failure:?}") };
    let LastAttempt::Response(last) = gave_up.last else { panic!() };
    assert_eq!(last.text().await.unwrap(), "try later");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_pause_returns_the_key_for_a_later_try() {
    let long = status(503).header("retry-after", "3600");
    assert!(matches!(cancelled(Cancels::AndFails, [long]).await, Failure::Exhausted(_)));
    let long = problem(409, "in-progress").header("retry-after", "3600");
    assert!(matches!(cancelled(Cancels::AndFails, [long]).await, Failure::InProgress(_)));
}
