//! The end of an unknown outcome in two steps: a preview, and its confirmation.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use askama::Template;
use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use idem_core::records::{Actor, Objection, RecordHandle, input};
use idem_core::store::{StoredResponse, Update};
use serde::Deserialize;

use super::page as render;
use super::record;
use crate::App;
use crate::guard::Visit;
use crate::problem::Problem;
use crate::seal::{Sealed, VALID_FOR};
use crate::view::{self, ResponseView};

/// The maximum length of a reason, in characters.
const MAX_REASON: usize = 1_000;

/// The longest extension of a hold, in days.
const MAX_DAYS: u64 = 3_650;

/// The fields of both forms. The second one has them as hidden fields, with the seal.
#[derive(Deserialize)]
pub(crate) struct Proposal {
    action: String,
    token: String,
    reason: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    headers: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    days: String,
    /// Not empty if the operator states that the process of the lost run has ended.
    #[serde(default)]
    ended: String,
    #[serde(default)]
    until: u64,
    #[serde(default)]
    mac: String,
}

/// The change that a proposal describes.
enum Change {
    Complete(StoredResponse),
    Release,
    Hold(Duration),
}

#[derive(Template)]
#[template(path = "preview.html")]
struct PreviewPage<'a> {
    visit: &'a Visit,
    id: &'a str,
    short: String,
    operation: &'a str,
    label: &'a str,
    effects: Vec<String>,
    response: Option<ResponseView>,
    proposal: &'a Proposal,
    sealed: Sealed,
    minutes: u64,
}

#[derive(Template)]
#[template(path = "done.html")]
struct DonePage<'a> {
    visit: &'a Visit,
    id: &'a str,
    short: String,
    text: &'a str,
    is_free: bool,
}

type Arguments = (State<Arc<App>>, Extension<Arc<Visit>>, Path<String>);

/// Shows what a change would do.
pub(crate) async fn preview(
    (State(app), Extension(visit), Path(reference)): Arguments,
    Form(proposal): Form<Proposal>,
) -> Result<Response, Problem> {
    let proposal = proposal.normalized();
    let record = permitted(&app, &visit, &reference).await?;
    let id = view::id(record.id);
    if proposal.token != record.token.0.to_string() {
        return changed(&app, &visit, &record).await;
    }
    let change = proposal.checked(&record, app.idempotency.max_response())?;
    let sealed = app.console.seal.seal(&proposal.parts(&visit, &id), SystemTime::now());
    let page = PreviewPage {
        visit: &visit,
        id: &id,
        short: view::short(&record),
        operation: record.extras.operation(),
        label: record.extras.label(),
        effects: change.effects(&record),
        response: change.response().map(ResponseView::from),
        proposal: &proposal,
        sealed,
        minutes: VALID_FOR.as_secs() / 60,
    };
    Ok(render(StatusCode::OK, &page))
}

/// Makes a change that was previewed.
pub(crate) async fn confirm(
    (State(app), Extension(visit), Path(id)): Arguments,
    Form(proposal): Form<Proposal>,
) -> Result<Response, Problem> {
    let proposal = proposal.normalized();
    let sealed = Sealed { until: proposal.until, mac: proposal.mac.clone() };
    if !app.console.seal.is_valid(&proposal.parts(&visit, &id), &sealed, SystemTime::now()) {
        return Err(Problem::forbidden(
            "The confirmation has expired, or is not of this preview. Begin again at the record.",
        ));
    }
    let record = permitted(&app, &visit, &id).await?;
    if proposal.token != record.token.0.to_string() {
        return changed(&app, &visit, &record).await;
    }
    let change = proposal.checked(&record, app.idempotency.max_response())?;
    let actor = Actor::new(&*visit.operator.name).reason(&*proposal.reason);
    let (text, is_free) = (change.done(), matches!(change, Change::Release));
    let update = match change {
        Change::Complete(response) => record.complete(response, &actor).await?,
        Change::Release => record.release(&actor).await?,
        Change::Hold(hold) => record.extend_hold(hold, &actor).await?,
    };
    if update != Update::Applied {
        let current = record::find(&app, &visit, &id).await?;
        return changed(&app, &visit, &current).await;
    }
    let short = view::short(&record);
    Ok(render(StatusCode::OK, &DonePage { visit: &visit, id: &id, short, text, is_free }))
}

