//! The newsletter of the guide publishes each issue once, before and after the retrofit, and the guide shows what differs.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, Error, HttpMessage};
use idem_actix::postgres::sqlx::PgPool;
use idem_actix::{Idempotency, PostgresStore};
use idem_docs::documents::{fences, root};
use idem_docs::retrofit::{NewIssue, SCHEMA, UserId, after, before, by_hand};
use idem_testkit::servers::PostgresServer;

async fn sign_in(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    request.extensions_mut().insert(UserId(7));
    next.call(request).await
}

fn service() -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new().wrap(from_fn(sign_in))
}

fn issue(title: &str) -> TestRequest {
    let (content, key) = ("Hello", "issue-1");
    let form = NewIssue {
        title: title.to_owned(),
        content: content.to_owned(),
        idempotency_key: key.to_owned(),
    };
    TestRequest::post().uri("/issues").set_form(form)
}

/// Publishes an issue twice, and then another one with the same key. Returns the status of the last request.
macro_rules! publish {
    ($server:expr, $configure:expr) => {{
        let app = init_service(service().configure($configure)).await;
        for _ in 0..2 {
            let published = call_service(&app, issue("one").to_request()).await;
            assert_eq!(published.status(), 303);
            assert_eq!(published.headers().get("location").unwrap(), "/issues");
        }
        let other = call_service(&app, issue("two").to_request()).await;
        assert_eq!($server.sql("SELECT count(*) FROM issue"), "1");
        assert_eq!($server.sql("SELECT count(*) FROM delivery"), "2");
        other.status().as_u16()
    }};
}

async fn database() -> (PostgresServer, PgPool) {
    let server = PostgresServer::start(&[]);
    server.sql(SCHEMA);
    server.sql(by_hand::SCHEMA);
    server.sql("INSERT INTO subscriber VALUES ('a@example.com'), ('b@example.com')");
    let pool = PgPool::connect(&server.url()).await.unwrap();
    (server, pool)
}

/// The code of the service replays the first response for whatever has the same key.
#[actix_web::test]
async fn an_issue_is_published_once_by_hand() {
    let (server, pool) = database().await;
    assert_eq!(publish!(server, before::configure(pool)), 303);
}

#[actix_web::test]
async fn an_issue_is_published_once_with_idem() {
    let (server, pool) = database().await;
    // Longer than a busy server needs.
    let limit = Duration::from_secs(60);
    let builder = PostgresStore::builder().wait_timeout(limit).statement_timeout(limit);
    let store = builder.on_pool(pool).await.unwrap();
    let idempotency = Idempotency::builder(store).store_timeout(limit).build();
    assert_eq!(publish!(server, after::configure(idempotency)), 422);
}

/// Each side of each diff is code of this crate.
#[test]
fn the_diff_of_the_guide_is_compiled() {
    let guide = root().join("docs/guide/src/retrofit.md");
    let diffs: Vec<_> =
        fences(&guide).into_iter().filter(|fence| fence.language == "diff").collect();
    assert!(!diffs.is_empty());
    for (side, other, source) in [
        ('-', '+', include_str!("../src/retrofit/before.rs")),
        ('+', '-', include_str!("../src/retrofit/after.rs")),
    ] {
        for diff in &diffs {
            let lines = diff.text.lines().filter(|line| !line.starts_with(other));
            let code: Vec<_> =
                lines.map(|line| line.strip_prefix([side, ' ']).unwrap_or("")).collect();
            assert!(source.contains(&code.join("\n")), "{}:\n{}", diff.line, code.join("\n"));
        }
    }
}

/// The guide counts the lines of the module that is removed.
#[test]
fn the_guide_counts_the_lines_that_are_removed() {
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    let count = |source: &str| source.lines().filter(is_code).count();
    let removed = count(include_str!("../src/retrofit/by_hand.rs"));
    let guide = std::fs::read_to_string(root().join("docs/guide/src/retrofit.md")).unwrap();
    assert!(guide.contains(&format!("{removed} lines")), "{removed} lines");
}
