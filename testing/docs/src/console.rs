//! The code of the chapter about the console.

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::{Router, http::StatusCode};
use idem_axum::Idempotency;
use idem_console::{Console, May, Operations, Operator};

async fn authenticate(mut request: Request, next: Next) -> Result<Response, StatusCode> {
    // Your single sign-on: who is it, and which group are they in?
    let user = request.headers().get("x-auth-user").and_then(|name| name.to_str().ok());
    let name = user.ok_or(StatusCode::UNAUTHORIZED)?.to_owned();
    let operations = Operations::Only(vec!["POST /payments".to_owned()]);
    request.extensions_mut().insert(Operator { name, may: May::Resolve, operations });
    Ok(next.run(request).await)
}

fn app(idempotency: Idempotency) -> Router {
    let console = Console::new("payments").downstream("charge");
    Router::new()
        .nest("/idempotency", idem_console::router(idempotency, console))
        .layer(from_fn(authenticate))
}

fn console() -> Router {
    app(Idempotency::new(idem_axum::MemoryStore::new()))
}
