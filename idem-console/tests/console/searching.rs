//! The search, and the list of unknown outcomes.

use axum::http::StatusCode;
use axum::http::header::LOCATION;
use idem_console::May;
use idem_core::UnknownReason;
use idem_core::store::{RecordId, UnknownOutcome};

use crate::service::{LEASE, PAYMENTS, Page, Service, id_of, operator};

fn assert_leads_to(page: &Page, id: RecordId) {
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
    let expected = format!("/console/records/{}", id_of(id));
    assert_eq!(page.headers[LOCATION], expected);
}

#[tokio::test]
async fn record_is_found_by_its_digits() {
    let (service, reader) = (Service::new(), operator(May::Read));
    let record = service.payment(UnknownReason::Crashed).await;
    let id = id_of(record.id);
    for reference in [&id[..8], &id[..9], &id, &format!("urn:idem:record:{id}"), &id.to_uppercase()]
    {
        let page = service.get(reader.clone(), &format!("/search?reference={reference}")).await;
        assert_leads_to(&page, record.id);
    }
    let page = service.get(reader.clone(), &format!("/records/{}", &id[..8])).await;
    assert_eq!(page.headers[LOCATION], format!("/console/search?reference={}", &id[..8]));
    for (reference, status, text) in [
        ("deadbee", 400, "first 8 to 64 hexadecimal digits"),
        ("", 400, "first 8 to 64 hexadecimal digits"),
        ("%3Cscript%3E", 400, "&#60;script&#62;"),
        ("deadbeef", 404, "No record starts with deadbeef"),
    ] {
        let page = service.get(reader.clone(), &format!("/search?reference={reference}")).await;
        assert_eq!(page.status, status, "{reference}: {page:?}");
        assert!(page.text.contains(text), "{reference}: {page:?}");
    }
    for missing in ["f".repeat(64), "x".repeat(64)] {
        let page = service.get(reader.clone(), &format!("/records/{missing}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{page:?}");
        assert!(page.text.contains("There is no such record"), "{page:?}");
    }
}

#[tokio::test]
async fn ambiguous_digits_list_the_records() {
    let (service, reader) = (Service::new(), operator(May::Read));
    let mut id = [7; 32];
    service.claim(RecordId::from_bytes(id), PAYMENTS).await;
    id[31] = 8;
    service.claim(RecordId::from_bytes(id), "POST /refunds").await;
    let page = service.get(reader, "/search?reference=07070707").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    assert!(page.text.contains("2 records start with 07070707"), "{page:?}");
    assert!(page.text.contains(&id_of(RecordId::from_bytes(id))), "{page:?}");
}

#[tokio::test]
async fn record_is_found_by_key_scope_and_operation() {
    let (service, reader) = (Service::new(), operator(May::Read));
    let record = service.paid("acme", "ord-1").await;
    let find = |key: &'static str, scope: &'static str, operation: &'static str| {
        [("key", key), ("scope", scope), ("operation", operation)]
    };
    for scope in ["acme", " acme \r\n", "[\"acme\"]"] {
        let page = service.post(reader.clone(), "/find", &find("ord-1", scope, PAYMENTS)).await;
        assert_leads_to(&page, record.id);
    }
    let quoted = service.post(reader.clone(), "/find", &find("\"ord-1\"", "acme", PAYMENTS)).await;
    assert_leads_to(&quoted, record.id);
    for (fields, status, text) in [
        (find("ord-2", "acme", PAYMENTS), 404, "There is no record of this key"),
        (find("ord-1", "other", PAYMENTS), 404, "There is no record of this key"),
        (find("ord-1", "acme", "POST /refunds"), 404, "There is no record of this key"),
        (find("ord-1", "", PAYMENTS), 400, "a scope has one to four values, not 0"),
        (find("ord-1", "a\nb\nc\nd\ne", PAYMENTS), 400, "not 5"),
        (find("", "acme", PAYMENTS), 400, "The key cannot be used"),
    ] {
        let page = service.post(reader.clone(), "/find", &fields).await;
        assert_eq!(page.status, status, "{fields:?}: {page:?}");
        assert!(page.text.contains(text), "{fields:?}: {page:?}");
    }
    let global = [("key", "ord-1"), ("operation", PAYMENTS), ("global", "yes")];
    assert_eq!(service.post(reader.clone(), "/find", &global).await.status, StatusCode::NOT_FOUND);
    let incomplete = service.post(reader, "/find", &[("scope", "acme")]).await;
    assert_eq!(incomplete.status, StatusCode::UNPROCESSABLE_ENTITY, "{incomplete:?}");
    assert!(incomplete.text.contains("Unprocessable Entity"), "{incomplete:?}");
}

#[tokio::test]
async fn disputed_records_come_first_and_then_the_oldest() {
    let (service, reader) = (Service::new(), operator(May::Read));
    let old = service.payment(UnknownReason::TimedOut).await;
    service.store.advance_clock(LEASE);
    let disputed = service.unknown("POST /refunds", UnknownOutcome::disputed("2 EUR")).await;
    let new = service.payment(UnknownReason::Ambiguous).await;
    let crashed = service.claim(RecordId::from_bytes([9; 32]), PAYMENTS).await;
    service.paid("acme", "ord-1").await;
    service.store.advance_clock(LEASE);
    let page = service.get(reader.clone(), "/unknown").await;
    let position = |id| page.text.find(&id_of(id)).unwrap_or_else(|| panic!("{page:?}"));
    let positions = [disputed.id, old.id, new.id, crashed.id].map(position);
    assert!(positions[0] < positions[1] && positions[1] < positions[2], "{positions:?}");
    assert!(positions[2] < positions[3], "{positions:?}");
    assert!(page.text.contains("4 records"), "{page:?}");
    assert!(page.text.contains("ord-&#60;1001&#62;"), "labels are escaped: {page:?}");
    for word in ["disputed", "outcome unknown", "timed-out", "ambiguous", "crashed"] {
        assert!(page.text.contains(word), "{word}: {page:?}");
    }
    let refunds = service.get(reader, "/unknown?operation=POST%20/refunds").await.text;
    assert!(refunds.contains(&id_of(disputed.id)) && !refunds.contains(&id_of(old.id)));
}
