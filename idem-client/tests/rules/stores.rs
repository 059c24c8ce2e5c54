//! Keys that survive a crash of the client.

use std::path::Path;
use std::time::{Duration, SystemTime};

use idem_client::{FileKeyStore, FileKeyStoreError, IdempotencyKey, IdempotentRequest, KeyStore};
use tempfile::TempDir;

use crate::support::{Bench, hang, status};

fn open(directory: &Path) -> FileKeyStore {
    FileKeyStore::new(directory).unwrap()
}

#[tokio::test]
async fn a_client_continues_with_its_key_after_a_crash() {
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
async fn an_operation_name_cannot_leave_the_directory() {
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
async fn concurrent_callers_get_one_key() {
    for _ in 0..20 {
        let directory = TempDir::new().unwrap();
        let request_key = || {
            let keys = open(directory.path());
            tokio::spawn(async move { keys.key_of("order-1001").await.unwrap() })
        };
        let requested: Vec<_> = (0..16).map(|_| request_key()).collect();
        let mut keys: Vec<IdempotencyKey> = Vec::new();
        for key in requested {
            keys.push(key.await.unwrap());
        }
        assert!(keys.iter().all(|key| *key == keys[0]));
        assert_eq!(
            std::fs::read_dir(directory.path()).unwrap().count(),
            1,
            "a temporary file remains"
        );
    }
}

#[tokio::test]
async fn a_file_without_a_valid_key_is_never_replaced() {
    let directory = TempDir::new().unwrap();
    let keys = open(directory.path());
    keys.key_of("order-1001").await.unwrap();
    let file = std::fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap().path();
    for broken in ["", "\"half", "\"no-time\"\n", "\"no-time\"\nsoon\n"] {
        std::fs::write(&file, broken).unwrap();
        let error = keys.key_of("order-1001").await.unwrap_err();
        assert!(matches!(error, FileKeyStoreError::InvalidFile(path) if path == file));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), broken);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_regular_text_files_are_read() {
    let directory = TempDir::new().unwrap();
    let keys = open(directory.path());
    keys.key_of("order-1001").await.unwrap();
    let file = std::fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap().path();
    let planted = directory.path().join("planted");
    std::fs::rename(&file, &planted).unwrap();
    std::os::unix::fs::symlink(&planted, &file).unwrap();
    let error = keys.key_of("order-1001").await.unwrap_err();
    assert!(matches!(error, FileKeyStoreError::InvalidFile(path) if path == file));
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, [0xff, 0xfe, b'\n']).unwrap();
    let error = keys.key_of("order-1001").await.unwrap_err();
    assert!(matches!(error, FileKeyStoreError::InvalidFile(path) if path == file));
    std::fs::remove_file(&file).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&file).status().unwrap();
    assert!(made.success());
    let error = keys.key_of("order-1001").await.unwrap_err();
    assert!(matches!(error, FileKeyStoreError::InvalidFile(path) if path == file));
}

/// Writes the file of a key that was made at this time, as a restored copy would.
fn restore(key: &IdempotencyKey, made: SystemTime, file: &Path) {
    std::fs::write(file, format!("{}\n{}\n", key.to_header(), httpdate::fmt_http_date(made)))
        .unwrap();
}

#[tokio::test]
async fn a_key_that_the_service_may_have_forgotten_is_not_returned() {
    let directory = TempDir::new().unwrap();
    let keys = open(directory.path());
    let key = keys.key_of("order-1001").await.unwrap();
    let file = std::fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap().path();
    let (now, hour) = (SystemTime::now(), Duration::from_secs(3600));

    restore(&key, now - 22 * hour, &file);
    assert_eq!(keys.key_of("order-1001").await.unwrap(), key);
    restore(&key, now + hour / 2, &file);
    assert_eq!(keys.key_of("order-1001").await.unwrap(), key, "the clock was set back");
    for made in [now - 24 * hour, now + 2 * hour] {
        restore(&key, made, &file);
        let error = keys.key_of("order-1001").await.unwrap_err();
        assert!(matches!(error, FileKeyStoreError::Expired(of) if of == file));
    }
    restore(&key, now - 24 * hour, &file);
    let longer = keys.max_age(48 * hour);
    assert_eq!(longer.key_of("order-1001").await.unwrap(), key);
}

#[tokio::test]
async fn a_key_that_cannot_be_stored_is_not_returned() {
    let directory = TempDir::new().unwrap();
    let keys = open(&directory.path().join("keys"));
    std::fs::remove_dir(directory.path().join("keys")).unwrap();
    let error = keys.key_of("order-1001").await.unwrap_err();
    assert!(matches!(error, FileKeyStoreError::Io { .. }), "{error:?}");
    let bench = Bench::new([]);
    assert!(bench.payment().idempotency_key_from(&keys, "order-1001").await.is_err());
    assert_eq!(bench.script.attempts(), 0);
}
