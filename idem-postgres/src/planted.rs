//! What the plants of [`idem_core::planted`] change in the statements, and the clock of one of them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use idem_core::planted::{Edit, Plant, planted};

const FUNCTION: &str = include_str!("migrations/0001_records.sql");
const CLAIM: &str = include_str!("queries/claim.sql");
const CLAIMS: &str = include_str!("queries/claims.sql");
const READ: &str = include_str!("queries/read.sql");
const RENEW: &str = include_str!("queries/renew.sql");
const RELEASE: &str = include_str!("queries/release.sql");
const ABANDON: &str = include_str!("queries/abandon.sql");

const OWNED: &str = "nonce = $2 AND token = $3 AND";
/// Names the arguments still, or the server would not know their types.
const NOT_ASKED: &str = "(nonce = $2 AND token = $3 OR true) AND";

const EDITS: [Edit; 12] = [
    Edit {
        plant: Plant::CompleteWithoutOwner,
        scripts: &[FUNCTION],
        from: "r.nonce = own_owner AND r.token = own_fence AND r.state IN",
        to: "r.state IN",
    },
    Edit { plant: Plant::RenewWithoutOwner, scripts: &[RENEW], from: OWNED, to: NOT_ASKED },
    Edit { plant: Plant::ReleaseWithoutOwner, scripts: &[RELEASE], from: OWNED, to: NOT_ASKED },
    Edit {
        plant: Plant::LeaseAsTtl,
        scripts: &[FUNCTION],
        from: "own_now + own_lease + own_ttl",
        to: "own_now + own_lease",
    },
    Edit { plant: Plant::LeaseAsTtl, scripts: &[RENEW], from: "+ $5", to: "+ 0 * $5" },
    Edit {
        plant: Plant::ClientClock,
        scripts: &[FUNCTION],
        from: "own_now := clock_timestamp()",
        to: "own_now := client_now",
    },
    Edit {
        plant: Plant::ClientClock,
        scripts: &[FUNCTION],
        from: "IN max_keys integer,",
        to: "IN max_keys integer, IN client_now timestamptz,",
    },
    Edit {
        plant: Plant::ClientClock,
        scripts: &[CLAIM],
        from: "$12)",
        to: "$12, clock_timestamp())",
    },
    Edit {
        plant: Plant::ClientClock,
        scripts: &[CLAIMS],
        from: "NULL, NULL, NULL)",
        to: "NULL, NULL, NULL, clock_timestamp())",
    },
    Edit {
        plant: Plant::TransactionClock,
        scripts: &[FUNCTION, READ, RENEW, RELEASE, ABANDON],
        from: "clock_timestamp()",
        to: "now()",
    },
    Edit {
        plant: Plant::NoReclaimByNonce,
        scripts: &[FUNCTION],
        from: "standing.nonce = own_owner",
        to: "false",
    },
    Edit {
        plant: Plant::FenceStandsStill,
        scripts: &[FUNCTION],
        from: "greatest((extract(epoch FROM own_now) * 1000000)::bigint, r.token + 1)",
        to: "CASE WHEN standing.expires_at <= own_now THEN r.token + 1 ELSE r.token END",
    },
];

/// The script as it is to be sent.
pub(crate) fn edited(script: &str) -> String {
    idem_core::planted::edited(script, &EDITS)
}

/// The statement or, if the clock of this process counts, the statement with its time.
pub(crate) fn timed(statement: Arc<str>) -> Arc<str> {
    if !planted(Plant::ClientClock) {
        return statement;
    }
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or(Duration::ZERO);
    statement.replace("clock_timestamp()", &format!("to_timestamp({})", now.as_secs_f64())).into()
}
