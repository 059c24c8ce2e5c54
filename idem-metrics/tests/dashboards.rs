//! The dashboard and the alerts name each exported metric, and no other.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use idem_metrics::{Kind, METRICS};
use serde_json::Value;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../dashboards").join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(file(name)).unwrap()
}

/// The names of metrics in a text, without the suffixes of histograms.
fn names(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_name(c)).filter(|word| word.starts_with("idem_"));
    words.map(without_suffix).map(str::to_owned).collect()
}

fn without_suffix(name: &str) -> &str {
    let histograms = METRICS.iter().filter(|metric| metric.kind == Kind::Histogram);
    let of = |metric: &&str| {
        let suffix = name.strip_prefix(*metric);
        suffix.is_some_and(|suffix| matches!(suffix, "_bucket" | "_count" | "_sum"))
    };
    histograms.map(|metric| metric.name).find(of).unwrap_or(name)
}

fn exported() -> BTreeSet<String> {
    METRICS.iter().map(|metric| metric.name.to_owned()).collect()
}

#[test]
fn the_dashboard_shows_each_metric_and_no_other() {
    assert_eq!(names(&text("idem.json")), exported());
}

#[test]
fn the_alerts_name_only_exported_metrics() {
    let alerts = names(&text("alerts.yaml"));
    let unknown: Vec<_> = alerts.difference(&exported()).cloned().collect();
    assert_eq!(unknown, [""; 0]);
    // Figures of the load, about which no alert is useful.
    let without_alert = [
        "idem_call_seconds",
        "idem_duplicates_prevented_total",
        "idem_resolutions_total",
        "idem_running",
        "idem_wait_seconds",
        "idem_waiting",
    ];
    let silent: Vec<_> = exported().difference(&alerts).cloned().collect();
    let missing: Vec<_> = silent.iter().filter(|name| !without_alert.contains(&&***name)).collect();
    assert_eq!(missing, [""; 0], "these metrics have no alert");
}

/// Labels in the dashboard exist.
#[test]
fn the_panels_use_labels_that_exist() {
    let dashboard: Value = serde_json::from_str(&text("idem.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.len() > 10);
    for panel in panels {
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            let metrics = names(query);
            let known: BTreeSet<&str> = METRICS
                .iter()
                .filter(|metric| metrics.contains(metric.name))
                .flat_map(|metric| metric.labels.iter().copied())
                .chain(["le", "namespace"])
                .collect();
            for labels in query.split("by (").skip(1).map(|rest| rest.split(')').next().unwrap()) {
                for label in labels.split(", ") {
                    assert!(known.contains(label), "{label} in {query}");
                }
            }
            let in_braces = query.split(['{', '}']).skip(1).step_by(2);
            for matcher in in_braces.flat_map(|matchers| matchers.split("\",")) {
                let label = matcher.split(['=', '!']).next().unwrap();
                assert!(known.contains(label), "{label} in {query}");
            }
        }
    }
}

#[test]
fn the_alerts_are_valid_rules() {
    let checked =
        Command::new("promtool").args(["check", "rules"]).arg(file("alerts.yaml")).output();
    let checked = checked.expect("promtool, from the Debian package `prometheus`");
    let output =
        String::from_utf8_lossy(&checked.stdout) + String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{output}");
    assert!(output.contains("SUCCESS"), "{output}");
}
