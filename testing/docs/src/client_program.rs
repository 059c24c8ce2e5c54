//! The program of the README of idem-client.

use idem_client::{IdempotencyMiddleware, IdempotentRequest, Reply};
use reqwest_middleware::ClientBuilder;

#[tokio::main]
async fn main() -> Result<(), reqwest::Error> {
    // A redirect could turn the POST into a GET, or send the key to another host.
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
