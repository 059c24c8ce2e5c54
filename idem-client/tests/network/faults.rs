//! Every way to lose a response counts as a failed attempt, and is retried with the same request.

use std::error::Error as _;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http::Extensions;
use idem_client::{
    Failure, GaveUp, IdempotencyMiddleware, IdempotentRequest, LastAttempt, NotSent, Reply,
    RetryLimit, RetryPolicy,
};
use reqwest::{Request, Response};
use reqwest_middleware::{
    ClientBuilder, ClientWithMiddleware, Error, Middleware, Next, RequestBuilder,
};

use crate::server::{Fate, Server};

const CREATED: Fate = Fate::Send(
    "HTTP/1.1 201 Created\r\nidempotent-replayed: true\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
);

/// The attempt timeout for a response that never comes. On a busy machine other responses may be late too, so
/// these tests allow more attempts than they need.
const SHORT: Duration = Duration::from_millis(300);

fn policy() -> RetryPolicy {
    RetryPolicy::new().random(|| 0.0)
}

fn client(policy: RetryPolicy) -> ClientWithMiddleware {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    IdempotencyMiddleware::new().policy(policy).attach(ClientBuilder::new(http)).build()
}

fn payment(url: &str, policy: RetryPolicy) -> RequestBuilder {
    client(policy).post(url).body(r#"{"amount": 4200}"#)
}

fn exhausted(result: Result<Reply, Failure>) -> GaveUp {
    match result {
        Err(Failure::Exhausted(gave_up)) => *gave_up,
        other => panic!("{other:?}"),
    }
}

/// The second attempt repeats the first one byte for byte, and its response arrives.
async fn is_retried(fate: Fate, read: usize) {
    let server = Server::start([fate, CREATED]).await;
    let reply = payment(&server.url(), policy()).send_idempotent().await;
    let Ok(Reply::Replayed(response)) = reply else { panic!("{fate:?}: {reply:?}") };
    assert_eq!(response.url().as_str(), server.url());
    assert_eq!(response.text().await.unwrap(), "{}");
    let requests = server.requests();
    assert_eq!(requests.len(), read, "{fate:?}");
    assert!(requests.iter().all(|request| *request == requests[0]), "{requests:?}");
    assert!(requests[0].contains("idempotency-key: \""));
}

#[tokio::test]
async fn lost_responses_are_retried() {
    is_retried(Fate::ResetUnread, 1).await;
    for fate in [
        Fate::CloseUnanswered,
        Fate::ResetUnanswered,
        Fate::Send("HTTP/1.1 201 Cre"),
        Fate::Send("HTTP/1.1 201 Created\r\ncontent-length: 20\r\n\r\n{\"half\":"),
        Fate::Send("HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n8\r\n{\"half\":\r\n"),
        Fate::Send(
            "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        ),
    ] {
        is_retried(fate, 2).await;
    }
}

#[tokio::test]
async fn a_response_that_does_not_start_or_does_not_end_is_retried() {
    for start in ["", "HTTP/1.1 201 Created\r\ncontent-length: 20\r\n\r\n{\"half\":"] {
        let server =
            Server::start([Fate::SendAndHang(start)].into_iter().chain([CREATED; 9])).await;
        let short = policy().attempt_timeout(SHORT).attempts(10);
        let reply = payment(&server.url(), short).send_idempotent().await.unwrap();
        assert!(reply.is_replayed());
    }
}

/// 30 bytes without a `Content-Length`, of which the client reads about 10 within its attempt.
const LONG: &str = "HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
    8\r\n01234567\r\n8\r\n89012345\r\ne\r\n67890123456789\r\n0\r\n\r\n";

async fn long_response(sent: &'static str) -> (Server, reqwest::Result<String>) {
    let server = Server::start([Fate::Send(sent)]).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let middleware = IdempotencyMiddleware::new().max_response(10);
    let client = middleware.attach(ClientBuilder::new(http)).build();
    let payment = client.post(server.url()).body("{}").send_idempotent().await;
    (server, payment.unwrap().into_response().text().await)
}

#[tokio::test]
async fn a_response_longer_than_the_limit_arrives_complete() {
    let (_server, text) = long_response(LONG).await;
    assert_eq!(text.unwrap(), "012345678901234567890123456789");
}

#[tokio::test]
async fn a_connection_lost_beyond_the_limit_is_an_error_for_the_caller() {
    let cut = LONG.strip_suffix("789\r\n0\r\n\r\n").unwrap();
    let (server, text) = long_response(cut).await;
    assert!(text.unwrap_err().is_decode());
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_timeout_of_the_request_counts_as_a_lost_response() {
    let server = Server::start([Fate::SendAndHang("")].into_iter().chain([CREATED; 9])).await;
    let request = payment(&server.url(), policy().attempts(10)).timeout(SHORT);
    assert!(request.send_idempotent().await.unwrap().is_replayed());
}

fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn a_refused_connection_is_retried_up_to_the_attempt_limit() {
    let url = format!("http://127.0.0.1:{}/", closed_port());
    let result = payment(&url, policy()).send_idempotent().await;
    let gave_up = exhausted(result);
    assert_eq!((gave_up.attempts, gave_up.limit), (4, Some(RetryLimit::Attempts)));
    let LastAttempt::Error(Error::Reqwest(error)) = gave_up.last else { panic!() };
    assert!(error.is_connect());
}

/// Sends the first attempt to a closed port.
struct FirstToClosedPort(AtomicBool);

#[async_trait]
impl Middleware for FirstToClosedPort {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response, Error> {
        if !self.0.swap(true, Ordering::Relaxed) {
            request.url_mut().set_port(Some(closed_port())).unwrap();
        }
        next.run(request, extensions).await
    }
}

#[tokio::test]
async fn an_error_does_not_show_the_url() {
    let url = format!("http://127.0.0.1:{}/payments?token=secret", closed_port());
    let failure = payment(&url, policy().attempts(1)).send_idempotent().await.unwrap_err();
    let sources = std::iter::successors(failure.source(), |&error| error.source());
    let shown = sources.fold(format!("{failure:?}"), |shown, error| format!("{shown}: {error}"));
    assert!(shown.contains("stopped after 1 attempt") && !shown.contains("secret"), "{shown}");
}

#[tokio::test]
async fn a_rejection_after_a_refused_connection_is_the_reply() {
    let declined = "HTTP/1.1 402 Payment Required\r\ncontent-length: 0\r\n\r\n";
    let server = Server::start([Fate::Send(declined)]).await;
    let http = ClientBuilder::new(reqwest::Client::builder().no_proxy().build().unwrap());
    let client = IdempotencyMiddleware::new().policy(policy()).attach(http);
    let client = client.with(FirstToClosedPort(AtomicBool::new(false))).build();
    let reply = client.post(server.url()).body("{}").send_idempotent().await;
    let Ok(Reply::Fresh(response)) = reply else { panic!("{reply:?}") };
    assert_eq!((response.status().as_u16(), server.requests().len()), (402, 1));
}

#[tokio::test]
async fn a_rejection_after_a_broken_connection_is_indeterminate() {
    let unauthorized = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
    for fate in [Fate::CloseUnanswered, Fate::ResetUnanswered, Fate::Send("HTTP/1.1 201 Cre")] {
        let server = Server::start([fate, Fate::Send(unauthorized)]).await;
        let failure = payment(&server.url(), policy()).send_idempotent().await.unwrap_err();
        let Failure::Indeterminate(gave_up) = failure else { panic!("{failure:?}") };
        assert!(server.requests()[0].contains(&gave_up.key.to_header()));
    }
}

#[tokio::test]
async fn exhausted_retries_return_the_key_for_a_later_try() {
    let fates = [Fate::CloseUnanswered, Fate::ResetUnanswered, CREATED];
    let server = Server::start(fates).await;
    let gave_up = exhausted(payment(&server.url(), policy().attempts(2)).send_idempotent().await);
    assert!(matches!(gave_up.last, LastAttempt::Error(Error::Reqwest(_))));
    let later = payment(&server.url(), policy()).idempotency_key(&gave_up.key);
    assert!(later.send_idempotent().await.unwrap().is_replayed());
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| request.contains(&gave_up.key.to_header())));
}

#[tokio::test]
async fn a_lost_response_without_a_key_is_not_retried() {
    let server = Server::start([Fate::CloseUnanswered, CREATED]).await;
    let result = payment(&server.url(), policy()).send().await;
    assert!(matches!(result, Err(Error::Reqwest(_))));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_url_that_is_not_http_is_distinguished_from_a_redirect_to_one() {
    let failure = payment("ftp://payments.test/", policy()).send_idempotent().await.unwrap_err();
    assert!(matches!(failure, Failure::NotSent(NotSent::Request(_))), "{failure:?}");

    let elsewhere = "HTTP/1.1 307 Temporary Redirect\r\nlocation: ftp://payments.test/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let server = Server::start([Fate::Send(elsewhere)]).await;
    let failure = payment(&server.url(), policy()).send_idempotent().await.unwrap_err();
    let Failure::Unretryable(gave_up) = failure else { panic!("{failure:?}") };
    assert!(server.requests()[0].contains(&gave_up.key.to_header()));
}

#[tokio::test]
async fn endless_redirects_are_not_retried() {
    let again = "HTTP/1.1 307 Temporary Redirect\r\nlocation: /payments\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let server = Server::start([Fate::Send(again); 11]).await;
    let failure = payment(&server.url(), policy()).send_idempotent().await.unwrap_err();
    let Failure::Unretryable(gave_up) = failure else { panic!("{failure:?}") };
    assert_eq!((gave_up.attempts, gave_up.limit), (1, None));
    let LastAttempt::Error(Error::Reqwest(error)) = gave_up.last else { panic!() };
    assert!(error.is_redirect());
    assert_eq!(server.requests().len(), 11);
}
