//! A request that can be sent repeatedly.

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::http::ends::Ends;

/// A request. A clone is another attempt.
#[derive(Clone)]
pub struct Request {
    pub(super) client: reqwest::Client,
    pub(super) address: SocketAddr,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The ends of earlier runs, which are stored before the request is sent.
    pub(super) ends: Ends,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:?}", self.method, self.path, self.headers)
    }
}

impl Request {
    pub(crate) fn new(
        client: reqwest::Client,
        address: SocketAddr,
        method: &str,
        path: &str,
    ) -> Self {
        let request = Self {
            client,
            address,
            method: method.parse().expect("a method"),
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            ends: Ends::default(),
        };
        request.token("alice")
    }

    /// Sends the request once these ends of runs are stored.
    #[must_use]
    pub(crate) fn after(self, ends: Ends) -> Self {
        Self { ends, ..self }
    }

    /// Sets the bearer token.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.set(AUTHORIZATION, format!("Bearer {token}").as_bytes())
    }

    /// Removes the bearer token.
    #[must_use]
    pub fn without_token(mut self) -> Self {
        self.headers.remove(AUTHORIZATION);
        self
    }

    /// Sets the key, in quotes, in place of any other.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.without_key().key_line(format!("\"{key}\""))
    }

    /// Removes the key.
    #[must_use]
    pub fn without_key(mut self) -> Self {
        self.headers.remove(KEY);
        self
    }

    /// Adds a line of the key header.
    #[must_use]
    pub fn key_line(self, line: impl AsRef<[u8]>) -> Self {
        self.header(KEY, line)
    }

    /// Adds a header line.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        let value = HeaderValue::from_bytes(value.as_ref()).expect("a field value");
        self.headers.append(HeaderName::from_static(name), value);
        self
    }

    fn set(mut self, name: HeaderName, value: &[u8]) -> Self {
        self.headers.insert(name, HeaderValue::from_bytes(value).expect("a field value"));
        self
    }

    /// Replaces the path and query.
    #[must_use]
    pub fn path(self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self }
    }

    /// Sets a plain payment as the body.
    #[must_use]
    pub fn order(self, note: &str) -> Self {
        self.json(&payment(100, note))
    }

    /// Sets a payment with a handler script as the body.
    #[must_use]
    pub fn order_with(self, note: &str, script: &Value) -> Self {
        let mut payment = payment(100, note);
        payment["sim"] = script.clone();
        self.json(&payment)
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// Sets a body of any media type.
    #[must_use]
    pub fn body(self, media_type: &str, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self.set(CONTENT_TYPE, media_type.as_bytes()) }
    }

    /// Removes `Content-Type`.
    #[must_use]
    pub fn without_media_type(mut self) -> Self {
        self.headers.remove(CONTENT_TYPE);
        self
    }
}

/// Returns the body of a payment.
pub fn payment(amount: u64, note: &str) -> Value {
    json!({ "amount": amount, "currency": "EUR", "source": "s", "note": note })
}

const KEY: &str = "idempotency-key";
