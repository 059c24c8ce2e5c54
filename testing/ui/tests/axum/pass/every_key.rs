use axum::extract::{FromRef, Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Extension, Json, Router};
use idem_axum::{Idempotency, MemoryStore, idempotent};

#[derive(Clone, FromRef)]
struct App {
    idempotency: Idempotency,
}

impl App {
    fn region(&self) -> String {
        "eu".to_owned()
    }
}

#[derive(serde::Deserialize)]
struct NewPayment {
    id: String,
    amount: u64,
}

#[idempotent(
    ttl = "24h",
    hold = "90d",
    scope = "shop, app.region()",
    operation = "payments.create",
    key = "payment.id",
    guarantee = "at-least-once",
    max_attempts = 3,
    wait = "3s",
    lease = "10s",
    max_run = "5m",
    label = "payment.id",
    fingerprint = "(&payment.amount, shop)"
)]
async fn create(
    State(app): State<App>,
    Path(shop): Path<String>,
    Json(payment): Json<NewPayment>,
) -> Result<StatusCode, StatusCode> {
    drop((app, shop, payment.id, payment.amount));
    Ok(StatusCode::CREATED)
}

#[idempotent(
    ttl = "1h 30m",
    scope = "global",
    optional,
    syntax = "strict",
    format = "uuidv7",
    max_age = "90m",
    fingerprint = "raw"
)]
async fn tick() {}

#[idempotent(ttl = "24h", scope = "a, b, c, d")]
async fn four_parts(Extension((a, b, c, d)): Extension<(u8, i8, usize, isize)>) {}

#[test]
fn builds() {
    let app = App { idempotency: Idempotency::new(MemoryStore::new()) };
    let _: Router = Router::new()
        .route("/shops/{shop}/payments", post(create))
        .route("/tick", post(tick))
        .route("/four", post(four_parts))
        .with_state(app);
}
