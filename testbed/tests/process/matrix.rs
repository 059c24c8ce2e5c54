//! Every row of RELIABILITY section 9 has a test, or a reason for having none.

use std::fs;
use std::path::Path;

use Proof::{Here, Later, There};

enum Proof {
    /// In this suite: tests named `fault_NN_…`.
    Here,
    /// In another: its file, and one of its tests.
    There(&'static str, &'static str),
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
    (
        15,
        There(
            "idem-conformance/src/http/scenarios/concurrency.rs",
            "a_blocked_thread_is_not_taken_over",
        ),
    ),
    (16, Here),
    (17, Here),
    (18, There("idem-conformance/src/http/scenarios/disconnect.rs", "a_run_too_long_is_given_up")),
    (19, Here),
    (20, Here),
    (
        21,
        There("idem-conformance/src/http/scenarios/waiting.rs", "a_waiter_that_leaves_makes_room"),
    ),
    (22, Here),
    (23, Here),
    (24, Here),
    (25, Here),
    (26, Later("SHOULD: a runtime that is dropped is a crash, as in row 4, and says nothing")),
    (27, There("idem-conformance/src/http/scenarios/outcomes.rs", "a_panic_is_final")),
    (
        28,
        There(
            "idem-conformance/src/http/scenarios/outcomes.rs",
            "a_panic_before_the_claim_leaves_the_key_free",
        ),
    ),
    (29, Later("SHOULD: a build that aborts on panic is a crash, as in row 4")),
    (
        30,
        There("idem-conformance/src/http/scenarios/outcomes.rs", "statuses_end_as_the_table_says"),
    ),
    (31, Later("over HTTP every answer can be stored; it concerns functions")),
    (
        32,
        There(
            "idem-conformance/src/http/scenarios/limits.rs",
            "an_answer_over_the_limit_is_not_kept",
        ),
    ),
    (
        33,
        There(
            "idem-conformance/src/http/scenarios/limits.rs",
            "a_stream_broken_midway_is_not_kept",
        ),
    ),
    (34, There("idem-core/src/wire.rs", "a_cut_is_damage_at_every_length")),
    (
        35,
        There(
            "idem-conformance/tests/faults/claim.rs",
            "fault_35_silent_store_at_the_claim_starts_nothing",
        ),
    ),
    (36, Here),
    (
        37,
        There(
            "idem-conformance/tests/faults/claim.rs",
            "fault_37_claim_that_lands_after_the_deadline_is_abandoned",
        ),
    ),
    (
        38,
        There(
            "idem-conformance/tests/faults/claim.rs",
            "fault_38_claim_that_arrives_twice_has_one_owner",
        ),
    ),
    (39, Later("there is no `on_store_error = \"open\"`")),
    (40, Here),
    (41, Here),
    (42, Here),
    (43, Here),
    (44, Here),
    (
        45,
        There(
            "idem-conformance/tests/faults/release.rs",
            "fault_45_release_sent_again_leaves_the_new_owner_alone",
        ),
    ),
    (
        46,
        There(
            "idem-conformance/tests/faults/vanished.rs",
            "fault_46_record_gone_before_its_end_is_not_brought_back",
        ),
    ),
    (47, Here),
    (48, There("idem-redis/tests/faults/duplicates.rs", "fault_48_thousands_wait_on_one_key")),
    (49, There("idem-redis/tests/faults/duplicates.rs", "fault_49_freed_key_lets_one_waiter_run")),
    (50, There("idem-redis/tests/faults/server.rs", "fault_50_busy_server_refuses")),
    (51, Here),
    (52, There("idem-redis/tests/faults/server.rs", "fault_52_deleted_key_is_not_brought_back")),
    (53, There("idem-redis/tests/faults/health.rs", "fault_53_evicting_server_is_refused")),
    (
        54,
        There(
            "idem-redis/tests/faults/server.rs",
            "fault_54_full_memory_refuses_claims_and_takes_conclusions",
        ),
    ),
    (55, There("idem-redis/tests/faults/server.rs", "fault_55_forgotten_scripts_are_loaded_again")),
    (56, There("idem-redis/tests/faults/health.rs", "fault_56_rollback_is_noticed")),
    (57, There("idem-redis/tests/faults/server.rs", "fault_57_demoted_server_is_not_done")),
    (
        58,
        There("idem-redis/tests/faults/server.rs", "fault_58_too_few_replicas_refuse_every_write"),
    ),
    (
        59,
        There("idem-redis/tests/faults/stress.rs", "fault_59_dropped_calls_do_not_mix_up_answers"),
    ),
    (60, There("idem-postgres/tests/faults/server.rs", "fault_60_terminated_backends")),
    (61, Here),
    (
        62,
        There(
            "idem-postgres/tests/transaction/faults.rs",
            "fault_62_commit_whose_answer_is_lost_is_a_success",
        ),
    ),
    (
        63,
        There(
            "idem-postgres/tests/transaction/faults.rs",
            "fault_63_commit_that_does_not_arrive_is_no_success",
        ),
    ),
    (64, There("idem-postgres/tests/faults/server.rs", "fault_64_statement_timeout_is_not_done")),
    (65, There("idem-postgres/tests/faults/server.rs", "fault_65_exhausted_pool_is_not_done")),
    (66, There("idem-postgres/tests/faults/health.rs", "fault_66_standby_is_refused")),
    (67, There("idem-postgres/tests/faults/disk.rs", "fault_67_full_disk_refuses_claims")),
    (68, There("idem-postgres/tests/faults/health.rs", "fault_68_late_commits_are_refused")),
    (69, There("idem-postgres/tests/faults/stress.rs", "fault_69_calls_dropped_at_every_await")),
    (70, There("idem-postgres/tests/faults/pgbouncer.rs", "fault_70_pooler_in_transaction_mode")),
    (71, There("idem-conformance/src/rules/delete.rs", "live_records_stay")),
    (72, Here),
    (73, There("idem-core/tests/model/check.rs", "at_most_once_with_three_processes")),
    (74, There("idem-conformance/src/rules/expiry.rs", "renewed_record_never_expires")),
    (75, There("idem-conformance/src/rules/takeover.rs", "careful_guarantee_counts")),
    (
        76,
        There(
            "idem-conformance/src/http/scenarios/isolation.rs",
            "borders_between_tenant_and_key_do_not_move",
        ),
    ),
    (77, Later("records are not encrypted")),
    (78, There("idem-conformance/src/http/scenarios/quotas.rs", "a_scope_has_its_quota")),
    (
        79,
        There(
            "idem-conformance/src/http/scenarios/fingerprint.rs",
            "numbers_are_compared_as_written",
        ),
    ),
    (80, There("idem-core/tests/engine/trace/secrecy.rs", "nothing_secret_is_traced")),
];

