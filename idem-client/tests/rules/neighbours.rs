//! Other middleware of the same client.

use async_trait::async_trait;
use http::Extensions;
use idem_client::{Failure, IdempotencyMiddleware, IdempotentRequest};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error, Middleware, Next};

use crate::support::{Bench, Script, URL, policy, status};

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
