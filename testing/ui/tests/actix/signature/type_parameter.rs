use idem_actix::idempotent;

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment<T: ToString>(tenant: String, extra: T) -> String {
    tenant + &extra.to_string()
}

fn main() {}
