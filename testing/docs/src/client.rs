//! The guide's chapter on the client.

use std::error::Error;

use idem_client::{FileKeyStore, IdempotencyMiddleware, IdempotentRequest, KeyStore, Reply};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

async fn pay() -> Result<(), reqwest::Error> {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let client = IdempotencyMiddleware::new().attach(ClientBuilder::new(http)).build();

    let payment = client.post("https://api.example.com/payments").body(r#"{"amount": 4200}"#);
    match payment.send_idempotent().await {
        Ok(Reply::Fresh(response)) => println!("response: {}", response.status()),
        Ok(Reply::Replayed(response)) => println!("replayed: {}", response.status()),
        Err(failure) => println!("{failure}; continue with the key {:?}", failure.key()),
    }
    Ok(())
}

async fn pay_order(client: &ClientWithMiddleware) -> Result<(), Box<dyn Error>> {
    let keys = FileKeyStore::new("/var/lib/shop/keys")?;
    let request = client.post("https://api.example.com/payments").body(r#"{"amount": 4200}"#);
    let reply = request.idempotency_key_from(&keys, "order-1001").await?.send_idempotent().await?;
    if reply.response().status().is_success() {
        // Record the result durably, then:
        keys.forget("order-1001").await?;
    }
    Ok(())
}
