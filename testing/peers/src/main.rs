//! Servers for the benchmarks: the payments route, made idempotent by other libraries as their READMEs show it.
//!
//! `idem-peers serve VARIANT` prints the address of the server. `STORE_URL` is the URL of the store.

#[path = "../../bench/src/server/parent.rs"]
mod parent;
#[path = "../../bench/src/server/payment.rs"]
mod payment;
#[path = "../../bench/src/server/axum/serve.rs"]
mod serve;
mod v0_3;
mod v2_0;

use anyhow::{Context, bail};

use crate::serve::serve_when;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, serve, variant] = &args[..] else { bail!("expected `serve VARIANT`") };
    parent::end_with_parent();
    match (serve.as_str(), variant.as_str()) {
        ("serve", "idempotent-0.3-memory") => serve_when(async { Ok(v0_3::on_memory()) }),
        ("serve", "idempotent-0.3-redis") => serve_when(v0_3::on_redis()),
        ("serve", "idempotent-2.0-memory") => serve_when(async { v2_0::on_memory() }),
        ("serve", "idempotent-2.0-redis") => serve_when(v2_0::on_redis()),
        _ => bail!("unknown variant `{variant}`"),
    }
}

fn store_url() -> anyhow::Result<String> {
    std::env::var("STORE_URL").context("STORE_URL is not set")
}
