//! Who may see and change what, and where a request must come from.

use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ORIGIN, REFERRER_POLICY,
};
use idem_console::{May, Operator};
use idem_core::UnknownReason;

use crate::service::{PAYMENTS, Service, form, id_of, only, operator};

/// A forgotten authentication exposes nothing, not even which pages there are.
#[tokio::test]
async fn request_without_an_operator_gets_403_and_nothing_else() {
    let service = Service::new();
    let record = service.payment(UnknownReason::Crashed).await;
    let id = id_of(record.id);
    let nameless = Operator { name: " ".to_owned(), ..operator(May::Resolve) };
    for operator in [None, Some(nameless)] {
        for path in ["", "/unknown", "/search?reference=12345678", "/style.css", "/no-such-page"] {
            let page = service.get(operator.clone(), path).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}: {page:?}");
            assert!(page.text.starts_with("no operator"), "{page:?}");
        }
        for path in ["/find", &format!("/records/{id}/resolve"), &format!("/records/{id}/response")]
        {
            let page = service.post(operator.clone(), path, &[]).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}: {page:?}");
        }
        assert_eq!(
            service.get(operator, &format!("/records/{id}")).await.status,
            StatusCode::FORBIDDEN
        );
    }
    assert!(service.audit().await.is_empty());
}

#[tokio::test]
async fn every_page_is_strict_and_not_cached() {
    let service = Service::new();
    for (path, status) in [("", 200), ("/unknown", 200), ("/style.css", 200), ("/none", 404)] {
        let page = service.get(operator(May::Read), path).await;
        assert_eq!(page.status, status, "{path}: {page:?}");
        let header = |name| page.headers.get(name).and_then(|value| value.to_str().ok());
        let policy = header(CONTENT_SECURITY_POLICY).unwrap();
        assert!(
            policy.starts_with(
                "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'"
            ),
            "{policy}"
        );
        assert_eq!(header(CACHE_CONTROL), Some("no-store"));
        assert_eq!(header(REFERRER_POLICY), Some("same-origin"));
        assert!(!page.text.contains("<script") && !page.text.contains("style="), "{page:?}");
    }
    let style = service.get(operator(May::Read), "/style.css").await;
    assert!(style.headers[CONTENT_TYPE].to_str().unwrap().starts_with("text/css"));
}

#[tokio::test]
async fn form_of_another_site_is_refused() {
    let service = Service::new();
    let record = service.paid("acme", "ord-1").await;
    let path = format!("/records/{}/response", id_of(record.id));
    let own = "https://support.example";
    let cases = [
        (None, Some("same-origin"), true),
        (None, Some("same-site"), false),
        (None, Some("cross-site"), false),
        (None, Some("none"), false),
        // The newer header decides.
        (Some(own), Some("cross-site"), false),
        (Some("https://evil.example"), Some("same-origin"), true),
        (Some(own), None, true),
        (Some("http://support.example"), None, true),
        (Some("https://support.example:8443"), None, false),
        (Some("https://evil.example"), None, false),
        (Some("https://support.example.evil.example"), None, false),
        (Some("null"), None, false),
        (None, None, false),
    ];
    for (origin, site, is_allowed) in cases {
        let mut request = form(&path);
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        if let Some(site) = site {
            request = request.header("sec-fetch-site", site);
        }
        let page = service.send(operator(May::Read), request, String::new()).await;
        let expected = if is_allowed { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(page.status, expected, "{origin:?} {site:?}: {page:?}");
    }
    let without_host = axum::extract::Request::post(format!("/console{path}")).header(ORIGIN, own);
    let page = service.send(operator(May::Read), without_host, String::new()).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{page:?}");
    assert_eq!(service.audit().await.len(), cases.iter().filter(|(.., allowed)| *allowed).count());
}

#[tokio::test]
async fn reader_sees_no_form_and_changes_nothing() {
    let service = Service::new();
    let record = service.payment(UnknownReason::Crashed).await;
    let path = format!("/records/{}", id_of(record.id));
    let page = service.get(operator(May::Read), &path).await;
    assert!(
        page.text.contains("outcome unknown") && !page.text.contains("Resolve the outcome"),
        "{page:?}"
    );
    let token = record.token.0.to_string();
    let fields = [("action", "release"), ("token", &*token), ("reason", "x")];
    for step in ["preview", "resolve"] {
        let page = service.post(operator(May::Read), &format!("{path}/{step}"), &fields).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{page:?}");
    }
    assert!(service.find(record.id).await.is_some());
}

#[tokio::test]
async fn records_of_other_operations_are_hidden() {
    let service = Service::new();
    let record = service.payment(UnknownReason::Crashed).await;
    let id = id_of(record.id);
    service.paid("acme", "ord-1").await;
    let refunds = only(May::Resolve, "POST /refunds");
    let (token, key) = (record.token.0.to_string(), [("key", "ord-1"), ("scope", "acme")]);
    for path in [format!("/records/{id}"), format!("/search?reference={id}")] {
        let page = service.get(refunds.clone(), &path).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}: {page:?}");
    }
    let fields = [("action", "release"), ("token", &*token), ("reason", "x")];
    for path in ["preview", "response"] {
        let page = service.post(refunds.clone(), &format!("/records/{id}/{path}"), &fields).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}: {page:?}");
    }
    let find = [&key[..], &[("operation", PAYMENTS)]].concat();
    let page = service.post(refunds.clone(), "/find", &find).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{page:?}");
    let page = service.get(refunds.clone(), "/unknown").await;
    assert!(page.text.contains("No outcome is unknown"), "{page:?}");
    // Of the operation that the operator may see, all of it is there.
    let payments = only(May::Resolve, PAYMENTS);
    assert!(service.get(payments.clone(), "/unknown").await.text.contains(&id));
    assert_eq!(service.get(payments, &format!("/records/{id}")).await.status, StatusCode::OK);
    let preview = service.get(refunds, "").await.text;
    assert!(preview.contains("POST /refunds") && !preview.contains("value=\"POST /payments\""));
}
