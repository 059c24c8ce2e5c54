//! A payment provider on a port of its own. It keeps the reference of each charge, but does not recognize a repeated one.

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

/// The behaviour of the provider. `PUT /behaviour` sets it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Behaviour {
    /// It charges and answers.
    #[default]
    Works,
    /// It charges, and the answer is lost.
    LosesAnswers,
    /// It does not answer, and charges when it works again.
    Queues,
    /// It refuses everything.
    Down,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Charge {
    pub(crate) reference: String,
    pub(crate) amount: u64,
}

#[derive(Default)]
struct Books {
    behaviour: Behaviour,
    charges: Vec<Charge>,
    queue: Vec<Charge>,
}

#[derive(Clone, Default)]
struct Server(Arc<Mutex<Books>>);

impl Server {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a charge. Returns whether there is an answer.
    fn take(&self, charge: Charge) -> Result<bool, StatusCode> {
        let books = &mut *self.books();
        match books.behaviour {
            Behaviour::Down => return Err(StatusCode::SERVICE_UNAVAILABLE),
            Behaviour::Queues => books.queue.push(charge),
            Behaviour::Works | Behaviour::LosesAnswers => books.charges.push(charge),
        }
        Ok(books.behaviour == Behaviour::Works)
    }
}

/// The routes of the provider.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/behaviour", put(behave))
        .route("/charges", post(charge).get(list))
        .route("/charges/{reference}", get(find))
        .with_state(Server::default())
}

async fn behave(State(server): State<Server>, Json(behaviour): Json<Behaviour>) {
    let books = &mut *server.books();
    books.behaviour = behaviour;
    if behaviour == Behaviour::Works {
        books.charges.append(&mut books.queue);
    }
}

async fn charge(
    State(server): State<Server>,
    Json(charge): Json<Charge>,
) -> Result<Json<Charge>, StatusCode> {
    if !server.take(charge.clone())? {
        pending::<()>().await;
    }
    Ok(Json(charge))
}

async fn find(
    State(server): State<Server>,
    Path(reference): Path<String>,
) -> Result<Json<Option<Charge>>, StatusCode> {
    let books = server.books();
    if books.behaviour == Behaviour::Down {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    Ok(Json(books.charges.iter().find(|charge| charge.reference == reference).cloned()))
}

async fn list(State(server): State<Server>) -> Json<Vec<Charge>> {
    Json(server.books().charges.clone())
}

/// The client of the provider.
#[derive(Clone)]
pub(crate) struct Provider {
    client: reqwest::Client,
    charges: String,
}

impl Provider {
    pub(crate) fn at(url: &str) -> Self {
        Self { client: reqwest::Client::new(), charges: format!("{url}/charges") }
    }

    pub(crate) async fn charge(&self, charge: &Charge, limit: Duration) -> reqwest::Result<Charge> {
        let request = self.client.post(&self.charges).timeout(limit).json(charge);
        request.send().await?.error_for_status()?.json().await
    }

    pub(crate) async fn find(
        &self,
        reference: &str,
        limit: Duration,
    ) -> reqwest::Result<Option<Charge>> {
        let request = self.client.get(format!("{}/{reference}", self.charges)).timeout(limit);
        request.send().await?.error_for_status()?.json().await
    }
}
