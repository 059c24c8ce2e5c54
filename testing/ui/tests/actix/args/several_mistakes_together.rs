use idem_actix::idempotent;

#[idempotent(ttl = "24", scop = "tenant", wait = "0s", key = "event")]
fn create_payment(tenant: String) -> String {
    tenant
}

fn main() {}