#[test]
fn every_row_is_accounted_for() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(home.join("tests/process/faults/mod.rs")).unwrap();
    for (expected, (row, proof)) in (1..).zip(ROWS) {
        assert_eq!(row, expected, "rows stand in their order");
        match proof {
            Here => {
                let name = format!("fault_{row:02}_");
                assert!(table.contains(&name), "there is no {name}… in the table of faults");
            }
            There(file, test) => {
                let source = fs::read_to_string(home.join("..").join(file));
                let source = source.unwrap_or_else(|error| panic!("row {row}: {file}: {error}"));
                let found =
                    ["(", "<"].iter().any(|end| source.contains(&format!("fn {test}{end}")));
                assert!(found, "row {row}: no {test} in {file}");
            }
            Later(reason) => assert!(!reason.is_empty(), "row {row} needs a reason"),
        }
    }
}

/// A fault that is not in the table would never run.
#[test]
fn every_fault_is_in_the_table() {
    let faults = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/process/faults");
    let table = fs::read_to_string(faults.join("mod.rs")).unwrap();
    for file in fs::read_dir(faults).unwrap() {
        let source = fs::read_to_string(file.unwrap().path()).unwrap();
        for found in source.split("async fn fault_").skip(1) {
            let name = format!("fault_{} on [", found.split('(').next().unwrap());
            assert!(table.contains(&name), "{name}");
        }
    }
}
