//! Keys that outlive the client.

use std::path::Path;
use std::time::{Duration, SystemTime};

use idem_client::{FileKeyStore, FileKeyStoreError, IdempotencyKey, IdempotentRequest, KeyStore};
use tempfile::TempDir;

use crate::support::{Bench, hang, status};

fn open(directory: &Path) -> FileKeyStore {
    FileKeyStore::new(directory).unwrap()
}

#[tokio::test]
async fn a_client_that_crashed_goes_on_with_its_key() {
    let directory = TempDir::new().unwrap();
    let before = Bench::new([hang()]);
    let keys = open(directory.path());
    let request = before.payment().idempotency_key_from(&keys, "order-1001");
    let attempt = tokio::spawn(request.await.unwrap().send_idempotent());
    while before.script.header("idempotency-key").is_empty() {
        tokio::task::yield_now().await;
    }
    attempt.abort();
    attempt.await.unwrap_err();

    let after = Bench::new([status(201).replayed()]);
    let keys = open(directory.path());
    let request = after.payment().idempotency_key_from(&keys, "order-1001");
    assert!(request.await.unwrap().send_idempotent().await.unwrap().is_replayed());
    let key = before.script.header("idempotency-key");
    assert_eq!(after.script.header("idempotency-key"), key);
}

#[tokio::test]
async fn every_operation_has_its_own_key_until_it_is_forgotten() {
    let directory = TempDir::new().unwrap();
    let keys = open(directory.path());
    let one = keys.key_of("order-1").await.unwrap();
    let two = keys.key_of("order-2").await.unwrap();
    assert_ne!(one, two);
    keys.forget("order-1").await.unwrap();
    keys.forget("never-seen").await.unwrap();
    assert_ne!(keys.key_of("order-1").await.unwrap(), one);
    assert_eq!(keys.key_of("order-2").await.unwrap(), two);
}

#[tokio::test]
async fn an_operations_name_cannot_leave_the_directory() {
    let directory = TempDir::new().unwrap();
    let inner = directory.path().join("shop/keys");
    let keys = open(&inner);
    for operation in ["../outside", "/etc/outside", "", "a/b", &"x".repeat(4_000)] {
        keys.key_of(operation).await.unwrap();
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    assert_eq!(std::fs::read_dir(inner).unwrap().count(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_who_ask_at_once_get_one_key() {
    for _ in 0..20 {
        let directory = TempDir::new().unwrap();
        let ask = || {
            let keys = open(directory.path());
            tokio::spawn(async move { keys.key_of("order-1001").await.unwrap() })
        };
        let asked: Vec<_> = (0..16).map(|_| ask()).collect();
        let mut got: Vec<IdempotencyKey> = Vec::new();
        for key in asked {
            got.push(key.await.unwrap());
        }
        assert!(got.iter().all(|key| *key == got[0]));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "no file is left over");
    }
}

#[tokio::test]
async fn a_file_that_holds_no_key_is_never_replaced() {
    let directory = TempDir::new().unwrap();
    let keys = open(directory.path());
    keys.key_of("order-1001").await.unwrap();
    let file = std::fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap().path();
    for broken in ["", "\"half", "\"no-time\"\n", "\"no-time\"\nsoon\n"] {
        std::fs::write(&file, broken).unwrap();
        let error = keys.key_of("order-1001").await.unwrap_err();
        assert!(matches!(error, FileKeyStoreError::NoKey(path) if path == file));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), broken);
    }
}

/// Writes the file of a key anew, as a copy of one that was made at this time would be.
fn copy_of(key: &IdempotencyKey, made: SystemTime, file: &Path) {
    std::fs::write(file, format!("{}\n{}\n", key.to_header(), httpdate::fmt_http_date(made)))
        .unwrap();
}

#[tokio::test]
async fn a_key_that_the_service_may_have_forgotten_is_not_given() {
    let directory = TempDir::new().unwrap();
    let keys = open(directory.path());
    let key = keys.key_of("order-1001").await.unwrap();
    let file = std::fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap().path();
    let (now, hour) = (SystemTime::now(), Duration::from_hours(1));

    copy_of(&key, now - 22 * hour, &file);
    assert_eq!(keys.key_of("order-1001").await.unwrap(), key);
    copy_of(&key, now + hour / 2, &file);
    assert_eq!(keys.key_of("order-1001").await.unwrap(), key, "a clock that was set back");
    for unsure in [now - 24 * hour, now + 2 * hour] {
        copy_of(&key, unsure, &file);
        let error = keys.key_of("order-1001").await.unwrap_err();
        assert!(matches!(error, FileKeyStoreError::TooOld(of) if of == file));
    }
    copy_of(&key, now - 24 * hour, &file);
    let patient = keys.max_age(48 * hour);
    assert_eq!(patient.key_of("order-1001").await.unwrap(), key);
}

#[tokio::test]
async fn a_key_that_cannot_be_kept_is_not_given() {
    let directory = TempDir::new().unwrap();
    let keys = open(&directory.path().join("keys"));
    std::fs::remove_dir(directory.path().join("keys")).unwrap();
    let error = keys.key_of("order-1001").await.unwrap_err();
    assert!(matches!(error, FileKeyStoreError::Io { .. }), "{error:?}");
    let bench = Bench::new([]);
    assert!(bench.payment().idempotency_key_from(&keys, "order-1001").await.is_err());
    assert_eq!(bench.script.attempts(), 0);
}
