//! Values that the first version of the record format wrote, and fields that a later version writes.

use std::time::Duration;

use bytes::Bytes;
use idem_core::Guarantee;
use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, Completion, ExistingRecord, Extras, FencingToken, Fingerprint,
    FoundRecord, FoundState, IdempotencyStore, RecordId, Resolution, State, StoredResponse,
    UnknownReason, Update,
};
use idem_redis::RedisStore;
use idem_testkit::servers::RedisServer;

use crate::support::{
    HOUR, audit_entry, completion, found, key, key_name, request, response, store,
};

const NONCE: [u8; 16] = [0xAB; 16];
const TOKEN: u64 = 1_700_000_000_000_000;
const RUNNING: (u8, &[u8]) = (1, b"");
const COMPLETED: (u8, &[u8]) =
    (2, b"\x00\xC9\x00\x00\x00\x0D\xCD\x12.\x0C\x00\x04etag\x00\x00\x00\x03\"1\"{}");
const NOT_RETAINED: (u8, &[u8]) = (3, b"\x00\xC8");
const UNKNOWN: (u8, &[u8]) = (4, b"");

/// Writes a value of version 1 with the first attempt of a claim, whose lease ends an hour before the record.
fn write(server: &RedisServer, (state, tail): (u8, &[u8]), guarantee: u8, ttl: Duration) -> Claim {
    let id = key();
    let grace_ms = if state == 1 { HOUR.as_millis() as u64 } else { 0 };
    let mut value = vec![1, 1];
    value.extend(grace_ms.to_be_bytes());
    value.extend([0; 6]);
    value.extend([1, state, guarantee, 1]);
    value.extend(NONCE);
    value.extend(TOKEN.to_be_bytes());
    value.extend([0, 0, 0, 1]);
    value.extend([0xCD; 32]);
    value.extend(tail);
    write_value(server, id, &value, ttl);
    let (nonce, token) = (ClaimNonce::from_bytes(NONCE), FencingToken(TOKEN));
    Claim { id, nonce, token, attempt: 1 }
}

fn write_value(server: &RedisServer, id: RecordId, value: &[u8], ttl: Duration) {
    let digits: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
    let script = "
        local value = ARGV[1]:gsub('..', function(hex) return string.char(tonumber(hex, 16)) end)
        return redis.call('SET', KEYS[1], value, 'PX', ARGV[2])";
    let ttl = ttl.as_millis().to_string();
    assert_eq!(server.cli(&["eval", script, "1", &key_name(id), &digits, &ttl]), "OK");
}

fn fingerprint() -> Option<Fingerprint> {
    Some(Fingerprint::from_parts(1, [0xCD; 32]))
}

fn existing(state: State) -> ExistingRecord {
    ExistingRecord { fingerprint: fingerprint(), state, recoverable_in: None }
}

fn exists(state: State) -> ClaimOutcome {
    ClaimOutcome::Exists(existing(state))
}

fn golden() -> StoredResponse {
    let headers = [("etag", b"\"1\"".as_slice())].into_iter().collect();
    StoredResponse::new(201, headers, Bytes::from_static(b"{}"))
}

#[tokio::test]
async fn version_1_is_read() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    for ((state, tail), read, found_state) in [
        (RUNNING, State::Running, FoundState::Running),
        (COMPLETED, State::Completed(golden()), FoundState::Completed { status: 201 }),
        (NOT_RETAINED, State::NotRetained { status: 200 }, FoundState::NotRetained { status: 200 }),
        (
            UNKNOWN,
            State::Unknown(UnknownReason::TimedOut),
            FoundState::Unknown(UnknownReason::TimedOut),
        ),
    ] {
        let claim = write(&server, (state, tail), 1, HOUR * 2);
        for recoverable in [false, true] {
            let request = request().with_fingerprint(fingerprint()).with_recoverable(recoverable);
            assert_eq!(store.claim(claim.id, request).await.unwrap(), exists(read.clone()));
        }
        let found = found(&store, claim.id).await;
        assert_eq!((found.state, found.token, found.attempt), (found_state, claim.token, 1));
        assert_eq!(found.extras, Extras::default());
        let left = found.expires_at.since(found.now);
        assert!(left > HOUR && left <= HOUR * 2, "{left:?}");
        if state == UNKNOWN.0 {
            assert_eq!(found.since().0, TOKEN, "version 1 does not contain the end of the run");
        }
    }
}

/// The script assembles the new value, because this process has not cached the claim.
#[tokio::test]
async fn version_1_is_renewed_and_completed() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let unknown = Completion::unknown(UnknownReason::Ambiguous);
    for stored in [RUNNING, UNKNOWN] {
        for (completion, state) in [
            (completion("new"), State::Completed(response("new"))),
            (unknown.clone(), State::Unknown(UnknownReason::Ambiguous)),
        ] {
            let claim = write(&server, stored, 1, HOUR * 2);
            if stored == RUNNING {
                assert_eq!(store.renew(claim, HOUR, HOUR).await.unwrap(), Update::Applied);
                assert_eq!(store.resume_run(claim, HOUR, HOUR).await.unwrap(), Update::Applied);
            }
            let update = store.complete(claim, completion, HOUR).await.unwrap();
            assert_eq!(update, Update::Applied);
            let request = request().with_fingerprint(fingerprint());
            assert_eq!(store.claim(claim.id, request).await.unwrap(), exists(state));
            let found = found(&store, claim.id).await;
            assert_eq!(found.extras, found.extras.with_silence(found.extras.silence()));
            assert_eq!(found.extras.with_silence(None), Extras::default());
        }
    }
}

