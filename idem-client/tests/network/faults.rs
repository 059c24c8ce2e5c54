//! Every way to lose an answer is an attempt that failed, and nothing else.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http::Extensions;
use idem_client::{
    Answer, Failure, IdempotencyMiddleware, IdempotentRequest, Last, Limit, NotSent, RetryPolicy,
    Stop,
};
use reqwest::{Request, Response};
use reqwest_middleware::{
    ClientBuilder, ClientWithMiddleware, Error, Middleware, Next, RequestBuilder,
};

use crate::server::{Fate, Server};

const CREATED: Fate = Fate::Send(
    "HTTP/1.1 201 Created\r\nidempotent-replayed: true\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
);

/// How long to wait for an answer that never comes. Others may come too late for it on a busy machine, so
/// tests that wait allow for more attempts than they need.
const IMPATIENT: Duration = Duration::from_millis(300);

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

fn exhausted(result: Result<Answer, Failure>) -> Stop {
    match result {
        Err(Failure::Exhausted(stop)) => *stop,
        other => panic!("{other:?}"),
    }
}

/// The second attempt is the first one again, byte for byte, and its answer arrives.
async fn is_survived(fate: Fate, read: usize) {
    let server = Server::start([fate, CREATED]).await;
    let answer = payment(&server.url(), policy()).send_idempotent().await;
    let Ok(Answer::Replayed(response)) = answer else { panic!("{fate:?}: {answer:?}") };
    assert_eq!(response.url().as_str(), server.url());
    assert_eq!(response.text().await.unwrap(), "{}");
    let requests = server.requests();
    assert_eq!(requests.len(), read, "{fate:?}");
    assert!(requests.iter().all(|request| *request == requests[0]), "{requests:?}");
    assert!(requests[0].contains("idempotency-key: \""));
}

