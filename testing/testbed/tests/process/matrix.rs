//! Every row of RELIABILITY section 9 has a test, or a reason for having none.

use std::fs;
use std::path::Path;

use libtest_mimic::Trial;

use Proof::{Here, Later, Partly, There};

#[derive(Clone, Copy)]
enum Proof {
    /// In this suite: tests named `fault_NN_…`.
    Here,
    /// In others: their files, and one test in each.
    There(&'static [(&'static str, &'static str)]),
    /// As `There`, and what of the row has no test.
    Partly(&'static [(&'static str, &'static str)], &'static str),
    /// Nowhere yet, and why.
    Later(&'static str),
}

const ROWS: [(u8, Proof); 80] = [
    (1, Here),
    (2, Here),
    (3, Here),
    (4, Here),
    (5, Here),
    (6, Here),
    (7, Here),
    (8, Later("there is no `recover` hook")),
    (9, Here),
    (10, Here),
    (11, Here),
    (12, Here),
    (13, Here),
    (14, Here),
    (15, Here),
    (16, Here),
    (17, Here),
    (18, Here),
    (19, Here),
    (20, Here),
    (21, Here),
    (22, Here),
    (23, Here),
    (24, Here),
    (25, Here),
    (26, Later("SHOULD: a runtime that is dropped is a crash, as in row 4, and says nothing")),
    (27, Here),
    (28, Here),
    (29, Later("SHOULD: a build that aborts on panic is a crash, as in row 4")),
    (30, Here),
    (
        31,
        There(&[
            (
                "idem-core/tests/function/results.rs",
                "a_value_that_is_too_large_reaches_its_caller_and_is_never_made_again",
            ),
            ("idem-core/tests/function/results.rs", "a_value_that_is_no_json_is_done_all_the_same"),
        ]),
    ),
    (32, Here),
    (33, Here),
    (
        34,
        There(&[
            ("idem-core/src/wire.rs", "a_cut_is_damage_at_every_length"),
            ("idem-core/src/wire.rs", "a_flipped_bit_of_an_answer_is_damage"),
            ("idem-core/src/wire.rs", "unknown_codes_and_versions_are_refused"),
            ("idem-core/src/wire.rs", "version_1_is_frozen"),
            ("idem-redis/tests/faults/server.rs", "fault_record_changed_externally_foreign_value"),
            (
                "idem-postgres/tests/faults/server.rs",
                "fault_record_changed_externally_deleted_or_damaged",
            ),
        ]),
    ),
    (35, Here),
    (36, Here),
    (
        37,
        There(&[(
            "idem-conformance/tests/faults/claim.rs",
            "fault_claim_applied_late_after_deadline_is_abandoned",
        )]),
    ),
    (
        38,
        There(&[(
            "idem-conformance/tests/faults/claim.rs",
            "fault_claim_applied_twice_has_one_owner",
        )]),
    ),
    (39, Later("there is no `on_store_error = \"open\"`")),
    (40, Here),
    (41, Here),
    (42, Here),
    (43, Here),
    (44, Here),
    (
        45,
        There(&[
            (
                "idem-conformance/tests/faults/release.rs",
                "fault_release_reply_lost_leaves_next_owner_untouched",
            ),
            (
                "idem-redis/tests/faults/network.rs",
                "fault_release_reply_lost_leaves_next_owner_untouched",
            ),
            (
                "idem-postgres/tests/faults/network.rs",
                "fault_release_reply_lost_leaves_next_owner_untouched",
            ),
        ]),
    ),
    (
        46,
        There(&[(
            "idem-conformance/tests/faults/vanished.rs",
            "fault_record_vanishes_before_completion",
        )]),
    ),
    (47, Here),
    (48, Here),
    (49, Here),
    (50, There(&[("idem-redis/tests/faults/server.rs", "fault_redis_stalls_in_busy_script")])),
    (51, Here),
    (
        52,
        There(&[(
            "idem-redis/tests/faults/server.rs",
            "fault_record_changed_externally_deleted_key",
        )]),
    ),
    (53, There(&[("idem-redis/tests/faults/health.rs", "fault_redis_evicts_keys_at_startup")])),
    (
        54,
        There(&[(
            "idem-redis/tests/faults/server.rs",
            "fault_redis_out_of_memory_refuses_claims_and_stores_completions",
        )]),
    ),
    (
        55,
        There(&[(
            "idem-redis/tests/faults/server.rs",
            "fault_redis_scripts_flushed_are_loaded_again",
        )]),
    ),
    (
        56,
        There(&[(
            "idem-redis/tests/faults/health.rs",
            "fault_redis_failover_loses_writes_and_is_detected",
        )]),
    ),
    (
        57,
        There(&[("idem-redis/tests/faults/server.rs", "fault_redis_primary_demoted_is_not_done")]),
    ),
    (
        58,
        There(&[(
            "idem-redis/tests/faults/server.rs",
            "fault_redis_refuses_or_redirects_with_too_few_replicas",
        )]),
    ),
    (
        59,
        There(&[(
            "idem-redis/tests/faults/stress.rs",
            "fault_dropped_call_on_shared_connection_does_not_mix_replies",
        )]),
    ),
    (60, There(&[("idem-postgres/tests/faults/server.rs", "fault_postgres_backend_terminated")])),
    (61, Here),
    (62, Here),
    (63, Here),
    (
        64,
        There(&[(
            "idem-postgres/tests/faults/server.rs",
            "fault_postgres_aborts_statement_timeout",
        )]),
    ),
    (
        65,
        There(&[(
            "idem-postgres/tests/faults/server.rs",
            "fault_postgres_pool_exhausted_is_not_done",
        )]),
    ),
    (
        66,
        There(&[(
            "idem-postgres/tests/faults/health.rs",
            "fault_postgres_server_unusable_standby",
        )]),
    ),
    (67, There(&[("idem-postgres/tests/faults/disk.rs", "fault_postgres_disk_full_at_claim")])),
    (
        68,
        There(&[(
            "idem-postgres/tests/faults/health.rs",
            "fault_postgres_asynchronous_commit_at_startup",
        )]),
    ),
    (
        69,
        There(&[(
            "idem-postgres/tests/faults/stress.rs",
            "fault_store_call_cancelled_at_every_await",
        )]),
    ),
    (
        70,
        There(&[(
            "idem-postgres/tests/faults/pgbouncer.rs",
            "fault_postgres_behind_pgbouncer_with_pooled_mode",
        )]),
    ),
    (71, There(&[("idem-conformance/src/rules/delete.rs", "live_records_stay")])),
    (72, Here),
    (73, There(&[("idem-core/tests/model/check.rs", "at_most_once_with_three_processes")])),
    (74, Here),
    (
        75,
        Partly(
            &[
                ("idem-conformance/src/rules/takeover.rs", "careful_guarantee_counts"),
                ("idem-conformance/src/rules/claim.rs", "fingerprint_versions_are_kept"),
                (
                    "idem-core/tests/engine/takeover.rs",
                    "the_careful_guarantee_counts_where_record_and_caller_differ",
                ),
                ("idem-core/src/fingerprint.rs", "another_version_is_not_compared"),
                ("idem-core/src/wire.rs", "unknown_codes_and_versions_are_refused"),
                (
                    "idem-core/tests/engine/identity.rs",
                    "services_share_keys_only_with_one_namespace_and_secret",
                ),
            ],
            "processes of two builds side by side, and a new name of a function",
        ),
    ),
    (76, Here),
    (77, Later("records are not encrypted")),
    (78, Here),
    (79, Here),
    (80, Here),
];

/// Holds the table to what there is.
pub(crate) fn trial(faults: &[Trial]) -> Trial {
    let faults: Vec<String> = faults.iter().map(|fault| fault.name().to_owned()).collect();
    Trial::test("matrix::every_row_is_accounted_for", move || {
        for (expected, (row, proof)) in (1..).zip(ROWS) {
            assert_eq!(row, expected, "rows stand in their order");
            check(row, proof, &faults);
        }
        Ok(())
    })
}

fn check(row: u8, proof: Proof, faults: &[String]) {
    match proof {
        Here => {
            let name = format!("faults::fault_{row:02}_");
            assert!(faults.iter().any(|fault| fault.starts_with(&name)), "there is no {name}…");
        }
        There(tests) => tests.iter().for_each(|(file, test)| check_there(row, file, test)),
        Partly(tests, missing) => {
            tests.iter().for_each(|(file, test)| check_there(row, file, test));
            assert!(!missing.is_empty(), "row {row} needs what is missing");
        }
        Later(reason) => assert!(!reason.is_empty(), "row {row} needs a reason"),
    }
}

fn check_there(row: u8, file: &str, test: &str) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    let source = fs::read_to_string(source);
    let source = source.unwrap_or_else(|error| panic!("row {row}: {file}: {error}"));
    let found = ["(", "<"].iter().any(|end| source.contains(&format!("fn {test}{end}")));
    assert!(found, "row {row}: no {test} in {file}");
}
