//! A web console for support staff and on-call: it searches idempotency records, explains them, and ends unknown outcomes.
//!
//! The pages are rendered on the server and need no scripts. Mount the [`router`] under the authentication of your
//! application, which must add an [`Operator`] to each request. A request without one gets 403.
//!
//! ```
//! use axum::extract::Request;
//! use axum::middleware::{Next, from_fn};
//! use axum::response::Response;
//! use axum::{Router, http::StatusCode};
//! use idem_console::{Console, May, Operations, Operator};
//! use idem_core::{Idempotency, MemoryStore};
//!
//! async fn authenticate(mut request: Request, next: Next) -> Result<Response, StatusCode> {
//!     // Your single sign-on: who is it, and which group are they in?
//!     let user = request.headers().get("x-auth-user").and_then(|name| name.to_str().ok());
//!     let name = user.ok_or(StatusCode::UNAUTHORIZED)?.to_owned();
//!     let operations = Operations::Only(vec!["POST /payments".to_owned()]);
//!     request.extensions_mut().insert(Operator { name, may: May::Resolve, operations });
//!     Ok(next.run(request).await)
//! }
//!
//! let idempotency = Idempotency::new(MemoryStore::new());
//! let console = Console::new("payments").downstream("charge");
//! let app: Router = Router::new()
//!     .nest("/idempotency", idem_console::router(idempotency, console))
//!     .layer(from_fn(authenticate));
//! ```
//!
//! This example is only safe behind a proxy that removes `x-auth-user` from every client request, and sets it after its own
//! sign-on. Otherwise any client can send the header, and then it may resolve records.
//!
//! `idem console` of the crate `idem-cli` serves the same pages on the loopback interface.
//!
//! # Rules
//!
//! * **Rights.** [`May::Read`] searches and reads. [`May::Resolve`] also ends unknown outcomes. [`Operations::Only`] hides
//!   the records of all other operations.
//! * **Two steps.** A preview shows the exact effect of a change. Its confirmation contains an HMAC over operator, record,
//!   fencing token and change, and is valid for 5 minutes. A record that has changed since is not changed.
//! * **Same origin.** A `POST` needs `Sec-Fetch-Site: same-origin`, or without this header an `Origin` that equals `Host`.
//!   A proxy in front must keep `Host` if browsers reach it without TLS.
//! * **Personal data.** A stored response is shown only after a click, which is written to the audit log before. Keys and
//!   scopes are sent in the body of a request, so they are in no access log.
//! * **Content security policy.** Pages load nothing but their own style sheet, and cannot be framed or cached.
//!
//! # Limits
//!
//! The list of unknown outcomes contains up to 500 records, and is searched for up to 10 s. On Redis it is a search of all
//! keys; see the command `idem list` for more. A line break in a body is stored as LF, because browsers send all of them
//! as CR LF. For exact bytes use `idem resolve`.

mod guard;
mod operator;
mod pages;
mod problem;
mod seal;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use idem_core::Idempotency;

pub use operator::{May, Operations, Operator};

use seal::Seal;

/// The settings of a console.
#[derive(Clone, Debug)]
#[must_use]
pub struct Console {
    title: String,
    seal: Seal,
    downstream: Vec<String>,
    operations: Vec<String>,
}

impl Console {
    /// A console with this name at the top of its pages, such as the name of the service.
    pub fn new(title: impl Into<String>) -> Self {
        let (downstream, operations) = (Vec::new(), Vec::new());
        Self { title: title.into(), seal: Seal::random(), downstream, operations }
    }

    /// Shows the key that a run sends with the downstream call `label`, as
    /// [`Execution::downstream_key`](idem_core::Execution::downstream_key) returns it. Support staff search for it at the
    /// provider. Can be repeated.
    pub fn downstream(mut self, label: impl Into<String>) -> Self {
        self.downstream.push(label.into());
        self
    }

    /// Suggests the name of an operation, such as `POST /payments`, in the search by key. Can be repeated.
    pub fn operation(mut self, name: impl Into<String>) -> Self {
        self.operations.push(name.into());
        self
    }

    /// Sets the secret of the confirmations. Set it if several processes serve the console, so that one accepts the previews
    /// of another. The default is a random secret of the process.
    ///
    /// # Panics
    /// If `secret` has fewer than 16 bytes.
    pub fn secret(mut self, secret: impl AsRef<[u8]>) -> Self {
        assert!(secret.as_ref().len() >= 16, "the secret of a console needs at least 16 bytes");
        self.seal = Seal::new(secret.as_ref());
        self
    }
}

/// What all requests share.
#[derive(Debug)]
struct App {
    idempotency: Idempotency,
    console: Console,
}

/// The pages of the console. Nest them under the authentication of the application; see the [crate docs](crate).
pub fn router(idempotency: Idempotency, console: Console) -> Router {
    let app = Arc::new(App { idempotency, console });
    Router::new()
        .route("/", get(pages::search::page))
        .route("/search", get(pages::search::by_reference))
        .route("/find", post(pages::search::by_key))
        .route("/unknown", get(pages::unknown::page))
        .route("/records/{reference}", get(pages::record::page))
        .route("/records/{reference}/response", post(pages::record::response))
        .route("/records/{reference}/preview", post(pages::resolve::preview))
        .route("/records/{reference}/resolve", post(pages::resolve::confirm))
        .route("/style.css", get(pages::style))
        .fallback(pages::missing)
        .with_state(Arc::clone(&app))
        .layer(from_fn_with_state(app, guard::guard))
}
