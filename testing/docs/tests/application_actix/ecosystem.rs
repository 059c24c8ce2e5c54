//! Extractors and responses beyond actix-web's core: cookies, OpenAPI, uploads and server-sent events.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::Ordering;

use actix_multipart::{Multipart, MultipartError};
use actix_web::body::MessageBody;
use actix_web::cookie::Cookie;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, SET_COOKIE};
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::{self, Bytes, Data, Json, ReqData};
use actix_web::{App, HttpRequest, HttpResponse};
use futures_util::TryStreamExt;
use futures_util::stream::{self, StreamExt};
use idem_actix::{Idempotency, MemoryStore, Operation, idempotent, status_by_key};
use utoipa::OpenApi;

use crate::{MemoryRepo, NewPayment, Repo, SHARED, Tenant, authenticate};

pub(crate) fn routes(config: &mut web::ServiceConfig) {
    let status = status_by_key::<ReqData<Tenant>, _>(Operation::route("POST", "/documented"));
    config
        .route("/cookies", web::post().to(cookies))
        .route("/documented", web::post().to(documented))
        .route("/documented/by-key/{key}", status)
        .route("/uploads", web::post().to(upload))
        .route("/events", web::post().to(events));
}

#[idempotent(policy = "SHARED", scope = "tenant")]
async fn cookies(
    request: HttpRequest,
    repo: Data<MemoryRepo>,
    tenant: ReqData<Tenant>,
) -> HttpResponse {
    assert!(request.cookie("visits").is_none());
    let visits = repo.insert(1).await.to_string();
    HttpResponse::Ok().cookie(Cookie::new("visits", visits.clone())).body(visits)
}

/// Creates a payment.
#[utoipa::path(post, path = "/documented", responses((status = 201, body = u64)))]
#[idempotent(policy = "SHARED", scope = "tenant")]
async fn documented(
    repo: Data<MemoryRepo>,
    tenant: ReqData<Tenant>,
    payment: Json<NewPayment>,
) -> HttpResponse {
    HttpResponse::Created().json(repo.insert(payment.amount).await)
}

#[derive(OpenApi)]
#[openapi(paths(documented))]
struct ApiDoc;

#[idempotent(policy = "SHARED", scope = "tenant")]
async fn upload(
    repo: Data<MemoryRepo>,
    tenant: ReqData<Tenant>,
    mut form: Multipart,
) -> Result<String, MultipartError> {
    let mut stored = Vec::new();
    while let Some(field) = form.try_next().await? {
        let name = field.name().unwrap_or_default().to_owned();
        let size = field.try_fold(0, async |size, part| Ok(size + part.len())).await?;
        stored.push(format!("{name}: {size} bytes"));
    }
    Ok(format!("{} {}", stored.join(", "), repo.insert(1).await))
}

#[idempotent(policy = "SHARED", scope = "tenant")]
async fn events(repo: Data<MemoryRepo>, tenant: ReqData<Tenant>) -> HttpResponse {
    let first = Bytes::from(format!("data: payment {}\n\n", repo.insert(1).await));
    let events = stream::iter([Ok::<_, Infallible>(first)]).chain(stream::pending());
    HttpResponse::Ok().content_type("text/event-stream").streaming(events)
}

#[test]
fn a_guarded_handler_is_documented() {
    let document = ApiDoc::openapi();
    assert!(document.paths.paths["/documented"].post.is_some());
}

/// Serves the routes over a new store.
macro_rules! served {
    ($repo:expr) => {
        init_service(
            App::new()
                .app_data(Data::new(Idempotency::new(MemoryStore::new())))
                .app_data($repo.clone())
                .configure(routes)
                .wrap(from_fn(authenticate)),
        )
        .await
    };
}

fn request(path: &str) -> TestRequest {
    TestRequest::post()
        .uri(path)
        .insert_header((AUTHORIZATION, "acme"))
        .insert_header(("Idempotency-Key", "order-1001"))
}

#[actix_web::test]
async fn a_replay_has_no_cookie() {
    let app = served!(Data::new(MemoryRepo::default()));
    let first = call_service(&app, request("/cookies").to_request()).await;
    assert!(first.headers().contains_key(SET_COOKIE));
    let second = call_service(&app, request("/cookies").to_request()).await;
    assert!(second.headers().contains_key("idempotent-replayed"));
    assert!(!second.headers().contains_key(SET_COOKIE));
}

#[actix_web::test]
async fn an_upload_is_compared_by_its_parts() {
    let repo = Data::new(MemoryRepo::default());
    let app = served!(repo);
    let upload = async |boundary: &str, content: &str| {
        let body = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n{content}\r\n\
             --{boundary}--\r\n"
        );
        let media_type = format!("multipart/form-data; boundary={boundary}");
        let request = request("/uploads").insert_header((CONTENT_TYPE, media_type));
        let response = call_service(&app, request.set_payload(body).to_request()).await;
        let replayed = response.headers().contains_key("idempotent-replayed");
        (response.status().as_u16(), replayed, read_body(response).await)
    };
    let stored = Bytes::from_static(b"file: 5 bytes 1");
    assert_eq!(upload("one", "hello").await, (200, false, stored.clone()));
    assert_eq!(upload("two", "hello").await, (200, true, stored));
    assert_eq!(upload("two", "hallo").await.0, 422);
    assert_eq!(repo.0.load(Ordering::Relaxed), 1);
}

/// The client gets the first event of a stream that never ends. Its retry is refused, and the handler does not run again.
#[actix_web::test]
async fn events_reach_their_client() {
    let repo = Data::new(MemoryRepo::default());
    let app = served!(repo);
    let stream = call_service(&app, request("/events").to_request()).await;
    assert_eq!(stream.headers().get(CONTENT_TYPE).unwrap(), "text/event-stream");
    let mut body = pin!(stream.into_body());
    let event = poll_fn(|context| body.as_mut().poll_next(context)).await;
    assert!(matches!(event, Some(Ok(event)) if event == "data: payment 1\n\n"));
    let second = call_service(&app, request("/events").to_request()).await;
    assert_eq!(second.headers().get("idempotency-refused").unwrap(), "result-unavailable");
    assert_eq!(repo.0.load(Ordering::Relaxed), 1);
}

/// The status endpoint takes its scope from the same extension as the handler.
#[actix_web::test]
async fn the_status_of_a_key_is_its_response() {
    let app = served!(Data::new(MemoryRepo::default()));
    let payment = request("/documented").set_json(NewPayment { amount: 42 }).to_request();
    let created = read_body(call_service(&app, payment).await).await;
    let status = async |tenant: &str| {
        let request = TestRequest::get().uri("/documented/by-key/order-1001");
        let request = request.insert_header((AUTHORIZATION, tenant)).to_request();
        call_service(&app, request).await
    };
    let found = status("acme").await;
    assert_eq!(found.status(), 201);
    assert_eq!(read_body(found).await, created);
    assert_eq!(status("globex").await.status(), 404);
}
