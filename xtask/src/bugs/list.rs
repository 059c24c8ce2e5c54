//! The known bugs: their edits, and the suites that look for them.

use super::suite::Suite;
use super::{Bug, Edit};

const fn suite(name: &'static str, package: &'static str, target: &'static str) -> Suite {
    Suite { name, package, target }
}

const fn edit(file: &'static str, from: &'static str, to: &'static str) -> Edit {
    Edit { file, from, to }
}

const UNIT: Suite = suite("unit", "idem-core", "idem_core");
const MODEL: Suite = suite("model", "idem-core", "model");
const ENGINE: Suite = suite("engine", "idem-core", "engine");
const FAULTS: Suite = suite("faults", "idem-conformance", "faults");
const MEMORY: Suite = suite("memory", "idem-conformance", "memory");
const REDIS: Suite = suite("redis", "idem-redis", "conformance");
const POSTGRES: Suite = suite("postgres", "idem-postgres", "conformance");
const POSTGRES_BATCHED: Suite = suite("batched", "idem-postgres", "batched");
const SQLITE: Suite = suite("sqlite", "idem-sqlite", "conformance");
const SQLITE_FAULTS: Suite = suite("file", "idem-sqlite", "faults");
const TRANSACTION: Suite = suite("tx", "idem-postgres", "transaction");
const HTTP: Suite = suite("http", "idem-axum", "http");
const LAYER: Suite = suite("layer", "idem-axum", "layer");
const LAYER_MISTAKES: Suite = suite("layers", "idem-axum", "layer_mistakes");
const MIDDLEWARE_MISTAKES: Suite = suite("mw", "idem-actix", "middleware_mistakes");
const PROCESS: Suite = suite("process", "testbed", "process");

const STATE_MACHINE: &str = "idem-core/src/state_machine/mod.rs";
const RESOLVE: &str = "idem-core/src/state_machine/resolve.rs";
const CLAIM_LUA: &str = "idem-redis/src/scripts/claim.lua";
const RENEW_LUA: &str = "idem-redis/src/scripts/renew.lua";
const COMPLETE_LUA: &str = "idem-redis/src/scripts/complete.lua";
const FREE_LUA: &str = "idem-redis/src/scripts/free.lua";
const CLAIM_FUNCTION_SQL: &str = "idem-postgres/src/migrations/0003_claim.sql";
const COMPLETE_FUNCTION_SQL: &str = "idem-postgres/src/migrations/0003_complete.sql";
const CLAIM_BATCH_FUNCTION_SQL: &str = "idem-postgres/src/migrations/0003_claim_batch.sql";
const COMPLETE_BATCH_FUNCTION_SQL: &str = "idem-postgres/src/migrations/0003_complete_batch.sql";
const CLAIM_SQL: &str = "idem-postgres/src/queries/claim.sql";
const CLAIMS_SQL: &str = "idem-postgres/src/queries/claim_batch.sql";
const READ_SQL: &str = "idem-postgres/src/queries/read.sql";
const RENEW_SQL: &str = "idem-postgres/src/queries/renew.sql";
const RELEASE_SQL: &str = "idem-postgres/src/queries/release.sql";
const ABANDON_SQL: &str = "idem-postgres/src/queries/abandon.sql";

const CURRENT_CLAIM: &str = "owner = $2 AND fence = $3 AND";
/// The arguments are still named, or the server could not infer their types.
const ANY_CLAIM: &str = "(owner = $2 AND fence = $3 OR true) AND";

