//! What the plants of [`idem_core::planted`] change in the scripts, and the clock of one of them.

use std::time::SystemTime;

use idem_core::planted::{Edit, Plant, planted};

const CLAIM: &str = include_str!("scripts/claim.lua");
const RENEW: &str = include_str!("scripts/renew.lua");
const COMPLETE: &str = include_str!("scripts/complete.lua");
const FREE: &str = include_str!("scripts/free.lua");

const EDITS: [Edit; 7] = [
    Edit {
        plant: Plant::CompleteWithoutOwner,
        scripts: &[COMPLETE],
        from: "string.sub(known, 11) == string.sub(ARGV[1], 11)",
        to: "true",
    },
    Edit {
        plant: Plant::RenewWithoutOwner,
        scripts: &[RENEW],
        from: "string.sub(head, 21) ~= ARGV[1]",
        to: "false",
    },
    Edit {
        plant: Plant::ReleaseWithoutOwner,
        scripts: &[FREE],
        from: "string.sub(head, 21, 20 + #ARGV[1]) ~= ARGV[1]",
        to: "(#ARGV[1] == 16 and string.sub(head, 21, 36) ~= ARGV[1])",
    },
    Edit {
        plant: Plant::ClientClock,
        scripts: &[CLAIM, COMPLETE],
        from: "'PX', ARGV[3]",
        to: "'PXAT', ARGV[3]",
    },
    Edit {
        plant: Plant::ClientClock,
        scripts: &[RENEW],
        from: "'PEXPIRE', KEYS[1], ARGV[3]",
        to: "'PEXPIREAT', KEYS[1], ARGV[3]",
    },
    Edit {
        plant: Plant::NoReclaimByNonce,
        scripts: &[CLAIM],
        from: "string.sub(found, 21, 36) == string.sub(ARGV[2], 5, 20)",
        to: "false",
    },
    Edit {
        plant: Plant::FenceStandsStill,
        scripts: &[CLAIM],
        from: "acquire(math.max(now, fence + 1), attempt + 1,",
        to: "acquire(fence, attempt + 1,",
    },
];

/// The script as it is to be loaded.
pub(crate) fn edited(script: &str) -> &'static str {
    idem_core::planted::edited(script, &EDITS).leak()
}

/// For how long a key is kept or, by the clock of this process, until when.
pub(crate) fn kept_ms(kept_ms: u64) -> u64 {
    match SystemTime::UNIX_EPOCH.elapsed() {
        Ok(now) if planted(Plant::ClientClock) => now.as_millis() as u64 + kept_ms,
        _ => kept_ms,
    }
}
