//! The scenario app on axum: one annotated handler per row of the table in `idem_testkit::http::app`.

use std::time::Duration;

use axum::extract::{DefaultBodyLimit, FromRef, Path, Query, Request, State};
use axum::http::header::IF_MATCH;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{any, patch, post};
use axum::{Json, Router};
use bytes::Bytes;
use futures_util::FutureExt;
use idem_axum::{Idempotency, idempotent};
use idem_testkit::http::app::{Label, MAX_REQUEST, Order, Payments};
use idem_testkit::http::{Closing, Listening};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::timeout::TimeoutLayer;

use crate::extract::{Tenant, User};
use crate::respond::Replied;

#[derive(Clone, FromRef)]
struct App {
    idempotency: Idempotency,
    payments: Payments,
}

pub(crate) async fn start(idempotency: Idempotency, payments: Payments) -> Listening {
    let router = router(App { idempotency, payments });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let server =
        axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    let served = tokio::spawn(server.into_future());
    Listening {
        address,
        shut_down: Box::new(move |drain| {
            async move {
                stop.cancel();
                served.await.unwrap().unwrap();
                drain.await;
            }
            .boxed()
        }),
        drops_on: &[Closing::Fin, Closing::Rst, Closing::HalfClose],
    }
}

fn router(app: App) -> Router {
    let version = Router::new().route("/payments", post(create));
    let shop = Router::new().route("/payments", post(create));
    let timeout =
        TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_millis(50));
    Router::new()
        .route("/payments", post(create))
        .route("/refunds", post(create))
        .route("/accounts/{account}/payments", post(create))
        .nest("/api/v1", version.clone())
        .nest("/api/v2", version)
        .nest("/shops/{shop}", shop)
        .route("/payments/{id}", patch(amend))
        .route("/notes", post(note))
        .route("/user-payments", post(user_payment))
        .route("/raw", post(raw))
        .route("/json-any", post(json_any))
        .route("/empty", post(empty))
        .route("/see-other", post(see_other))
        .route("/accepted", post(accepted))
        .route("/short", post(short))
        .route("/wait", post(wait))
        .route("/wait-briefly", post(wait_briefly))
        .route("/release", post(release))
        .route("/hold", post(hold))
        .route("/takeover", post(takeover))
        .route("/strict", post(strict))
        .route("/timeout", post(create).layer(timeout))
        .route("/max-run", post(max_run))
        .route("/by-note", post(by_note))
        .route("/by-amount", post(by_amount))
        .route("/any", any(touch))
        .route("/nothing", post(nothing))
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
        .layer(from_fn_with_state(app.payments.clone(), present))
        .with_state(app)
}

async fn present(State(payments): State<Payments>, request: Request, next: Next) -> Response {
    let _present = payments.present();
    next.run(request).await
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn amend(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(order): Json<Order>,
) -> Replied {
    let if_match = headers.get(IF_MATCH).map(HeaderValue::as_bytes);
    Replied(payments.amend(&id, if_match, order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", optional)]
async fn note(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "user")]
async fn user_payment(
    State(payments): State<Payments>,
    User(user): User,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", fingerprint = "raw")]
async fn raw(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Query(label): Query<Label>,
    body: Bytes,
) -> Replied {
    Replied(payments.echo(&label, body).await)
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn json_any(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Query(label): Query<Label>,
    body: Bytes,
) -> Replied {
    Replied(payments.echo(&label, body).await)
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn empty(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await.only(204))
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn see_other(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await.only(303))
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn accepted(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await.only(202))
}

#[idempotent(ttl = "1h", scope = "tenant")]
async fn short(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", wait = "30s")]
async fn wait(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", wait = "100ms")]
async fn wait_briefly(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", guarantee = "at-least-once")]
async fn release(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", lease = "500ms")]
async fn hold(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", lease = "500ms", guarantee = "at-least-once")]
async fn takeover(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", syntax = "strict")]
async fn strict(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", max_run = "200ms", lease = "100ms")]
async fn max_run(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", key = "order.note")]
async fn by_note(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", fingerprint = "order.amount")]
async fn by_amount(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

/// Its last parameter takes only the head.
#[idempotent(ttl = "24h", scope = "tenant")]
async fn touch(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Query(label): Query<Label>,
) -> Replied {
    Replied(payments.touch(&label).await)
}

#[idempotent(ttl = "24h", scope = "global")]
async fn nothing() -> StatusCode {
    StatusCode::NO_CONTENT
}