/// The claim of version 1 is sent again, and then cached.
#[tokio::test]
async fn cached_claim_of_version_1_is_completed() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let claim = write(&server, RUNNING, 1, HOUR * 2);
    let mut request = request().with_fingerprint(fingerprint());
    request.nonce = claim.nonce;
    let again = store.claim(claim.id, request.clone()).await.unwrap();
    assert_eq!(again, ClaimOutcome::Acquired(claim));
    let update = store.complete(claim, completion("new"), HOUR).await.unwrap();
    assert_eq!(update, Update::Applied);
    let replay = exists(State::Completed(response("new")));
    assert_eq!(store.claim(claim.id, request).await.unwrap(), replay);
}

#[tokio::test]
async fn lapsed_run_of_version_1_is_taken_over_or_unknown() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let request = || request().with_fingerprint(fingerprint());
    let mut at_least_once = request();
    at_least_once.guarantee = Guarantee::AtLeastOnce;
    let claim = write(&server, RUNNING, 2, HOUR);
    let ClaimOutcome::Acquired(next) = store.claim(claim.id, at_least_once).await.unwrap() else {
        panic!("a takeover")
    };
    assert_eq!(next.attempt, 2);
    assert!(next.token > claim.token);
    let claim = write(&server, RUNNING, 1, HOUR);
    let crashed = exists(State::Unknown(UnknownReason::Crashed));
    let recoverable = request().with_recoverable(true);
    assert_eq!(store.claim(claim.id, recoverable).await.unwrap(), crashed);
    assert_eq!(store.release(claim).await.unwrap(), Update::Applied);
    assert!(matches!(store.claim(claim.id, request()).await, Ok(ClaimOutcome::Acquired(_))));
}

#[tokio::test]
async fn version_1_is_resolved() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    for (stored, reason) in [(UNKNOWN, UnknownReason::TimedOut), (RUNNING, UnknownReason::Crashed)]
    {
        let claim = write(&server, stored, 1, HOUR);
        let hold = resolve(&store, claim.id, claim.token, Resolution::Hold(HOUR)).await;
        assert_eq!(hold, Update::Applied);
        let found = found(&store, claim.id).await;
        assert_eq!(found.state, FoundState::Unknown(reason));
        let silence = found.extras.silence().unwrap();
        assert_eq!((silence.reason, silence.attempt), (reason, 1));
        let by_hand = Resolution::Complete { response: response("by hand"), ttl: HOUR };
        assert_eq!(resolve(&store, claim.id, found.token, by_hand).await, Update::Applied);
        let replay = store.claim(claim.id, request().with_fingerprint(fingerprint())).await;
        assert_eq!(replay.unwrap(), exists(State::Completed(response("by hand"))));
    }
}

async fn resolve(
    store: &RedisStore,
    id: RecordId,
    token: FencingToken,
    resolution: Resolution,
) -> Update {
    let admin = store.records().unwrap();
    admin.resolve(id, token, resolution, audit_entry(id, token)).await.unwrap()
}

/// A process that still writes version 1 finds a freed key of this version free, because the head of a freed record is
/// that of version 1.
#[tokio::test]
async fn freed_key_has_the_head_of_version_1() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let unknown = Completion::unknown(UnknownReason::TimedOut);
    for by_hand in [false, true] {
        let id = key();
        let ClaimOutcome::Acquired(claim) = store.claim(id, request()).await.unwrap() else {
            panic!("a new key")
        };
        let update = if by_hand {
            assert_eq!(
                store.complete(claim, unknown.clone(), HOUR).await.unwrap(),
                Update::Applied
            );
            resolve(&store, id, claim.token, Resolution::Release).await
        } else {
            store.release(claim).await.unwrap()
        };
        assert_eq!(update, Update::Applied);
        let head = "local v = redis.call('GET', KEYS[1])
            return {#v, v:byte(1), v:byte(17), v:byte(18), (struct.unpack('>I8', v, 37))}";
        let head = server.cli(&["eval", head, "1", &key_name(id)]);
        let expected = format!("80\n1\n1\n0\n{}", claim.token.0);
        assert_eq!(head, expected, "length, layout, version, state and fencing token");
        assert!(matches!(store.claim(id, request()).await, Ok(ClaimOutcome::Acquired(_))));
    }
}

/// Another process completes the run, so the script takes the fields from the stored value.
#[tokio::test]
async fn fields_of_a_later_version_survive_another_process() {
    let server = RedisServer::start(&[]);
    let (one, two) = (store(&server).await, store(&server).await);
    let extras = Extras::from_bytes(Bytes::from_static(b"\x09\x00\x02hi\x01\x00\x01o")).unwrap();
    let unknown = Completion::unknown(UnknownReason::Drained);
    for completion in [completion("done"), Completion::NotRetained { status: 207 }, unknown] {
        let request = request().with_extras(extras.clone());
        let ClaimOutcome::Acquired(claim) = one.claim(key(), request).await.unwrap() else {
            panic!("a new key")
        };
        let update = two.complete(claim, completion, HOUR).await.unwrap();
        assert_eq!(update, Update::Applied);
        let FoundRecord { extras: kept, .. } = found(&one, claim.id).await;
        assert_eq!(kept.with_silence(None), extras);
    }
}
