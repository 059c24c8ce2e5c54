use axum::extract::Path;
use axum::http::StatusCode;
use idem_axum::idempotent;

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment(
    Path(_): Path<u8>,
    Path(_): Path<u16>,
    Path(_): Path<u32>,
    Path(_): Path<u64>,
    Path(_): Path<u8>,
    Path(_): Path<u16>,
    Path(_): Path<u32>,
    Path(_): Path<u64>,
    Path(_): Path<u8>,
    Path(_): Path<u16>,
    Path(_): Path<u32>,
    Path(_): Path<u64>,
    Path(_): Path<u8>,
    Path(_): Path<u16>,
    Path(_): Path<u32>,
    Path(_): Path<u64>,
    tenant: String,
) -> StatusCode {
    drop(tenant);
    StatusCode::CREATED
}

fn main() {}
