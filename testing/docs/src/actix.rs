//! The guide's chapter on actix-web.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::error::ErrorUnauthorized;
use actix_web::http::StatusCode;
use actix_web::{App, Error, FromRequest, HttpRequest, HttpServer, Responder, post, web};
use idem_actix::{
    Declared, Drained, Idempotency, MemoryStore, Outcome, ScopeParts, ScopeValue, idempotent,
};

struct Tenant(String);

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(&self.0);
    }
}

impl FromRequest for Tenant {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match request.headers().get("authorization") {
            Some(token) if token == "Bearer alice-token" => Ok(Self("acme".to_owned())),
            _ => Err(ErrorUnauthorized("sign in first")),
        })
    }
}

#[post("/payments")]
#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment(tenant: Tenant, amount: web::Json<u64>) -> impl Responder {
    println!("charging {amount} for {}", tenant.0);
    (amount, StatusCode::CREATED)
}

async fn serve() -> std::io::Result<()> {
    let idempotency = Idempotency::new(MemoryStore::new());
    let data = web::Data::new(idempotency.clone());
    let app = move || App::new().app_data(data.clone()).service(create_payment);
    let server = HttpServer::new(app).bind("127.0.0.1:3000")?;
    let drained = idem_actix::serve(server, &idempotency).await?;
    if let Drained::GaveUp(runs) = drained {
        eprintln!("{runs} runs were given up; their outcome is unknown");
    }
    Ok(())
}

async fn provider_is_down() -> impl Responder {
    let response = ("nothing was sent to the provider", StatusCode::BAD_GATEWAY);
    Declared(Outcome::NotExecuted, response)
}