/// Finds a record that the operator may change.
async fn permitted(app: &App, visit: &Visit, id: &str) -> Result<RecordHandle, Problem> {
    if !visit.may_resolve() {
        return Err(Problem::forbidden("You may read records, and not change them."));
    }
    record::find(app, visit, id).await
}

async fn changed(app: &App, visit: &Visit, current: &RecordHandle) -> Result<Response, Problem> {
    let alert = "The record has changed since you saw it. Nothing was changed by you. This is its current state.";
    record::show(app, visit, current, StatusCode::CONFLICT, alert).await
}

impl Proposal {
    /// Browsers send line breaks as CR LF, also those of hidden fields.
    fn normalized(mut self) -> Self {
        self.reason = self.reason.trim().to_owned();
        self.body = self.body.replace("\r\n", "\n");
        self.headers = self.headers.replace("\r\n", "\n");
        self
    }

    /// The parts of the seal.
    fn parts<'a>(&'a self, visit: &'a Visit, id: &'a str) -> [&'a str; 11] {
        let Self { action, token, reason, status, headers, body, days, ended, .. } = self;
        let (title, operator) = (&*visit.title, &*visit.operator.name);
        [title, operator, id, token, action, reason, status, headers, body, days, ended]
    }

    /// Returns the change, if the record permits it.
    fn checked(&self, record: &RecordHandle, max_response: usize) -> Result<Change, Problem> {
        if self.reason.is_empty() || self.reason.chars().count() > MAX_REASON {
            let detail = format!("Give a reason of up to {MAX_REASON} characters.");
            return Err(Problem::invalid(detail));
        }
        record.may_be_resolved()?;
        match &*self.action {
            "complete" => self.response(max_response).map(Change::Complete),
            "hold" => {
                let days =
                    self.days.trim().parse().ok().filter(|days| (1..=MAX_DAYS).contains(days));
                let days = days.ok_or_else(|| {
                    Problem::invalid(format!("Enter a number of days from 1 to {MAX_DAYS}."))
                })?;
                let hold = Duration::from_secs(days * 24 * 60 * 60);
                record.may_be_held(hold)?;
                Ok(Change::Hold(hold))
            }
            "release" => match record.may_be_released() {
                Err(Objection::MayBeActive(_)) if !self.ended.is_empty() => Ok(Change::Release),
                permitted => Ok(permitted.map(|()| Change::Release)?),
            },
            _ => Err(Problem::invalid("There is no such change.")),
        }
    }

    fn response(&self, max_response: usize) -> Result<StoredResponse, Problem> {
        let status = self.status.trim().parse().ok().filter(|status| (200..600).contains(status));
        let status = status.ok_or_else(|| Problem::invalid("Enter a status from 200 to 599."))?;
        if self.body.len() > max_response {
            let len = self.body.len();
            let detail = format!("The body has {len} bytes, and {max_response} are allowed.");
            return Err(Problem::invalid(detail));
        }
        let headers: Vec<_> =
            self.headers.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        Ok(input::response(status, Bytes::from(self.body.clone()), &headers)?)
    }
}

impl Change {
    const fn response(&self) -> Option<&StoredResponse> {
        match self {
            Self::Complete(response) => Some(response),
            Self::Release | Self::Hold(_) => None,
        }
    }

    /// The exact effect, one sentence each.
    fn effects(&self, record: &RecordHandle) -> Vec<String> {
        match self {
            Self::Complete(StoredResponse { status, body, .. }) => vec![
                format!(
                    "Every later request with this key gets the status {status} with the {} bytes below, until {}.",
                    body.len(),
                    view::time(record.expires_at)
                ),
                "Requests that wait for the key get it immediately.".to_owned(),
                "The lost run can no longer store another response.".to_owned(),
            ],
            Self::Release => vec![
                "The key becomes free, and the record is deleted.".to_owned(),
                "The next request with this key runs the handler again, with all its effects.".to_owned(),
                "Do this only if the provider knows nothing of the downstream key, and cannot learn of it later.".to_owned(),
            ],
            Self::Hold(hold) => vec![
                format!(
                    "The outcome stays unknown, and the key stays held, until {}.",
                    view::time(record.now.after(*hold))
                ),
                "Retries are refused until then, unless the outcome is resolved before.".to_owned(),
            ],
        }
    }

    const fn done(&self) -> &'static str {
        match self {
            Self::Complete(_) => "The response is stored. Retries get it from now on.",
            Self::Release => "The key is free. The next request with it runs.",
            Self::Hold(_) => "The unknown outcome is kept for longer.",
        }
    }
}
