//! The end of an unknown outcome in two steps.

use axum::http::StatusCode;
use idem_console::{May, Operator};
use idem_core::UnknownReason;
use idem_core::records::{Actor, FoundState, RecordHandle};
use idem_core::store::{AuditAction, AuditOutcome, RecordId, Update};

use crate::service::{LEASE, PAYMENTS, Page, Service, id_of, operator};

type Fields = Vec<(&'static str, String)>;

/// Sends one of the two forms.
async fn send(
    service: &Service,
    operator: Operator,
    record: &RecordHandle,
    step: &str,
    fields: &Fields,
) -> Page {
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, &**value)).collect();
    service.post(operator, &format!("/records/{}/{step}", id_of(record.id)), &fields).await
}

fn proposal(record: &RecordHandle, action: &str, more: &[(&'static str, &str)]) -> Fields {
    let token = record.token.0.to_string();
    let first = [("action", action), ("token", &token), ("reason", "looked it up")];
    first.iter().chain(more).map(|(name, value)| (*name, (*value).to_owned())).collect()
}

fn completion(record: &RecordHandle) -> Fields {
    let body = "{\"charge\":\r\n\"<ch_1>\"}";
    let more = [("status", "201"), ("body", body), ("headers", "Location: /payments/1\r\n")];
    proposal(record, "complete", &more)
}

/// The hidden fields of a preview, as a browser sends them.
fn confirmation(preview: &Page) -> Fields {
    let field = |name: &'static str| {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = preview.text.split_once(&start).unwrap_or_else(|| panic!("{preview:?}"));
        let value = rest.split('"').next().unwrap();
        let value = value.replace("&#60;", "<").replace("&#62;", ">").replace("&#34;", "\"");
        (name, value.replace('\n', "\r\n"))
    };
    ["action", "token", "reason", "status", "headers", "body", "days", "ended", "until", "mac"]
        .map(field)
        .into()
}

fn set(fields: &mut Fields, name: &str, value: &str) {
    for field in fields {
        if field.0 == name {
            value.clone_into(&mut field.1);
        }
    }
}

#[tokio::test]
async fn response_is_previewed_and_then_stored() {
    let (service, ada) = (Service::new(), operator(May::Resolve));
    let record = service.payment(UnknownReason::Crashed).await;
    let preview = send(&service, ada.clone(), &record, "preview", &completion(&record)).await;
    assert_eq!(preview.status, StatusCode::OK, "{preview:?}");
    for text in
        ["gets the status 201 with the 20 bytes below", "&#60;ch_1&#62;", "location: /payments/1"]
    {
        assert!(preview.text.contains(text), "{text}: {preview:?}");
    }
    // The key press that sends the first form must not confirm the second one.
    assert!(!preview.text.contains("autofocus"), "{preview:?}");
    let unchanged = service.find(record.id).await.unwrap();
    assert_eq!((unchanged.token, unchanged.state), (record.token, record.state));
    assert!(service.audit().await.is_empty(), "a preview changes nothing");
    let fields = confirmation(&preview);
    let done = send(&service, ada.clone(), &record, "resolve", &fields).await;
    assert!(done.text.contains("The response is stored"), "{done:?}");
    let resolved = service.find(record.id).await.unwrap();
    assert_eq!(resolved.state, FoundState::Completed { status: 201 });
    let response = resolved.response().await.unwrap().unwrap();
    assert_eq!(response.body, "{\"charge\":\n\"<ch_1>\"}", "line breaks are stored as LF");
    let [entry] = &service.audit().await[..] else { panic!("one entry") };
    assert_eq!((entry.entry.action, entry.outcome), (AuditAction::Complete, AuditOutcome::Done));
    assert_eq!((&*entry.entry.actor, &*entry.entry.reason), ("ada", "looked it up"));
    // The same confirmation again, such as a double click.
    let again = send(&service, ada, &record, "resolve", &fields).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{again:?}");
    assert_eq!(service.audit().await.len(), 1);
}

#[tokio::test]
async fn key_is_freed_and_outcome_is_kept_open() {
    let (service, ada) = (Service::new(), operator(May::Resolve));
    let record = service.payment(UnknownReason::Ambiguous).await;
    let hold = proposal(&record, "hold", &[("days", "30")]);
    let preview = send(&service, ada.clone(), &record, "preview", &hold).await;
    assert!(preview.text.contains("The outcome stays unknown"), "{preview:?}");
    let done = send(&service, ada.clone(), &record, "resolve", &confirmation(&preview)).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    let held = service.find(record.id).await.unwrap();
    assert!(held.expires_at.since(held.now) > LEASE * 60 * 24 * 29);
    let release = proposal(&held, "release", &[]);
    let preview = send(&service, ada.clone(), &held, "preview", &release).await;
    assert!(preview.text.contains("runs the handler again"), "{preview:?}");
    let done = send(&service, ada, &held, "resolve", &confirmation(&preview)).await;
    assert!(done.text.contains("The key is free"), "{done:?}");
    assert!(service.find(record.id).await.is_none());
}

/// A hold that ends earlier would free the key, also that of a run that may be active.
#[tokio::test]
async fn hold_never_ends_before_the_record() {
    let (service, ada) = (Service::new(), operator(May::Resolve));
    let record = service.payment(UnknownReason::TimedOut).await;
    let bob = Actor::new("bob").reason("dispute");
    assert_eq!(record.extend_hold(LEASE * 60 * 48, &bob).await.unwrap(), Update::Applied);
    let held = service.find(record.id).await.unwrap();
    let hold = proposal(&held, "hold", &[("days", "1")]);
    let page = send(&service, ada.clone(), &held, "preview", &hold).await;
    assert_eq!(page.status, StatusCode::CONFLICT, "{page:?}");
    for text in ["a hold cannot end earlier", "so enter more days"] {
        assert!(page.text.contains(text), "{text}: {page:?}");
    }
    let unchanged = service.find(record.id).await.unwrap();
    assert_eq!((unchanged.token, unchanged.expires_at), (held.token, held.expires_at));
    let longer = proposal(&held, "hold", &[("days", "2")]);
    let preview = send(&service, ada, &held, "preview", &longer).await;
    assert_eq!(preview.status, StatusCode::OK, "{preview:?}");
}

/// What is confirmed is what was previewed, by the same person, for the same record.
#[tokio::test]
async fn changed_or_foreign_confirmation_is_refused() {
    let (service, ada) = (Service::new(), operator(May::Resolve));
    let record = service.payment(UnknownReason::Crashed).await;
    let other = service.payment(UnknownReason::Crashed).await;
    let preview = send(&service, ada.clone(), &record, "preview", &completion(&record)).await;
    let fields = confirmation(&preview);
    for (name, value) in [
        ("action", "release"),
        ("token", &other.token.0.to_string()),
        ("reason", "another"),
        ("status", "200"),
        ("headers", ""),
        ("body", "{}"),
        ("days", "1"),
        ("ended", "yes"),
        ("until", "99999999999"),
        ("mac", &"0".repeat(64)),
        ("mac", ""),
    ] {
        let mut changed = fields.clone();
        set(&mut changed, name, value);
        let page = send(&service, ada.clone(), &record, "resolve", &changed).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{name}: {page:?}");
        assert!(page.text.contains("Begin again at the record"), "{page:?}");
    }
    let bob = Operator { name: "bob".to_owned(), ..ada.clone() };
    assert_eq!(send(&service, bob, &record, "resolve", &fields).await.status, 403);
    assert_eq!(send(&service, ada.clone(), &other, "resolve", &fields).await.status, 403);
    assert!(service.audit().await.is_empty());
    assert_eq!(send(&service, ada, &record, "resolve", &fields).await.status, 200);
}

/// Between the two steps, another operator or the run itself can be faster.
#[tokio::test]
async fn record_that_moved_is_shown_and_not_changed() {
    let (service, ada) = (Service::new(), operator(May::Resolve));
    let record = service.payment(UnknownReason::Crashed).await;
    let preview = send(&service, ada.clone(), &record, "preview", &completion(&record)).await;
    let bob = Actor::new("bob").reason("dispute");
    assert_eq!(record.extend_hold(LEASE * 90, &bob).await.unwrap(), Update::Applied);
    let confirmed = send(&service, ada.clone(), &record, "resolve", &confirmation(&preview)).await;
    let stale = send(&service, ada, &record, "preview", &completion(&record)).await;
    for page in [confirmed, stale] {
        assert_eq!(page.status, StatusCode::CONFLICT, "{page:?}");
        assert!(page.text.contains("Nothing was changed by you"), "{page:?}");
        assert!(page.text.contains("bob kept the outcome open for longer"), "{page:?}");
    }
    assert_eq!(service.audit().await.len(), 1);
}

#[tokio::test]
async fn input_that_cannot_be_used_is_named() {
    let (service, ada) = (Service::new(), operator(May::Resolve));
    let record = service.payment(UnknownReason::Ambiguous).await;
    let long = "x".repeat(101);
    let cases = [
        ("complete", vec![("status", "199")], "status from 200 to 599"),
        ("complete", vec![("status", "600")], "status from 200 to 599"),
        ("complete", vec![("status", "")], "status from 200 to 599"),
        ("complete", vec![("status", "200"), ("body", &long)], "101 bytes, and 100 are allowed"),
        ("complete", vec![("status", "200"), ("headers", "none")], "is not a header"),
        ("complete", vec![("status", "200"), ("headers", "Set-Cookie: a=b")], "never stored"),
        ("complete", vec![("status", "204"), ("body", "{}")], "leave the body out"),
        ("complete", vec![("status", "304"), ("body", "{}")], "leave the body out"),
        ("hold", vec![("days", "0")], "days from 1 to 3650"),
        ("hold", vec![("days", "soon")], "days from 1 to 3650"),
        ("evict", vec![], "There is no such change"),
    ];
    for (action, more, text) in cases {
        let page =
            send(&service, ada.clone(), &record, "preview", &proposal(&record, action, &more))
                .await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{action} {more:?}: {page:?}");
        assert!(page.text.contains(text), "{action} {more:?}: {page:?}");
    }
    for reason in ["", "  ", &"x".repeat(1_001)] {
        let mut fields = proposal(&record, "release", &[]);
        set(&mut fields, "reason", reason);
        let page = send(&service, ada.clone(), &record, "preview", &fields).await;
        assert!(page.text.contains("Give a reason"), "{page:?}");
    }
    assert!(service.audit().await.is_empty());
}

#[tokio::test]
async fn record_with_a_known_outcome_is_not_resolved() {
    let (service, ada) = (Service::new(), operator(May::Resolve));
    let live = service.claim(RecordId::from_bytes([1; 32]), PAYMENTS).await;
    let live = service.find(live.id).await.unwrap();
    let paid = service.paid("acme", "ord-1").await;
    for (record, text) in [(live, "a run holds the key"), (paid, "no unknown outcome to resolve")] {
        for fields in [completion(&record), proposal(&record, "release", &[])] {
            let page = send(&service, ada.clone(), &record, "preview", &fields).await;
            assert_eq!(page.status, StatusCode::CONFLICT, "{page:?}");
            assert!(page.text.contains(text), "{page:?}");
        }
    }
    assert!(service.audit().await.is_empty());
}

/// Blocking code of a run that was given up can still send its request.
#[tokio::test]
async fn key_of_a_run_that_may_be_active_is_freed_only_after_its_end() {
    let (service, ada) = (Service::new(), operator(May::Resolve));
    for reason in [UnknownReason::TimedOut, UnknownReason::Drained] {
        let record = service.payment(reason).await;
        let release = proposal(&record, "release", &[]);
        let page = send(&service, ada.clone(), &record, "preview", &release).await;
        assert_eq!(page.status, StatusCode::CONFLICT, "{page:?}");
        assert!(page.text.contains("may still be running"), "{page:?}");
        let ended = proposal(&record, "release", &[("ended", "yes")]);
        let preview = send(&service, ada.clone(), &record, "preview", &ended).await;
        assert_eq!(preview.status, StatusCode::OK, "{preview:?}");
        let done = send(&service, ada.clone(), &record, "resolve", &confirmation(&preview)).await;
        assert!(done.text.contains("The key is free"), "{done:?}");
    }
}
