//! `idem console`: the web console for the user of this terminal.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use idem_console::{May, Operations, Operator};
use serde::Deserialize;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;

use super::Context;
use super::change::actor_name;
use crate::args::Console;
use crate::failure::Failure;

/// The cookie of the browser that has opened the printed address. Other users of the machine do not know its value.
const COOKIE_NAME: &str = "idem-console";

struct Session {
    operator: Operator,
    code: String,
}

/// Serves the console until the process is interrupted.
pub(super) async fn run(context: &Context, console: Console) -> Result<(), Failure> {
    if !console.listen.ip().is_loopback() {
        return Err(Failure::Usage(format!(
            "{} is not a loopback address; to serve others, mount `idem_console::router` under your authentication",
            console.listen
        )));
    }
    let listener = TcpListener::bind(console.listen).await;
    let listener = listener
        .map_err(|error| Failure::Usage(format!("cannot listen on {}: {error}", console.listen)))?;
    let address = listener.local_addr().unwrap_or(console.listen);
    let session = Session {
        operator: Operator {
            name: actor_name(context),
            may: if console.read_only { May::Read } else { May::Resolve },
            operations: Operations::All,
        },
        code: hex::encode(rand::random::<[u8; 16]>()),
    };
    println!("open http://{address}/open?code={}", session.code);
    let served = axum::serve(listener, router(context, &console, session)?).await;
    served.map_err(|error| Failure::Usage(format!("cannot serve the console: {error}")))
}

fn router(context: &Context, arguments: &Console, session: Session) -> Result<Router, Failure> {
    let handle = context.store.idempotency(&context.common)?;
    let handle = handle.max_response(arguments.max_response).build();
    let console = idem_console::Console::new(&*context.common.namespace);
    let labels = arguments.downstream.iter();
    let console = labels.fold(console, idem_console::Console::downstream);
    let session = Arc::new(session);
    let open = Router::new().route("/open", get(open)).with_state(Arc::clone(&session));
    let pages = idem_console::router(handle, console).layer(from_fn_with_state(session, enter));
    Ok(open.fallback_service(pages))
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

/// Exchanges the code of the printed address for a cookie.
async fn open(State(session): State<Arc<Session>>, Query(Code { code }): Query<Code>) -> Response {
    if !is_code(&session, &code) {
        return no_code();
    }
    let cookie = format!("{COOKIE_NAME}={code}; Path=/; HttpOnly; SameSite=Strict");
    (StatusCode::SEE_OTHER, [(SET_COOKIE, cookie), (LOCATION, "/".to_owned())]).into_response()
}

/// Adds the operator to the requests of the browser that has the cookie. All others are refused.
async fn enter(State(session): State<Arc<Session>>, mut request: Request, next: Next) -> Response {
    if !cookies(request.headers()).any(|code| is_code(&session, code)) {
        return no_code();
    }
    request.extensions_mut().insert(session.operator.clone());
    next.run(request).await
}

fn no_code() -> Response {
    let text = "open the address that `idem console` printed in the terminal; it contains a code";
    (StatusCode::FORBIDDEN, text).into_response()
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.filter(|(name, _)| name.trim() == COOKIE_NAME).map(|(_, code)| code.trim())
}

fn is_code(session: &Session, code: &str) -> bool {
    code.as_bytes().ct_eq(session.code.as_bytes()).into()
}
