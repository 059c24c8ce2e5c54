use actix_web::web;
use idem_axum::idempotent;

#[idempotent(ttl = "24h", scope = "global")]
async fn create_payment(amount: web::Json<u64>) -> String {
    amount.to_string()
}

fn main() {
    let _ = actix_web::App::new().route("/", web::post().to(create_payment));
}
