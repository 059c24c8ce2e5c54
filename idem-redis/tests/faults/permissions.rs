//! The permissions that the documentation lists are sufficient.

use std::num::NonZeroU32;

use idem_conformance::contention;
use idem_core::store::{
    AuditFilter, Capacity, ClaimOutcome, Completion, Filter, IdempotencyStore, Quota, Resolution,
    ScopeId, UnknownReason, Update,
};
use idem_testkit::servers::RedisServer;

use crate::support::{HOUR, audit_entry, builder, completion, key, request, won};

/// The commands in the table below "An ACL must allow".
fn documented_commands(document: &str) -> Vec<String> {
    let table = document.split("| every store | ").nth(1).unwrap().split("//!\n").next().unwrap();
    let quoted = table.split('`').skip(1).step_by(2);
    quoted.map(str::to_lowercase).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documented_commands_are_sufficient() {
    let commands = documented_commands(include_str!("../../src/lib.rs"));
    assert!(commands.contains(&"subscribe".to_owned()), "{commands:?}");

    let server = RedisServer::start(&[]);
    let mut rules = vec!["acl", "setuser", "app", "on", "nopass", "-@all", "~idem:default:*"];
    rules.extend(["&idem:default:changed", "+hello", "+auth", "+client", "+ping"]);
    let allowed: Vec<_> = commands.iter().map(|command| format!("+{command}")).collect();
    rules.extend(allowed.iter().map(String::as_str));
    server.cli(&rules);
    let url = server.url().replace("redis://", "redis://app:any@");
    let store = builder().connect(&url).await.unwrap();

    let claim = won(&store).await;
    assert_eq!(store.renew(claim, HOUR, HOUR).await.unwrap(), Update::Applied);
    assert_eq!(store.complete(claim, completion("a"), HOUR).await.unwrap(), Update::Applied);
    let claim = won(&store).await;
    assert_eq!(store.release(claim).await.unwrap(), Update::Applied);
    let claim = won(&store).await;
    assert_eq!(store.abandon(claim.id, claim.nonce).await.unwrap(), Update::Applied);

    let quota = Quota { scope: ScopeId::from_bytes([7; 32]), max_keys: NonZeroU32::MIN };
    let request = request().with_quota(Some(quota));
    let ClaimOutcome::Acquired(first) = store.claim(key(), request.clone()).await.unwrap() else {
        panic!("there is room")
    };
    let full = ClaimOutcome::AtCapacity(Capacity::Scope);
    assert_eq!(store.claim(key(), request).await.unwrap(), full);
    assert_eq!(store.release(first).await.unwrap(), Update::Applied);

    let claim = won(&store).await;
    assert_eq!(store.resume_run(claim, HOUR, HOUR).await.unwrap(), Update::Applied);
    let unknown = Completion::unknown(UnknownReason::TimedOut);
    assert_eq!(store.complete(claim, unknown, HOUR).await.unwrap(), Update::Applied);
    let (admin, entry) = (store.records().unwrap(), audit_entry(claim.id, claim.token));
    assert!(admin.find(claim.id).await.unwrap().is_some());
    assert!(!admin.list(Filter::all(), None, 100).await.unwrap().records.is_empty());
    let hold = admin.resolve(claim.id, claim.token, Resolution::Hold(HOUR), entry).await;
    assert_eq!(hold.unwrap(), Update::Applied);
    assert_eq!(admin.audit(AuditFilter::default(), None, 9).await.unwrap().records.len(), 1);
    contention::freed_key_lets_one_waiter_run(store.clone(), store).await;
    assert!(server.cli(&["acl", "log"]).is_empty(), "a command was denied");
}
