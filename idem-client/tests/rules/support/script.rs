//! The innermost middleware: it responds in place of the network and records the attempts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next};
use tokio::time::Instant;

use super::turn::Turn;

#[derive(Clone)]
pub(crate) struct Script(Arc<Inner>);

struct Inner {
    turns: Mutex<VecDeque<Turn>>,
    attempts: Mutex<Vec<(Instant, Request)>>,
}

impl Script {
    pub(crate) fn new(turns: impl IntoIterator<Item = Turn>) -> Self {
        let turns = Mutex::new(turns.into_iter().collect());
        Self(Arc::new(Inner { turns, attempts: Mutex::default() }))
    }

    /// The number of attempts. Panics unless the whole script was used.
    pub(crate) fn attempts(&self) -> usize {
        assert_eq!(self.0.turns.lock().unwrap().len(), 0, "fewer attempts than the script has");
        self.0.attempts.lock().unwrap().len()
    }

    /// The times from each attempt to the next.
    pub(crate) fn pauses(&self) -> Vec<Duration> {
        let attempts = self.0.attempts.lock().unwrap();
        attempts.windows(2).map(|pair| pair[1].0 - pair[0].0).collect()
    }

    /// The values of a header in all attempts.
    pub(crate) fn header(&self, name: &str) -> Vec<String> {
        let attempts = self.0.attempts.lock().unwrap();
        let values = attempts.iter().flat_map(|(_, request)| request.headers().get_all(name));
        values.map(|value| value.to_str().unwrap().to_owned()).collect()
    }

    /// The bodies of all attempts.
    pub(crate) fn bodies(&self) -> Vec<Vec<u8>> {
        let attempts = self.0.attempts.lock().unwrap();
        let body = |request: &Request| request.body().unwrap().as_bytes().unwrap().to_vec();
        attempts.iter().map(|(_, request)| body(request)).collect()
    }
}

#[async_trait]
impl Middleware for Script {
    async fn handle(
        &self,
        request: Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> Result<Response, Error> {
        self.0.attempts.lock().unwrap().push((Instant::now(), request));
        let turn = self.0.turns.lock().unwrap().pop_front();
        match turn {
            Some(Turn(Some(response))) => Ok(response.into()),
            Some(Turn(None)) => std::future::pending().await,
            None => panic!("more attempts than the script has"),
        }
    }
}
