use idem_actix::idempotent;

#[idempotent(ttl = "24h", scope = "tenant")]
struct Payment;

fn main() {
    let _ = Payment;
}