pub(super) const BUGS: [Bug; 28] = [
    // A completion is accepted from any claim.
    Bug {
        name: "complete-without-claim",
        edits: &[
            edit(
                STATE_MACHINE,
                "Some(slot) if slot.held_by(claim, now) => {",
                "Some(slot) if !slot.expired(now) => {",
            ),
            edit(COMPLETE_LUA, "string.sub(known, 11) == string.sub(ARGV[1], 11)", "true"),
            edit(
                COMPLETE_FUNCTION_SQL,
                "r.owner = own_owner AND r.fence = own_fence AND r.state IN",
                "r.state IN",
            ),
            edit(
                COMPLETE_BATCH_FUNCTION_SQL,
                "r.owner = c.owner AND r.fence = c.fence AND r.state IN",
                "r.state IN",
            ),
        ],
        looks: &[
            (MODEL, "two_faults"),
            (ENGINE, ""),
            (FAULTS, ""),
            (MEMORY, ""),
            (REDIS, "completion"),
            (POSTGRES, "completion"),
            (POSTGRES_BATCHED, "completion"),
            (SQLITE, "completion"),
        ],
    },
    // A renewal is accepted from any claim.
    Bug {
        name: "renew-without-claim",
        edits: &[
            edit(
                STATE_MACHINE,
                "slot.held_by(claim, now) && slot.record.state == State::Running => {\n            let lease_until",
                "!slot.expired(now) && slot.record.state == State::Running => {\n            let lease_until",
            ),
            edit(RENEW_LUA, "string.sub(head, 21) ~= ARGV[1]", "false"),
            edit(RENEW_SQL, "USING (id, owner, fence)", "ON records.id = calls.id"),
            edit(RENEW_SQL, " AND renewed.owner = calls.owner AND renewed.fence = calls.fence", ""),
        ],
        looks: &[
            (MODEL, "two_faults"),
            (ENGINE, ""),
            (FAULTS, ""),
            (MEMORY, ""),
            (REDIS, "renewal"),
            (POSTGRES, "renewal"),
            (SQLITE, "renewal"),
        ],
    },
    // A release is accepted from any claim.
    Bug {
        name: "release-without-claim",
        edits: &[
            edit(
                STATE_MACHINE,
                "slot.held_by(claim, now) && slot.record.state == State::Running => {\n            (Change::Remove",
                "!slot.expired(now) && slot.record.state == State::Running => {\n            (Change::Remove",
            ),
            edit(
                FREE_LUA,
                "string.sub(head, 21, 20 + #ARGV[1]) ~= ARGV[1]",
                "(#ARGV[1] == 16 and string.sub(head, 21, 36) ~= ARGV[1])",
            ),
            edit(RELEASE_SQL, CURRENT_CLAIM, ANY_CLAIM),
        ],
        looks: &[
            (MODEL, "two_faults"),
            (ENGINE, ""),
            (FAULTS, ""),
            (MEMORY, ""),
            (REDIS, "release"),
            (POSTGRES, "release"),
            (SQLITE, "release"),
        ],
    },
    // A running record expires when its lease ends.
    Bug {
        name: "lease-as-ttl",
        edits: &[
            edit(STATE_MACHINE, "lease_until.after(request.hold)", "lease_until"),
            edit(STATE_MACHINE, "lease_until.after(hold)", "lease_until"),
            edit(
                "idem-redis/src/value.rs",
                "let grace_ms = to_millis(hold);",
                "let (grace_ms, _) = (0, to_millis(hold));",
            ),
            edit(CLAIM_FUNCTION_SQL, "own_now + own_lease + own_hold", "own_now + own_lease"),
            edit(CLAIM_BATCH_FUNCTION_SQL, "own_now + lease + hold", "own_now + lease"),
            edit(RENEW_SQL, "+ free.hold", "+ 0 * free.hold"),
        ],
        looks: &[
            (MODEL, "two_faults"),
            (ENGINE, ""),
            (FAULTS, ""),
            (MEMORY, ""),
            (REDIS, "lapsed"),
            (POSTGRES, "lapsed"),
            (POSTGRES_BATCHED, "lapsed"),
            (SQLITE, "lapsed"),
            (PROCESS, "pause_without_duplicate"),
        ],
    },
    // Leases and retention are counted by the clock of the process.
    Bug {
        name: "client-clock",
        edits: &[
            edit(CLAIM_LUA, "'PX', ARGV[3]", "'PXAT', ARGV[3]"),
            edit(COMPLETE_LUA, "'PX', ARGV[3]", "'PXAT', ARGV[3]"),
            edit(RENEW_LUA, "'PEXPIRE', KEYS[1], ARGV[3]", "'PEXPIREAT', KEYS[1], ARGV[3]"),
            edit("idem-redis/src/claim.rs", ".arg(\"PX\").arg(prefix", ".arg(\"PXAT\").arg(prefix"),
            edit(
                "idem-redis/src/value.rs",
                "let kept_ms = record_ms + u64::from(pad_ms);",
                "let kept_ms = record_ms + u64::from(pad_ms) + std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |now| now.as_millis() as u64);",
            ),
            edit(CLAIM_FUNCTION_SQL, "own_now := clock_timestamp()", "own_now := client_now"),
            edit(
                CLAIM_FUNCTION_SQL,
                "IN own_timeout interval,",
                "IN own_timeout interval, IN client_now timestamptz,",
            ),
            edit(CLAIM_SQL, "$17)", "$17, clock_timestamp())"),
            edit(
                CLAIM_BATCH_FUNCTION_SQL,
                "IN own_timeout interval,",
                "IN own_timeout interval, IN client_now timestamptz,",
            ),
            edit(CLAIM_BATCH_FUNCTION_SQL, "clock_timestamp() AS own_now", "client_now AS own_now"),
            edit(CLAIM_BATCH_FUNCTION_SQL, "NULL, own_timeout", "NULL, own_timeout, client_now"),
            edit(CLAIMS_SQL, "$14)", "$14, clock_timestamp())"),
            edit(
                "idem-postgres/src/sql/statements.rs",
                "AssertSqlSafe(Arc::clone(&self.sql))",
                "AssertSqlSafe(self.sql.replace(\"clock_timestamp()\", &format!(\"to_timestamp({})\", std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0.0, |now| now.as_secs_f64()))))",
            ),
        ],
        looks: &[
            (REDIS, "lapsed"),
            (POSTGRES, "lapsed"),
            (POSTGRES_BATCHED, "lapsed"),
            (PROCESS, "client_clock_wrong"),
        ],
    },
    // Postgres: `now()`, the start of the transaction, in place of `clock_timestamp()`.
    Bug {
        name: "transaction-clock",
        edits: &[
            edit(CLAIM_FUNCTION_SQL, "clock_timestamp()", "now()"),
            edit(COMPLETE_FUNCTION_SQL, "clock_timestamp()", "now()"),
            edit(READ_SQL, "clock_timestamp()", "now()"),
            edit(RENEW_SQL, "clock_timestamp()", "now()"),
            edit(RELEASE_SQL, "clock_timestamp()", "now()"),
            edit(ABANDON_SQL, "clock_timestamp()", "now()"),
        ],
        looks: &[(TRANSACTION, "ttl_counts_from_the_completion")],
    },
    // SQLite: the latest time in the file is ignored, so a clock that is set back revives leases.
    Bug {
        name: "sqlite-forgets-time",
        edits: &[edit(
            "idem-sqlite/src/clock.rs",
            "wall.max(stored).max(passed)",
            "wall.max(passed)",
        )],
        looks: &[(SQLITE, "lapsed"), (SQLITE_FAULTS, "store_clock_jumps")],
    },
    // SQLite: a quota is counted without the keys that the same transaction has claimed.
    Bug {
        name: "sqlite-quota-per-transaction",
        edits: &[edit(
            "idem-sqlite/src/writer/batch.rs",
            "self.write_records().await?;\n        let max_keys",
            "let max_keys",
        )],
        looks: &[(SQLITE, "quota_is_exact")],
    },
    // SQLite: a process writes to a file that was deleted or replaced.
    Bug {
        name: "sqlite-any-file",
        edits: &[edit("idem-sqlite/src/file.rs", "Ok(identity) if identity == self.identity", "_")],
        looks: &[(SQLITE_FAULTS, "file_replaced"), (PROCESS, "sqlite_file_replaced")],
    },
    // A run whose completion could not be stored frees the key.
    Bug {
        name: "release-on-store-error",
        edits: &[edit(
            "idem-core/src/engine/settle.rs",
            "let attempt = || first.take().unwrap_or_else(|| self.send(&end))",
            "let attempt = || first.take().unwrap_or_else(|| self.send(&End::Release))",
        )],
        looks: &[(ENGINE, ""), (FAULTS, ""), (HTTP, ""), (PROCESS, "completion_reply_lost")],
    },
    // A run whose client left is dropped instead of detached.
    Bug {
        name: "drop-with-client",
        edits: &[
            edit(
                "idem-core/src/engine/start.rs",
                "self.execute(handling, on_panic), spawn_on_runtime)",
                "self.execute(handling, on_panic), drop)",
            ),
            edit(
                "idem-core/src/engine/start.rs",
                "self.execute(handling, on_panic), spawn_on_thread)",
                "self.execute(handling, on_panic), drop)",
            ),
        ],
        looks: &[
            (ENGINE, ""),
            (FAULTS, ""),
            (TRANSACTION, "ends"),
            (HTTP, ""),
            (PROCESS, "client_disconnects_during_run"),
        ],
    },
    // A claim that is sent again after a lost reply is treated as a duplicate of itself.
    Bug {
        name: "no-claim-by-nonce",
        edits: &[
            edit(
                STATE_MACHINE,
                "let is_repeated = record.nonce == request.nonce;",
                "let is_repeated = false;",
            ),
            edit(CLAIM_LUA, "string.sub(found, 21, 36) == string.sub(ARGV[2], 5, 20)", "false"),
            edit(CLAIM_FUNCTION_SQL, "existing.owner = own_owner AND", "false AND"),
        ],
        looks: &[
            (MODEL, "two_faults"),
            (ENGINE, ""),
            (FAULTS, ""),
            (MEMORY, ""),
            (REDIS, "repeated_claim"),
            (POSTGRES, "repeated_claim"),
            (POSTGRES_BATCHED, "repeated_claim"),
            (SQLITE, "repeated_claim"),
            (HTTP, ""),
            (PROCESS, "claim_reply_lost"),
        ],
    },
    // A takeover keeps the fencing token of the earlier run.
    Bug {
        name: "token-does-not-grow",
        edits: &[
            edit(
                STATE_MACHINE,
                "token: next_token(previous, now),",
                "token: match previous { Some(previous) if attempt > 1 => previous, _ => next_token(previous, now) },",
            ),
            edit(
                CLAIM_LUA,
                "acquire(math.max(now, fence + 1), attempt + 1, awaited)",
                "acquire(fence, attempt + 1, awaited)",
            ),
            edit(
                CLAIM_FUNCTION_SQL,
                "greatest((extract(epoch FROM own_now) * 1000000)::bigint, r.fence + 1)",
                "CASE WHEN is_expired THEN r.fence + 1 ELSE r.fence END",
            ),
        ],
        looks: &[
            (MODEL, "two_faults"),
            (ENGINE, ""),
            (MEMORY, ""),
            (REDIS, "takeover"),
            (POSTGRES, "takeover"),
            (SQLITE, "takeover"),
        ],
    },
    // A completed record is replayed to every request, whatever its fingerprint.
    Bug {
        name: "replay-before-mismatch",
        edits: &[
            edit(
                "idem-core/src/engine/duplicate.rs",
                "(Finder::Duplicate, _) if !same_request =>",
                "(Finder::Duplicate, State::Running | State::Unknown(_)) if !same_request =>",
            ),
            edit(
                "idem-core/src/engine/duplicate.rs",
                "State::Completed(response)) if same_request =>",
                "State::Completed(response)) =>",
            ),
        ],
        looks: &[(ENGINE, ""), (FAULTS, ""), (HTTP, "")],
    },
    // Hashed parts are separated by a colon instead of prefixed by their length.
    Bug {
        name: "separator-for-length",
        edits: &[edit(
            "idem-core/src/hash.rs",
            "self.push(&(bytes.len() as u64).to_be_bytes());",
            "self.push(b\":\");",
        )],
        looks: &[(UNIT, ""), (ENGINE, ""), (HTTP, "")],
    },
    // A recovery keeps the fencing token of the lost run.
    Bug {
        name: "recovery-keeps-token",
        edits: &[edit(
            STATE_MACHINE,
            "token: next_token(Some(record.token), now),\n        attempt:",
            "attempt:",
        )],
        looks: &[
            (MODEL, "recovery_with_two_processes"),
            (MEMORY, "lapsed_record_is_recovered"),
            (SQLITE, "lapsed_record_is_recovered"),
        ],
    },
    // A record is resolved although its claim is not the one that the operator has seen.
    Bug {
        name: "resolve-any-token",
        edits: &[edit(RESOLVE, "record.token != expected || !permitted", "!permitted")],
        looks: &[(MODEL, "an_operator"), (MEMORY, "resol"), (SQLITE, "resol")],
    },
    // A resolution keeps the fencing token, so the old run can still change the record.
    Bug {
        name: "resolve-keeps-token",
        edits: &[edit(
            RESOLVE,
            "Record { token: next_token(Some(record.token), now), ..slot.record }",
            "slot.record",
        )],
        looks: &[(MODEL, "an_operator"), (MEMORY, "resol"), (SQLITE, "resol")],
    },
    // An unknown outcome is forgotten as early as a stored response.
    Bug {
        name: "hold-as-ttl",
        edits: &[edit(
            "idem-core/src/model/policy.rs",
            "Completion::Unknown(_) => self.hold,",
            "Completion::Unknown(_) => self.ttl,",
        )],
        looks: &[(MODEL, "recovery_with_two_processes")],
    },
    // A second recovery counts the silence of the lost run from the end of the first.
    Bug {
        name: "silence-forgotten",
        edits: &[edit(
            STATE_MACHINE,
            "record.extras.silence().unwrap_or(Silence {\n        since: slot.lease_until,",
            "None.unwrap_or(Silence {\n        since: slot.lease_until,",
        )],
        looks: &[
            (MODEL, "recovery_with_two_processes"),
            (MEMORY, "silence_is_kept"),
            (SQLITE, "silence_is_kept"),
        ],
    },
    // The claim of a recovery is granted for a first run when it is sent again.
    Bug {
        name: "resent-recovery-starts",
        edits: &[edit(
            STATE_MACHINE,
            "return (Change::Keep, granted(id, record, now));",
            "let Record { nonce, token, attempt, .. } = *record;\n        return (Change::Keep, ClaimOutcome::Acquired(Claim { id, nonce, token, attempt }));",
        )],
        looks: &[
            (MODEL, "recovery_with_two_processes"),
            (MEMORY, "resent_recovery"),
            (SQLITE, "resent_recovery"),
        ],
    },
    // A change of the silence drops the other extra fields.
    Bug {
        name: "extras-dropped",
        edits: &[edit(
            "idem-core/src/model/extras.rs",
            "self.put_others(&mut buffer, SILENCE);",
            "",
        )],
        looks: &[(UNIT, "fields_of_later_versions"), (MEMORY, "")],
    },
    // The handler runs as soon as the hook reports that nothing happened, while the provider may still queue the request.
    Bug {
        name: "settle-ignored",
        edits: &[edit(
            "idem-core/src/engine/recovery.rs",
            "lost.silent_for() >= settle",
            "(lost.silent_for() >= settle || true)",
        )],
        looks: &[(ENGINE, "recover"), (HTTP, "recovery"), (PROCESS, "recover_hook")],
    },
    // A run that may have acted frees its key with a 503.
    Bug {
        name: "acted-run-released",
        edits: &[edit(
            "idem-core/src/engine/lease/state.rs",
            "self.holder.policy.guarantee == Guarantee::AtMostOnce && self.acted",
            "self.holder.policy.guarantee != Guarantee::AtMostOnce && self.acted",
        )],
        looks: &[(ENGINE, ""), (HTTP, "acted"), (PROCESS, "acted")],
    },
    // A run confirms a claim that another run has taken.
    Bug {
        name: "confirm-lost-claim",
        edits: &[edit(
            "idem-core/src/engine/confirm.rs",
            "Ok(_) => Err(LeaseLost(None)),",
            "Ok(_) => left(policy.lease),",
        )],
        looks: &[(ENGINE, "confirm"), (PROCESS, "acted")],
    },
    // The handler runs although the store did not apply the end of the recovery.
    Bug {
        name: "resume-without-store",
        edits: &[edit(
            "idem-core/src/engine/recovery.rs",
            "Ok(Update::Applied) if lease.loss().is_none() => {",
            "_ if lease.loss().is_none() => {",
        )],
        looks: &[(FAULTS, "resume_run")],
    },
    // A layer without the value of its scope shares one key space between all callers.
    Bug {
        name: "layer-falls-back-to-global",
        edits: &[edit(
            "idem-core/src/http/layer.rs",
            "value.map(Scope::of).ok_or(Rejection::ScopeMissing(type_name::<T>()))",
            "Ok(value.map_or_else(Scope::global, Scope::of))",
        )],
        looks: &[(LAYER_MISTAKES, "outside"), (MIDDLEWARE_MISTAKES, "outside")],
    },
    // A layer in a nested router compares paths without their prefix.
    Bug {
        name: "layer-loses-the-prefix",
        edits: &[edit(
            "idem-axum/src/layer.rs",
            "original_uri(&head.uri, &head.extensions)",
            "&head.uri",
        )],
        looks: &[(LAYER, "nested_routes")],
    },
];
