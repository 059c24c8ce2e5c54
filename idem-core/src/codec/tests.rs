//! The byte formats, frozen and damaged.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::Policy;
use crate::model::{Claim, Completion, RecordId, Silence, Timestamp};
use crate::state_machine::{self, Change, Slot};
use crate::store::ClaimRequest;

fn record(state: State) -> Record {
    Record {
        nonce: ClaimNonce::from_bytes([0xAB; 16]),
        token: FencingToken(0x0102_0304_0506_0708),
        attempt: 2,
        guarantee: Guarantee::AtLeastOnce,
        recoverable: false,
        extras: Extras::new(&["op"], None),
        fingerprint: Some(Fingerprint::from_parts(1, [0xCD; 32])),
        state,
    }
}

fn completed() -> State {
    State::Completed(StoredResponse {
        status: 201,
        headers: [("etag", b"\"1\"".as_slice())].into_iter().collect(),
        body: Bytes::from_static(b"{}"),
    })
}

fn states() -> [State; 4] {
    [
        State::Running,
        completed(),
        State::NotRetained { status: 200 },
        State::Unknown(UnknownReason::Drained),
    ]
}

/// The head of a record, and the bytes that follow it.
fn golden(version: u8, state: u8, rest: &[u8]) -> Bytes {
    let mut golden = vec![version, state, 2, 1];
    golden.extend([0xAB; 16]);
    golden.extend([1, 2, 3, 4, 5, 6, 7, 8]);
    golden.extend([0, 0, 0, 2]);
    golden.extend([0xCD; 32]);
    golden.extend(rest);
    golden.into()
}

const RESPONSE: &[u8] = b"\x00\xC9\x00\x00\x00\x0D\xCD\x12.\x0C\x00\x04etag\x00\x00\x00\x03\"1\"{}";

#[test]
fn version_1_is_still_read() {
    let read = |state, rest: &[u8]| Record::from_bytes(&golden(1, state, rest)).unwrap();
    let expected = |state| Record { extras: Extras::default(), ..record(state) };
    assert_eq!(read(1, b""), expected(State::Running));
    assert_eq!(read(2, RESPONSE), expected(completed()));
    assert_eq!(read(3, b"\x00\xC8"), expected(State::NotRetained { status: 200 }));
    assert_eq!(read(4, b""), expected(State::Unknown(UnknownReason::TimedOut)));
}

#[test]
fn version_2_is_frozen() {
    let extras = b"\x00\x05\x01\x00\x02op";
    let rest = |tail: &[u8]| [extras, tail].concat();
    assert_eq!(record(State::Running).to_bytes(), golden(2, 1, &rest(b"")));
    assert_eq!(record(completed()).to_bytes(), golden(2, 2, &rest(RESPONSE)));
    assert_eq!(record(states()[2].clone()).to_bytes(), golden(2, 3, &rest(b"\x00\xC8")));
    assert_eq!(record(states()[3].clone()).to_bytes(), golden(2, 4, &rest(b"\x05")));
}

#[test]
fn the_length_is_known_before_encoding() {
    for state in states() {
        let record = record(state);
        assert_eq!(record.encoded_len(), record.to_bytes().len(), "{record:?}");
    }
}

#[test]
fn a_body_can_be_empty() {
    let headers = || [("etag", b"\"1\"".as_slice())].into_iter().collect();
    for headers in [Headers::default(), headers()] {
        let record =
            record(State::Completed(StoredResponse { status: 204, headers, body: Bytes::new() }));
        assert_eq!(Record::from_bytes(&record.to_bytes()).unwrap(), record);
    }
}

#[test]
fn version_1_has_no_reasons() {
    assert_eq!(Record::from_bytes(&golden(1, 4, b"\x05")), Err(CodecError::Damaged));
}

#[test]
fn extras_of_version_2_are_frozen() {
    let silence = Silence { since: Timestamp(258), reason: UnknownReason::Crashed, attempt: 3 };
    let extras = Extras::new(&["POST", "/p"], Some("l")).with_silence(Some(silence));
    let record = Record { extras: extras.with_dispute("d"), ..record(State::Running) };
    let rest = b"\x00\x22\x04\x00\x0D\0\0\0\0\0\0\x01\x02\x01\0\0\0\x03\x01\x00\x07POST /p\x02\x00\x01l\x05\x00\x01d";
    assert_eq!(record.to_bytes(), golden(2, 1, rest));
    assert_eq!(Record::from_bytes(&record.to_bytes()).unwrap(), record);
}

#[test]
fn reasons_have_frozen_codes() {
    use UnknownReason::*;
    let reasons = [Crashed, TimedOut, Ambiguous, RecoverInconclusive, Drained, Disputed];
    assert_eq!(reasons.map(UnknownReason::code), [1, 2, 3, 4, 5, 6]);
    assert_eq!(UnknownReason::from_code(0), None);
    assert_eq!(UnknownReason::from_code(7), None);
}

#[test]
fn every_state_survives_a_round_trip() {
    for state in states() {
        let record = record(state);
        assert_eq!(Record::from_bytes(&record.to_bytes()).unwrap(), record);
    }
    let bare =
        Record { fingerprint: None, guarantee: Guarantee::AtMostOnce, ..record(State::Running) };
    assert_eq!(Record::from_bytes(&bare.to_bytes()).unwrap(), bare);
    let recoverable = Record { recoverable: true, ..bare };
    assert_eq!(Record::from_bytes(&recoverable.to_bytes()).unwrap(), recoverable);
}

