use idem_axum::Idempotency;

fn main() {
    let _ = Idempotency::new("redis://127.0.0.1:6379");
}
