//! Other middleware of the same client.

use std::time::Duration;

use async_trait::async_trait;
use http::Extensions;
use idem_client::{Failure, IdempotencyKey, IdempotencyMiddleware, IdempotentRequest, Last, Stop};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error, Middleware, Next};

use crate::support::{Bench, Script, Turn, URL, hang, policy, problem, status};

/// What the caller gives them all.
#[derive(Clone)]
struct Given;

/// What one of them leaves for those after it, and for whoever asks in the end.
#[derive(Clone)]
struct Seen;

struct Fails;

#[async_trait]
impl Middleware for Fails {
    async fn handle(&self, _: Request, _: &mut Extensions, _: Next<'_>) -> Result<Response, Error> {
        Err(Error::middleware(std::io::Error::other("no token")))
    }
}

/// Counts the attempts that left a trace among the extensions.
struct Marks;

#[async_trait]
impl Middleware for Marks {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response, Error> {
        assert!(extensions.insert(Seen).is_none(), "left by an earlier attempt");
        assert!(extensions.get::<Given>().is_some(), "lost with an earlier attempt");
        next.run(request, extensions).await
    }
}

/// Sends again, by itself, what did not succeed.
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

/// Waits for a minute, then fails or has an answer of its own.
enum CutsOff {
    AndFails,
    AndAnswers,
}

#[async_trait]
impl Middleware for CutsOff {
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
            (Err(_), Self::AndAnswers) => Ok(http::Response::new("try later").into()),
        }
    }
}

fn builder() -> ClientBuilder {
    ClientBuilder::new(reqwest::Client::new())
}

fn ours() -> IdempotencyMiddleware {
    IdempotencyMiddleware::new().policy(policy())
}

async fn failure(client: ClientWithMiddleware) -> Failure {
    client.post(URL).send_idempotent().await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn an_error_of_one_after_ours_is_not_tried_again() {
    let Failure::Unretryable(stop) = failure(ours().attach(builder()).with(Fails).build()).await
    else {
        panic!()
    };
    assert_eq!((stop.attempts, stop.limit), (1, None));
}

#[tokio::test(start_paused = true)]
async fn of_an_error_of_one_before_ours_nothing_is_said() {
    let failure = failure(ours().attach(builder().with(Fails)).build()).await;
    assert!(matches!(failure, Failure::Outside(_)), "{failure:?}");
    assert!(failure.key().is_none());
}

#[tokio::test(start_paused = true)]
async fn every_attempt_begins_with_the_extensions_of_the_request() {
    let script = Script::new([status(503), status(503), status(201)]);
    let client = ours().attach(builder()).with(Marks).with(script.clone()).build();
    let request = client.post(URL).with_extension(Given);
    let answer = request.send_idempotent().await.unwrap();
    assert_eq!((answer.response().status().as_u16(), script.attempts()), (201, 3));
}

#[tokio::test(start_paused = true)]
async fn what_the_last_attempt_left_among_the_extensions_stays() {
    let bench = Bench::new([status(503), status(201)]);
    let client = ours().attach(builder()).with(Marks).with(bench.script.clone()).build();
    let mut request =
        client.post(URL).header("idempotency-key", "order-1001").with_extension(Given);
    let mut extensions = std::mem::take(request.extensions());
    let (client, request) = request.build_split();
    let sent = client.execute_with_extensions(request.unwrap(), &mut extensions).await;
    assert_eq!(sent.unwrap().status(), 201);
    assert!(extensions.get::<Seen>().is_some());
}

/// A client that retries beside ours, which makes two attempts each time.
fn retried_by_another(
    ours: IdempotencyMiddleware,
    turns: impl IntoIterator<Item = Turn>,
) -> (ClientWithMiddleware, Script) {
    let script = Script::new(turns);
    let ours = ours.policy(policy().attempts(2));
    let client = ours.attach(builder().with(TriesTwice)).with(script.clone());
    (client.build(), script)
}

fn is_one_key(script: &Script, attempts: usize) {
    let keys = script.header("idempotency-key");
    assert_eq!((script.attempts(), &keys), (attempts, &vec![keys[0].clone(); attempts]));
}

#[tokio::test(start_paused = true)]
async fn one_that_sends_again_sends_the_same_key() {
    let turns = || [status(503), status(503), status(201)];
    let (client, script) = retried_by_another(ours(), turns());
    let answer = client.post(URL).send_idempotent().await.unwrap();
    assert_eq!(answer.response().status(), 201);
    is_one_key(&script, 3);

    let keyed = ours().key_unkeyed(|_| Some(IdempotencyKey::random()));
    let (client, script) = retried_by_another(keyed, turns());
    assert_eq!(client.post(URL).send().await.unwrap().status(), 201);
    is_one_key(&script, 3);
}

#[tokio::test(start_paused = true)]
async fn what_was_lost_before_one_sent_again_is_remembered() {
    let (client, script) = retried_by_another(ours(), [status(504), status(504), status(401)]);
    let failure = failure(client).await;
    let Failure::Unsettled(stop) = failure else { panic!("{failure:?}") };
    assert_eq!((stop.attempts, stop.limit), (3, None));
    is_one_key(&script, 3);
}

#[tokio::test(start_paused = true)]
async fn what_was_cut_off_before_one_sent_again_is_remembered() {
    let script = Script::new([hang(), status(401)]);
    let others = builder().with(TriesTwice).with(CutsOff::AndFails);
    let failure = failure(ours().attach(others).with(script.clone()).build()).await;
    let Some(Stop { attempts: 2, .. }) = failure.stop() else { panic!("{failure:?}") };
    assert!(matches!(failure, Failure::Unsettled(_)), "{failure:?}");
    is_one_key(&script, 2);
}

/// The failure of an operation that another middleware cut off, whose key was sent.
async fn cut_off(by: CutsOff, turns: impl IntoIterator<Item = Turn>) -> Failure {
    let script = Script::new(turns);
    let client = ours().attach(builder().with(by)).with(script.clone()).build();
    let failure = failure(client).await;
    let key = failure.key().unwrap();
    assert_eq!(script.header("idempotency-key")[0], key.to_header());
    failure
}

#[tokio::test(start_paused = true)]
async fn one_that_cuts_an_attempt_off_leaves_the_key_to_go_on_with() {
    let failure = cut_off(CutsOff::AndFails, [status(503), hang()]).await;
    let Failure::Unsettled(stop) = failure else { panic!("{failure:?}") };
    assert_eq!((stop.attempts, stop.limit), (2, None));
    assert!(matches!(stop.last, Last::Error(Error::Middleware(_))));

    let failure = cut_off(CutsOff::AndAnswers, [hang()]).await;
    let Failure::Unsettled(stop) = failure else { panic!("{failure:?}") };
    let Last::Response(last) = stop.last else { panic!() };
    assert_eq!(last.text().await.unwrap(), "try later");
}

#[tokio::test(start_paused = true)]
async fn one_that_cuts_a_pause_off_leaves_the_key_to_go_on_with() {
    let long = status(503).header("retry-after", "3600");
    assert!(matches!(cut_off(CutsOff::AndFails, [long]).await, Failure::Exhausted(_)));
    let long = problem(409, "in-progress").header("retry-after", "3600");
    assert!(matches!(cut_off(CutsOff::AndFails, [long]).await, Failure::InProgress(_)));
}
