//! One record: its state, its timeline, and its response.

use axum::http::StatusCode;
use idem_console::May;
use idem_core::UnknownReason;
use idem_core::records::Actor;
use idem_core::store::{
    AuditAction, Completion, IdempotencyStore, RecordId, StoredResponse, UnknownOutcome, Update,
};

use crate::service::{LEASE, PAYMENTS, Service, id_of, operator};

#[tokio::test]
async fn record_is_explained_with_its_downstream_key_and_timeline() {
    let (service, reader) = (Service::new(), operator(May::Read));
    let record = service.unknown(PAYMENTS, UnknownOutcome::disputed("the <amount> differs")).await;
    let path = format!("/records/{}", id_of(record.id));
    let page = service.get(reader.clone(), &path).await;
    for text in [
        &id_of(record.id)[..],
        "POST /payments",
        "ord-&#60;1001&#62;",
        "Attempt 1, at most once",
        "class=\"badge disputed\">disputed",
        "contradict each other",
        record.downstream_key("charge").as_str(),
        "Run 1 started",
        "Run 1 was lost: disputed",
        "the &#60;amount&#62; differs",
        "The record expires",
        "payments &#60;test&#62;",
        "ada (read only)",
    ] {
        assert!(page.text.contains(text), "{text}: {page:?}");
    }
    let actor = Actor::new("bob").reason("the provider investigates");
    assert_eq!(record.extend_hold(LEASE * 90, &actor).await.unwrap(), Update::Applied);
    let page = service.get(reader, &path).await;
    assert!(page.text.contains("bob kept the outcome open for longer"), "{page:?}");
    assert!(page.text.contains("the provider investigates"), "{page:?}");
    assert!(!page.text.contains("Run 1 started"), "the token is not the time of a claim: {page:?}");
}

#[tokio::test]
async fn every_state_has_a_word() {
    let (service, reader) = (Service::new(), operator(May::Resolve));
    let running = service.claim(RecordId::from_bytes([1; 32]), PAYMENTS).await;
    let lost = service.claim(RecordId::from_bytes([2; 32]), PAYMENTS).await;
    let not_retained = Completion::NotRetained { status: 200 };
    let update = service.store.complete(lost, not_retained, LEASE).await.unwrap();
    assert_eq!(update, Update::Applied);
    let paid = service.paid("acme", "ord-1").await;
    for (id, badge, text) in [
        (running.id, "running\">running", "Running for"),
        (lost.id, "completed\">completed, response not retained", "Completed with 200"),
        (paid.id, "completed\">completed", "It went through"),
    ] {
        let page = service.get(reader.clone(), &format!("/records/{}", id_of(id))).await;
        assert!(page.text.contains(badge) && page.text.contains(text), "{badge}: {page:?}");
        assert!(!page.text.contains("Resolve the outcome"), "the outcome is known: {page:?}");
    }
    service.store.advance_clock(LEASE);
    let page = service.get(reader, &format!("/records/{}", id_of(running.id))).await;
    assert!(page.text.contains("unknown\">outcome unknown"), "{page:?}");
    assert!(page.text.contains("The lease of run 1 ended"), "{page:?}");
}

/// The entry is written before the response is shown.
#[tokio::test]
async fn stored_response_is_shown_only_after_an_audited_click() {
    let (service, reader) = (Service::new(), operator(May::Read));
    let record = service.paid("acme", "ord-1").await;
    let path = format!("/records/{}", id_of(record.id));
    let page = service.get(reader.clone(), &path).await;
    assert!(page.text.contains("Show the stored response"), "{page:?}");
    assert!(!page.text.contains("&#60;b&#62;ord-1"), "{page:?}");
    assert_eq!(service.get(reader.clone(), &format!("{path}/response")).await.status, 405);
    assert!(service.audit().await.is_empty());
    let response = service.post(reader.clone(), &format!("{path}/response"), &[]).await;
    assert!(response.text.contains("&#60;b&#62;ord-1"), "escaped: {response:?}");
    let [entry] = &service.audit().await[..] else { panic!("one entry") };
    assert_eq!((entry.entry.action, &*entry.entry.actor), (AuditAction::View, "ada"));
    assert!(service.get(reader.clone(), &path).await.text.contains("ada saw the stored response"));
    let unknown = service.payment(UnknownReason::Crashed).await;
    let none = service.post(reader, &format!("/records/{}/response", id_of(unknown.id)), &[]).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND, "{none:?}");
}

/// A run that was fenced off, and that reports its result nevertheless.
#[tokio::test]
async fn late_completion_is_the_first_thing_on_the_page() {
    let (service, reader) = (Service::new(), operator(May::Read));
    let record = service.payment(UnknownReason::TimedOut).await;
    let mut entry = idem_core::store::AuditEntry::new(
        record.id,
        AuditAction::Late,
        "run 1",
        "its claim was taken over",
        record.token,
        "201",
    );
    entry.response_digest = Some([1; 32]);
    service.store.records().unwrap().append_audit(entry).await.unwrap();
    let response = StoredResponse::text(201, "by hand");
    let actor = Actor::new("bob").reason("found");
    assert_eq!(record.complete(response, &actor).await.unwrap(), Update::Applied);
    let page = service.get(reader, &format!("/records/{}", id_of(record.id))).await;
    let warning = page.text.find("A second effect may exist: run 1 reported 201 at").unwrap();
    assert!(warning < page.text.find("<h1>").unwrap(), "{page:?}");
}