#[tokio::test]
async fn lost_answers_are_survived() {
    is_survived(Fate::ResetAtOnce, 1).await;
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
        is_survived(fate, 2).await;
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_or_does_not_end_is_made_again() {
    for begun in ["", "HTTP/1.1 201 Created\r\ncontent-length: 20\r\n\r\n{\"half\":"] {
        let server =
            Server::start([Fate::SendAndHang(begun)].into_iter().chain([CREATED; 9])).await;
        let impatient = policy().attempt_timeout(IMPATIENT).attempts(10);
        let answer = payment(&server.url(), impatient).send_idempotent().await.unwrap();
        assert!(answer.is_replayed());
    }
}

/// 30 bytes whose number is not told beforehand, of which a client reads about 10 within its attempt.
const LONG: &str = "HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
    8\r\n01234567\r\n8\r\n89012345\r\ne\r\n67890123456789\r\n0\r\n\r\n";

async fn long_answer(sent: &'static str) -> (Server, reqwest::Result<String>) {
    let server = Server::start([Fate::Send(sent)]).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let middleware = IdempotencyMiddleware::new().max_answer(10);
    let client = middleware.attach(ClientBuilder::new(http)).build();
    let payment = client.post(server.url()).body("{}").send_idempotent().await;
    (server, payment.unwrap().into_response().text().await)
}

#[tokio::test]
async fn an_answer_longer_than_the_limit_arrives_whole() {
    let (_server, text) = long_answer(LONG).await;
    assert_eq!(text.unwrap(), "012345678901234567890123456789");
}

#[tokio::test]
async fn beyond_the_limit_a_lost_connection_is_the_callers() {
    let cut = LONG.strip_suffix("789\r\n0\r\n\r\n").unwrap();
    let (server, text) = long_answer(cut).await;
    assert!(text.unwrap_err().is_decode());
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn the_clients_own_timeout_is_a_lost_answer_too() {
    let server = Server::start([Fate::SendAndHang("")].into_iter().chain([CREATED; 9])).await;
    let request = payment(&server.url(), policy().attempts(10)).timeout(IMPATIENT);
    assert!(request.send_idempotent().await.unwrap().is_replayed());
}

fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn a_connection_refused_is_tried_until_the_attempts_are_spent() {
    let url = format!("http://127.0.0.1:{}/", closed_port());
    let result = payment(&url, policy()).send_idempotent().await;
    let stop = exhausted(result);
    assert_eq!((stop.attempts, stop.limit), (4, Some(Limit::Attempts)));
    let Last::Error(Error::Reqwest(error)) = stop.last else { panic!() };
    assert!(error.is_connect());
}

/// Sends the first attempt to where nobody listens.
struct FirstToNobody(AtomicBool);

#[async_trait]
impl Middleware for FirstToNobody {
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
async fn a_refusal_after_a_connection_that_never_stood_is_the_answer() {
    let declined = "HTTP/1.1 402 Payment Required\r\ncontent-length: 0\r\n\r\n";
    let server = Server::start([Fate::Send(declined)]).await;
    let http = ClientBuilder::new(reqwest::Client::builder().no_proxy().build().unwrap());
    let client = IdempotencyMiddleware::new().policy(policy()).attach(http);
    let client = client.with(FirstToNobody(AtomicBool::new(false))).build();
    let answer = client.post(server.url()).body("{}").send_idempotent().await;
    let Ok(Answer::Fresh(response)) = answer else { panic!("{answer:?}") };
    assert_eq!((response.status().as_u16(), server.requests().len()), (402, 1));
}

#[tokio::test]
async fn a_refusal_after_a_connection_that_broke_settles_nothing() {
    let unauthorized = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
    for fate in [Fate::CloseUnanswered, Fate::ResetUnanswered, Fate::Send("HTTP/1.1 201 Cre")] {
        let server = Server::start([fate, Fate::Send(unauthorized)]).await;
        let failure = payment(&server.url(), policy()).send_idempotent().await.unwrap_err();
        let Failure::Unsettled(stop) = failure else { panic!("{failure:?}") };
        assert!(server.requests()[0].contains(&stop.key.to_header()));
    }
}

#[tokio::test]
async fn answers_lost_for_ever_leave_the_key_to_go_on_with() {
    let fates = [Fate::CloseUnanswered, Fate::ResetUnanswered, CREATED];
    let server = Server::start(fates).await;
    let stop = exhausted(payment(&server.url(), policy().attempts(2)).send_idempotent().await);
    assert!(matches!(stop.last, Last::Error(Error::Reqwest(_))));
    let later = payment(&server.url(), policy()).idempotency_key(&stop.key);
    assert!(later.send_idempotent().await.unwrap().is_replayed());
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| request.contains(&stop.key.to_header())));
}

#[tokio::test]
async fn without_a_key_a_lost_answer_stays_lost() {
    let server = Server::start([Fate::CloseUnanswered, CREATED]).await;
    let result = payment(&server.url(), policy()).send().await;
    assert!(matches!(result, Err(Error::Reqwest(_))));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn an_address_that_cannot_be_sent_to_is_told_from_a_redirect_to_one() {
    let failure = payment("ftp://payments.test/", policy()).send_idempotent().await.unwrap_err();
    assert!(matches!(failure, Failure::NotSent(NotSent::Request(_))), "{failure:?}");

    let elsewhere = "HTTP/1.1 307 Temporary Redirect\r\nlocation: ftp://payments.test/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let server = Server::start([Fate::Send(elsewhere)]).await;
    let failure = payment(&server.url(), policy()).send_idempotent().await.unwrap_err();
    let Failure::Unretryable(stop) = failure else { panic!("{failure:?}") };
    assert!(server.requests()[0].contains(&stop.key.to_header()));
}

#[tokio::test]
async fn redirects_without_end_are_not_tried_again() {
    let again = "HTTP/1.1 307 Temporary Redirect\r\nlocation: /payments\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let server = Server::start([Fate::Send(again); 11]).await;
    let failure = payment(&server.url(), policy()).send_idempotent().await.unwrap_err();
    let Failure::Unretryable(stop) = failure else { panic!("{failure:?}") };
    assert_eq!((stop.attempts, stop.limit), (1, None));
    let Last::Error(Error::Reqwest(error)) = stop.last else { panic!() };
    assert!(error.is_redirect());
    assert_eq!(server.requests().len(), 11);
}