#[test]
fn a_head_has_the_status_of_a_response_and_all_of_other_states() {
    let empty = StoredResponse { status: 201, headers: Headers::default(), body: Bytes::new() };
    let until_status = record(completed()).to_bytes().slice(..HEAD_LEN + 7 + 2);
    assert_eq!(Record::from_head(&until_status).unwrap(), record(State::Completed(empty)));
    let without_status = until_status.slice(..HEAD_LEN + 7 + 1);
    assert_eq!(Record::from_head(&without_status), Err(CodecError::Damaged));
    for state in [State::Running, State::NotRetained { status: 200 }] {
        let record = record(state);
        assert_eq!(Record::from_head(&record.to_bytes()).unwrap(), record);
    }
}

#[test]
fn truncation_is_detected_at_every_length() {
    for state in states() {
        let bytes = record(state).to_bytes();
        for len in 0..bytes.len() {
            assert_eq!(Record::from_bytes(&bytes.slice(..len)), Err(CodecError::Damaged), "{len}");
        }
    }
}

#[test]
fn a_flipped_bit_in_a_response_is_detected() {
    let bytes = record(completed()).to_bytes();
    for at in HEAD_LEN + 7..bytes.len() {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1;
        assert_eq!(Record::from_bytes(&Bytes::from(flipped)), Err(CodecError::Damaged), "{at}");
    }
}

#[test]
fn unknown_codes_and_versions_are_refused() {
    let bytes = record(completed()).to_bytes();
    let with = |at: usize, value: u8| {
        let mut changed = bytes.to_vec();
        changed[at] = value;
        Record::from_bytes(&Bytes::from(changed))
    };
    assert_eq!(with(0, 0), Err(CodecError::Version(0)));
    assert_eq!(with(0, 3), Err(CodecError::Version(3)));
    assert_eq!(with(1, 9), Err(CodecError::Damaged));
    assert_eq!(with(2, 0), Err(CodecError::Damaged));
}

#[test]
fn the_claim_has_a_fixed_position() {
    let record = record(completed());
    let bytes = record.to_bytes();
    let (nonce, token) = bytes[CLAIM_BYTES].split_at(16);
    assert_eq!(nonce, record.nonce.as_bytes());
    assert_eq!(token, record.token.0.to_be_bytes());
}

const LEASE: Duration = Duration::from_micros(10);
const HOLD: Duration = Duration::from_micros(100);
const ID: RecordId = RecordId::from_bytes([0; 32]);

/// Fields of later versions.
fn later_fields() -> impl Strategy<Value = Extras> {
    let field = (prop_oneof![Just(3_u8), 6..=u8::MAX], vec(any::<u8>(), 0..40));
    vec(field, 0..6).prop_map(|fields| {
        let bytes = fields.into_iter().flat_map(|(tag, value)| {
            let len = value.len() as u16;
            [vec![tag], len.to_be_bytes().to_vec(), value].concat()
        });
        Extras::from_bytes(bytes.collect()).unwrap()
    })
}

/// The slot that a transition writes, as a store reads it back.
fn stored(change: Change) -> Slot {
    let Change::Put(slot) = change else { panic!("nothing was written") };
    let record = Record::from_bytes(&slot.record.to_bytes()).unwrap();
    assert_eq!(record, slot.record);
    Slot { record, ..slot }
}

fn claim_of(slot: &Slot) -> Claim {
    let Record { nonce, token, attempt, .. } = slot.record;
    Claim { id: ID, nonce, token, attempt }
}

proptest! {
    #[test]
    fn fields_of_later_versions_are_kept(later in later_fields()) {
        let now = Timestamp(1_000);
        let recoverable = Record {
            guarantee: Guarantee::AtMostOnce,
            recoverable: true,
            extras: Extras::new(&["op"], Some("label")).with_fields(&later),
            ..record(State::Running)
        };
        let lapsed = Slot { record: recoverable, lease_until: now, expires_at: now.after(HOLD) };
        let lapsed = stored(Change::Put(lapsed));
        prop_assert_eq!(lapsed.record.extras.unnamed(), later.clone());

        let mut request = ClaimRequest::new(&Policy::new(HOLD, Guarantee::AtMostOnce));
        request.fingerprint = lapsed.record.fingerprint;
        request.recoverable = true;
        let recovering = stored(state_machine::claim(Some(&lapsed), ID, &request, now).0);
        let claim = claim_of(&recovering);
        let resumed =
            stored(state_machine::resume_run(Some(&recovering), &claim, LEASE, HOLD, now).0);
        let unknown = Completion::unknown(UnknownReason::Disputed);
        let completions = [unknown, Completion::NotRetained { status: 200 }];
        let ended = completions.map(|completion| {
            stored(state_machine::complete(Some(&resumed), &claim, completion, HOLD, now).0)
        });
        for Slot { record, .. } in [&recovering, &resumed].into_iter().chain(&ended) {
            prop_assert_eq!(record.extras.unnamed(), later.clone());
            prop_assert_eq!((record.extras.operation(), record.extras.label()), ("op", "label"));
        }
    }
}
