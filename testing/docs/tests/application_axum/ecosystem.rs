//! Extractors and responses beyond axum's core: typed headers, cookies, OpenAPI, uploads and server-sent events.

use std::convert::Infallible;

use axum::extract::multipart::MultipartError;
use axum::extract::{Multipart, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use axum_extra::TypedHeader;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::Cookie;
use axum_extra::headers::UserAgent;
use futures_util::stream::{self, Stream, StreamExt};
use http_body_util::BodyExt;
use idem_axum::{Operation, idempotent, status_by_key};
use tower::ServiceExt;
use utoipa::OpenApi;

use crate::app::{App, NewPayment, Repo, SHARED, Tenant, application};
use crate::{Request, open, runs_of, send};

pub(crate) fn routes() -> Router<App> {
    let status = status_by_key::<Extension<Tenant>>(Operation::route("POST", "/documented"));
    Router::new()
        .route("/typed", post(typed_header))
        .route("/cookies", post(cookies))
        .route("/documented", post(documented))
        .route("/documented/by-key/{key}", get(status))
        .route("/uploads", post(upload))
        .route("/events", post(events))
}

#[idempotent(policy = "SHARED", scope = "tenant")]
async fn typed_header(
    State(app): State<App>,
    tenant: Extension<Tenant>,
    TypedHeader(agent): TypedHeader<UserAgent>,
) -> String {
    format!("{agent} {}", app.repo.insert(0).await)
}

#[idempotent(policy = "SHARED", scope = "tenant")]
async fn cookies(
    State(app): State<App>,
    tenant: Extension<Tenant>,
    jar: CookieJar,
) -> (CookieJar, String) {
    let visits = app.repo.insert(1).await;
    (jar.add(Cookie::new("visits", visits.to_string())), visits.to_string())
}

/// Creates a payment.
#[utoipa::path(
    post,
    path = "/documented",
    params(("Idempotency-Key" = String, Header, description = "One random key per operation")),
    responses(
        (status = 201, body = u64),
        (status = 409, description = "The first request is in progress, or its result is not known"),
        (status = 422, description = "The key was used for another request")
    )
)]
#[idempotent(policy = "SHARED", scope = "tenant")]
async fn documented(
    State(app): State<App>,
    tenant: Extension<Tenant>,
    Json(payment): Json<NewPayment>,
) -> (StatusCode, Json<u64>) {
    (StatusCode::CREATED, Json(app.repo.insert(payment.amount).await))
}

#[derive(OpenApi)]
#[openapi(paths(documented))]
struct ApiDoc;

#[idempotent(policy = "SHARED", scope = "tenant")]
async fn upload(
    State(app): State<App>,
    tenant: Extension<Tenant>,
    mut form: Multipart,
) -> Result<String, MultipartError> {
    let mut stored = Vec::new();
    while let Some(field) = form.next_field().await? {
        let name = field.name().unwrap_or_default().to_owned();
        stored.push(format!("{name}: {} bytes", field.bytes().await?.len()));
    }
    Ok(format!("{} {}", stored.join(", "), app.repo.insert(1).await))
}

#[idempotent(policy = "SHARED", scope = "tenant")]
async fn events(
    State(app): State<App>,
    tenant: Extension<Tenant>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let id = app.repo.insert(1).await;
    let first = Event::default().data(format!("payment {id}"));
    Sse::new(stream::iter([Ok(first)]).chain(stream::pending()))
}

#[test]
fn a_guarded_handler_is_documented() {
    let document = serde_json::to_value(ApiDoc::openapi()).unwrap();
    let operation = &document["paths"]["/documented"]["post"];
    assert_eq!(operation["parameters"][0]["name"], "Idempotency-Key");
    assert!(operation["responses"]["409"].is_object());
}

#[tokio::test]
async fn a_replay_has_no_cookie() {
    let (router, _) = application();
    let first = send(&router, "/cookies", "text/plain", "").await;
    assert!(first.headers.contains_key("set-cookie"));
    let second = send(&router, "/cookies", "text/plain", "").await;
    assert!(second.replayed && !second.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn an_upload_is_compared_by_its_parts() {
    let (router, app) = application();
    let upload = async |boundary: &str, content: &str| {
        let media_type = format!("multipart/form-data; boundary={boundary}");
        let body = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n{content}\r\n\
             --{boundary}--\r\n"
        );
        send(&router, "/uploads", &media_type, &body).await
    };
    let first = upload("one", "hello").await;
    assert_eq!((first.status, &*first.body), (StatusCode::OK, b"file: 5 bytes 1".as_slice()));
    let second = upload("two", "hello").await;
    assert!(second.replayed);
    assert_eq!(second.body, first.body);
    assert_eq!(upload("two", "hallo").await.status, 422);
    assert_eq!(runs_of(&app), 1);
}

/// The client gets the first event of a stream that never ends. Its retry is refused, and the handler does not run again.
#[tokio::test]
async fn events_reach_their_client() {
    let (router, app) = application();
    let mut stream = open(&router, "/events", "text/plain", "").await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let event = stream.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(event, "data: payment 1\n\n");
    let second = send(&router, "/events", "text/plain", "").await;
    assert_eq!(second.headers["idempotency-refused"], "result-unavailable");
    assert_eq!(runs_of(&app), 1);
}

/// The status endpoint takes its scope from the same extension as the handler.
#[tokio::test]
async fn the_status_of_a_key_is_its_response() {
    let (router, _) = application();
    let created = send(&router, "/documented", "application/json", r#"{"amount":42}"#).await;
    let status = async |tenant: &str| {
        let request = Request::get("/documented/by-key/order-1001")
            .header("authorization", tenant)
            .body(axum::body::Body::empty())
            .unwrap();
        router.clone().oneshot(request).await.unwrap()
    };
    let found = status("acme").await;
    assert_eq!(found.status(), StatusCode::CREATED);
    assert_eq!(found.into_body().collect().await.unwrap().to_bytes(), created.body);
    assert_eq!(status("globex").await.status(), StatusCode::NOT_FOUND);
}
