//! The console in Chromium, without scripts.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod browser;
mod service;

use idem_core::UnknownReason;
use idem_core::store::UnknownOutcome;
use thirtyfour::Key;

use browser::{Browser, Look};
use service::Service;

/// Support and on-call at a narrow screen: search, list, record, preview, resolve. Everything is done with the keyboard.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_outcome_is_resolved_by_keyboard_on_a_narrow_screen() {
    let service = Service::start().await;
    let disputed =
        service.unknown(UnknownOutcome::disputed("12.00 EUR here, 21.00 EUR there")).await;
    let record = service.unknown(UnknownOutcome::new(UnknownReason::TimedOut)).await;
    let browser = Browser::start(Look::Narrow).await;
    browser.open(&service.url).await;
    browser.heading("Search").await;
    browser.assert_without_scripts().await;
    browser.screenshot("1-search").await;

    // A reference that is mistyped, and then the right one. Tab selects the old text.
    browser.focus("input", "reference").await;
    browser.press("deadbeef").await;
    browser.press(Key::Enter).await;
    browser.text("No record starts with deadbeef").await;
    browser.focus("input", "reference").await;
    browser.press(&service::id(record)[..8]).await;
    browser.press(Key::Enter).await;
    browser.heading("Record").await;

    browser.focus("a", "Unknown outcomes").await;
    browser.press(Key::Enter).await;
    browser.heading("Unknown outcomes").await;
    browser.text("2 records").await;
    browser.screenshot("2-unknown").await;
    browser.focus("a", &service::id(disputed)[..8]).await;
    browser.press(Key::Enter).await;
    browser.text("contradict each other").await;
    browser.screenshot("3-record").await;

    browser.focus("summary", "It happened").await;
    browser.press(Key::Enter).await;
    browser.focus("textarea", "body").await;
    browser.press("{\"charge\": \"ch_123\"}").await;
    browser.focus("input", "complete-reason").await;
    browser.press("found at the provider, ch_123").await;
    browser.screenshot("4-form").await;
    browser.press(Key::Enter).await;
    browser.heading("Preview").await;
    browser.text("gets the status 201 with the 20 bytes below").await;
    browser.screenshot("5-preview").await;
    browser.focus("button", "Store this response").await;
    browser.press(Key::Enter).await;
    browser.heading("Done").await;
    browser.screenshot("6-done").await;
    assert_eq!(service.response(disputed).await.unwrap().body, "{\"charge\": \"ch_123\"}");

    browser.focus("a", "Back to the record").await;
    browser.press(Key::Enter).await;
    browser.text("ada stored a response").await;
    browser.screenshot("7-resolved").await;
    browser.end().await;
}

/// The run may still be active, so the form asks for the end of its process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn key_is_freed_on_a_wide_dark_screen() {
    let service = Service::start().await;
    let record = service.unknown(UnknownOutcome::new(UnknownReason::TimedOut)).await;
    service.late(record).await;
    let browser = Browser::start(Look::WideAndDark).await;
    browser.open(&service.url).await;
    browser.heading("Search").await;
    browser.assert_dark().await;
    browser.screenshot("8-search-dark").await;
    browser.open(&format!("{}/unknown", service.url)).await;
    browser.text("1 record").await;
    browser.screenshot("9-unknown-dark").await;
    browser.open(&format!("{}/records/{}", service.url, service::id(record))).await;
    browser.text("A second effect may exist: run 1 reported 201").await;
    browser.focus("summary", "It did not happen").await;
    browser.press(Key::Enter).await;
    browser.focus("input", "release-reason").await;
    browser.press("unknown to the provider").await;
    browser.screenshot("10-record-dark").await;
    // The browser itself requires the box.
    browser.press(Key::Enter).await;
    browser.focus_back("input", "ended").await;
    browser.press(Key::Space).await;
    browser.focus("button", "Preview").await;
    browser.press(Key::Enter).await;
    browser.heading("Preview").await;
    browser.screenshot("11-preview-dark").await;
    browser.focus("button", "Free the key").await;
    browser.press(Key::Enter).await;
    browser.text("The key is free").await;
    assert!(service.response(record).await.is_none());
    browser.end().await;
}
