//! One step of the scripted server.

use http::Response;

/// A response, or `None` to never respond.
pub(crate) struct Turn(pub(super) Option<Response<String>>);

pub(crate) fn status(status: u16) -> Turn {
    Turn(Some(Response::builder().status(status).body(String::new()).unwrap()))
}

/// A problem document of a service that uses its own type URLs.
pub(crate) fn problem(code: u16, slug: &str) -> Turn {
    let body = format!(r#"{{"type": "https://errors.example.com/v1/{slug}"}}"#);
    status(code).header("content-type", "application/problem+json").body(&body)
}

pub(crate) fn hang() -> Turn {
    Turn(None)
}

impl Turn {
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        let response = self.0.as_mut().unwrap();
        response.headers_mut().insert(name, value.parse().unwrap());
        self
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        body.clone_into(self.0.as_mut().unwrap().body_mut());
        self
    }

    pub(crate) fn replayed(self) -> Self {
        self.header("idempotent-replayed", "true")
    }
}
