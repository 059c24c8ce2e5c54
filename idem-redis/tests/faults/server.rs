//! Servers that refuse commands, lose data or are busy.

use std::thread;
use std::time::Duration;

use idem_core::store::{ClaimOutcome, IdempotencyStore, StoreErrorKind, Update};
use idem_testkit::servers::{RedisServer, eventually};
use tokio::runtime::Handle;

use crate::support::{
    HOUR, builder, completed, completion, error_kind, key, key_name, request, store, won,
};

/// The call times out while the server sleeps, and is executed afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_redis_stalls_asleep() {
    let server = RedisServer::start(&[]);
    let builder = builder().command_timeout(Duration::from_secs(2));
    let store = eventually("connection within the limit", async || {
        builder.clone().connect(&server.url()).await.ok()
    })
    .await;
    for sleep in [&["debug", "sleep", "1"][..], &["client", "pause", "3000", "all"]] {
        let (id, request) = (key(), request());
        thread::scope(|scope| {
            scope.spawn(|| server.cli(sleep));
        });
        let claimed = eventually("reply after the server slept", async || {
            let claimed = store.claim(id, request.clone()).await;
            claimed.inspect_err(|error| assert_ne!(error.kind(), StoreErrorKind::Corrupt)).ok()
        })
        .await;
        assert!(matches!(claimed, ClaimOutcome::Acquired(_)), "{claimed:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_redis_stalls_in_busy_script() {
    let server = RedisServer::start(&["--busy-reply-threshold", "50"]);
    let store = store(&server).await;
    let claim = won(&store).await;
    let port = server.port().to_string();
    let mut busy = std::process::Command::new("redis-cli")
        .args(["-p", &port, "eval", "while true do end", "0"])
        .spawn()
        .unwrap();
    server.until(&["ping"], |reply| reply.contains("BUSY"));
    assert_eq!(error_kind(store.claim(key(), request()).await), StoreErrorKind::NotDone);
    assert_eq!(error_kind(store.renew(claim, HOUR, HOUR).await), StoreErrorKind::NotDone);
    assert_eq!(
        error_kind(store.complete(claim, completion("kept"), HOUR).await),
        StoreErrorKind::NotDone
    );
    server.cli(&["script", "kill"]);
    busy.wait().unwrap();
    assert_eq!(store.complete(claim, completion("kept"), HOUR).await.unwrap(), Update::Applied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_redis_restarts_with_append_only_file() {
    let mut server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = store(&server).await;
    let (running, done) = (won(&store).await, won(&store).await);
    assert_eq!(store.complete(done, completion("kept"), HOUR).await.unwrap(), Update::Applied);
    server.restart();
    let claim = async || store.claim(done.id, request()).await.ok();
    let found = eventually("reply of the restarted server", claim).await;
    assert_eq!(found, completed("kept"));
    assert!(matches!(store.claim(running.id, request()).await.unwrap(), ClaimOutcome::Exists(_)));
    assert_eq!(store.complete(running, completion("late"), HOUR).await.unwrap(), Update::Applied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_record_changed_externally_deleted_key() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let claim = won(&store).await;
    assert_eq!(server.cli(&["del", &key_name(claim.id)]), "1");
    assert_eq!(store.renew(claim, HOUR, HOUR).await.unwrap(), Update::Stale(None));
    assert_eq!(store.complete(claim, completion("late"), HOUR).await.unwrap(), Update::Stale(None));
    assert_eq!(store.release(claim).await.unwrap(), Update::Stale(None));
    assert_eq!(server.cli(&["exists", &key_name(claim.id)]), "0");
}

/// A value of another program is never overwritten, neither by a plain claim nor by a script.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_record_changed_externally_foreign_value() {
    let server = RedisServer::start(&[]);
    let long = "x".repeat(200);
    let foreign: [&[&str]; 5] = [
        &["rpush", "KEY", "an element"],
        &["set", "KEY", "short"],
        &["set", "KEY", &long],
        &["hset", "KEY", "field", "value"],
        &["set", "KEY", ""],
    ];
    for command in foreign {
        let store = store(&server).await;
        let id = key();
        let command: Vec<String> =
            command.iter().map(|word| word.replace("KEY", &key_name(id))).collect();
        server.cli(&command.iter().map(String::as_str).collect::<Vec<_>>());
        let before = server.cli(&["dump", &key_name(id)]);
        for _ in ["by script", "by plain command"] {
            let claimed = store.claim(id, request()).await;
            assert_eq!(error_kind(claimed), StoreErrorKind::Corrupt, "{command:?}");
            won(&store).await;
        }
        let claim = idem_core::store::Claim { id, ..won(&store).await };
        drop(store.complete(claim, completion("late"), HOUR).await);
        drop(store.renew(claim, HOUR, HOUR).await);
        drop(store.release(claim).await);
        assert_eq!(server.cli(&["dump", &key_name(id)]), before, "{command:?}");
    }
}

/// A key without an expiry is held forever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn persisted_key_is_not_free() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let claim = won(&store).await;
    server.cli(&["persist", &key_name(claim.id)]);
    assert!(matches!(store.claim(claim.id, request()).await.unwrap(), ClaimOutcome::Exists(_)));
    assert_eq!(store.complete(claim, completion("kept"), HOUR).await.unwrap(), Update::Applied);
    assert_eq!(store.claim(claim.id, request()).await.unwrap(), completed("kept"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_redis_out_of_memory_refuses_claims_and_stores_completions() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let (done, kept, freed) = (won(&store).await, won(&store).await, won(&store).await);
    server.cli(&["config", "set", "maxmemory", "1mb"]);
    assert_eq!(error_kind(store.claim(key(), request()).await), StoreErrorKind::NotDone);
    assert_eq!(
        store.complete(done, completion(vec![7; 10_000]), HOUR).await.unwrap(),
        Update::Applied
    );
    assert_eq!(store.renew(kept, HOUR, HOUR).await.unwrap(), Update::Applied);
    assert_eq!(store.release(freed).await.unwrap(), Update::Applied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_redis_scripts_flushed_are_loaded_again() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let flush = || assert_eq!(server.cli(&["script", "flush"]), "OK");
    let (one, two) = (won(&store).await, won(&store).await);
    flush();
    assert!(matches!(store.claim(one.id, request()).await.unwrap(), ClaimOutcome::Exists(_)));
    flush();
    assert_eq!(store.renew(one, HOUR, HOUR).await.unwrap(), Update::Applied);
    flush();
    assert_eq!(store.complete(one, completion("kept"), HOUR).await.unwrap(), Update::Applied);
    flush();
    assert_eq!(store.release(two).await.unwrap(), Update::Applied);
    assert_eq!(store.claim(one.id, request()).await.unwrap(), completed("kept"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_redis_primary_demoted_is_not_done() {
    let server = RedisServer::start(&[]);
    let other = RedisServer::start(&[]);
    let store = store(&server).await;
    let claim = won(&store).await;
    server.cli(&["replicaof", "127.0.0.1", &other.port().to_string()]);
    for result in [
        store.claim(key(), request()).await.map(drop),
        store.complete(claim, completion("late"), HOUR).await.map(drop),
        store.renew(claim, HOUR, HOUR).await.map(drop),
        store.release(claim).await.map(drop),
    ] {
        assert_eq!(error_kind(result), StoreErrorKind::NotDone);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_redis_refuses_or_redirects_with_too_few_replicas() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let claim = won(&store).await;
    server.cli(&["config", "set", "min-replicas-to-write", "1"]);
    for result in [
        store.claim(key(), request()).await.map(drop),
        store.complete(claim, completion("late"), HOUR).await.map(drop),
        store.renew(claim, HOUR, HOUR).await.map(drop),
        store.release(claim).await.map(drop),
    ] {
        assert_eq!(error_kind(result), StoreErrorKind::NotDone);
    }
    server.cli(&["config", "set", "min-replicas-to-write", "0"]);
    assert_eq!(store.complete(claim, completion("kept"), HOUR).await.unwrap(), Update::Applied);
}

/// A server that loads its data refuses claims. No key is free in the meantime.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_redis_refuses_or_redirects_while_loading() {
    let server = RedisServer::start(&["--loading-process-events-interval-bytes", "1024"]);
    let store = store(&server).await;
    let claim = won(&store).await;
    server.cli(&["debug", "populate", "6000", "filler", "1000"]);
    // The delay makes loading longer than the test. It is removed at the end.
    server.cli(&["config", "set", "key-load-delay", "20000"]);
    thread::scope(|scope| {
        scope.spawn(|| server.cli(&["debug", "reload"]));
        server.until(&["info", "persistence"], |info| info.contains("loading:1"));
        tokio::task::block_in_place(|| {
            Handle::current().block_on(async {
                for result in [
                    store.claim(claim.id, request()).await.map(drop),
                    store.complete(claim, completion("early"), HOUR).await.map(drop),
                    store.renew(claim, HOUR, HOUR).await.map(drop),
                    store.release(claim).await.map(drop),
                ] {
                    assert_eq!(error_kind(result), StoreErrorKind::NotDone);
                }
            });
        });
        server.cli(&["config", "set", "key-load-delay", "0"]);
    });
    assert_eq!(store.complete(claim, completion("done"), HOUR).await.unwrap(), Update::Applied);
}
