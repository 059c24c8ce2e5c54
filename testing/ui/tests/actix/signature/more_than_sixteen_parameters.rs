use actix_web::HttpRequest;
use idem_actix::idempotent;

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment(
    _: HttpRequest,
    _: HttpRequest,
    _: HttpRequest,
    _: HttpRequest,
    _: HttpRequest,
    _: HttpRequest,
    _: HttpRequest,
    _: HttpRequest,
    _: HttpRequest,
    _: HttpRequest,
    _: HttpRequest,
    _: HttpRequest,
    _: HttpRequest,
    _: HttpRequest,
    _: HttpRequest,
    _: HttpRequest,
    tenant: String,
) -> String {
    tenant
}

fn main() {}
