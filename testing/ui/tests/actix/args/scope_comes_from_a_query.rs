use actix_web::HttpResponse;
use actix_web::web::{Json, Query};
use idem_actix::idempotent;

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment(Query(tenant): Query<String>, Json(amount): Json<u64>) -> HttpResponse {
    drop((tenant, amount));
    HttpResponse::Created().finish()
}

fn main() {}
