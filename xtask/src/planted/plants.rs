//! Which suites look for which plant.

use super::suite::Suite;

/// A plant, and where it is looked for: in the tests of a suite whose names contain the word, if there is one.
pub(super) struct Plant {
    /// As `idem-core/src/planted.rs` has it.
    pub(super) name: &'static str,
    pub(super) looks: &'static [(&'static Suite, &'static str)],
}

const fn suite(name: &'static str, package: &'static str, target: &'static str) -> Suite {
    Suite { name, package, target }
}

const UNIT: Suite = suite("unit", "idem-core", "idem_core");
const MODEL: Suite = suite("model", "idem-core", "model");
const ENGINE: Suite = suite("engine", "idem-core", "engine");
const FAULTS: Suite = suite("faults", "idem-conformance", "faults");
const MEMORY: Suite = suite("memory", "idem-conformance", "memory");
const REDIS: Suite = suite("redis", "idem-redis", "conformance");
const POSTGRES: Suite = suite("postgres", "idem-postgres", "conformance");
const TRANSACTION: Suite = suite("tx", "idem-postgres", "transaction");
const HTTP: Suite = suite("http", "idem-axum", "http");
const PROCESS: Suite = suite("process", "testbed", "process");

pub(super) const SUITES: [Suite; 10] =
    [UNIT, MODEL, ENGINE, FAULTS, MEMORY, REDIS, POSTGRES, TRANSACTION, HTTP, PROCESS];

pub(super) const PLANTS: [Plant; 12] = [
    Plant {
        name: "CompleteWithoutOwner",
        looks: &[
            (&MODEL, "two_faults"),
            (&ENGINE, ""),
            (&FAULTS, ""),
            (&MEMORY, ""),
            (&REDIS, "conclusion"),
            (&POSTGRES, "conclusion"),
        ],
    },
    Plant {
        name: "RenewWithoutOwner",
        looks: &[
            (&MODEL, "two_faults"),
            (&ENGINE, ""),
            (&FAULTS, ""),
            (&MEMORY, ""),
            (&REDIS, "renewal"),
            (&POSTGRES, "renewal"),
        ],
    },
    Plant {
        name: "ReleaseWithoutOwner",
        looks: &[
            (&MODEL, "two_faults"),
            (&ENGINE, ""),
            (&FAULTS, ""),
            (&MEMORY, ""),
            (&REDIS, "release"),
            (&POSTGRES, "release"),
        ],
    },
    Plant {
        name: "LeaseAsTtl",
        looks: &[
            (&MODEL, "two_faults"),
            (&ENGINE, ""),
            (&FAULTS, ""),
            (&MEMORY, ""),
            (&REDIS, "lapsed"),
            (&POSTGRES, "lapsed"),
            (&PROCESS, "fault_10"),
        ],
    },
    Plant {
        name: "ClientClock",
        looks: &[(&REDIS, "lapsed"), (&POSTGRES, "lapsed"), (&PROCESS, "fault_72")],
    },
    Plant { name: "TransactionClock", looks: &[(&POSTGRES, "lapsed"), (&TRANSACTION, "ends")] },
    Plant {
        name: "ReleaseOnStoreError",
        looks: &[(&ENGINE, ""), (&FAULTS, ""), (&HTTP, ""), (&PROCESS, "fault_44")],
    },
    Plant {
        name: "DropWithClient",
        looks: &[
            (&ENGINE, ""),
            (&FAULTS, ""),
            (&TRANSACTION, "ends"),
            (&HTTP, ""),
            (&PROCESS, "fault_19"),
        ],
    },
    Plant {
        name: "NoReclaimByNonce",
        looks: &[
            (&MODEL, "two_faults"),
            (&ENGINE, ""),
            (&FAULTS, ""),
            (&MEMORY, ""),
            (&REDIS, "same_owner"),
            (&POSTGRES, "same_owner"),
            (&HTTP, ""),
            (&PROCESS, "fault_36"),
        ],
    },
    Plant {
        name: "FenceStandsStill",
        looks: &[
            (&MODEL, "two_faults"),
            (&ENGINE, ""),
            (&MEMORY, ""),
            (&REDIS, "takeover"),
            (&POSTGRES, "takeover"),
        ],
    },
    Plant { name: "ReplayBeforeMismatch", looks: &[(&ENGINE, ""), (&FAULTS, ""), (&HTTP, "")] },
    Plant { name: "SeparatorForLength", looks: &[(&UNIT, ""), (&ENGINE, ""), (&HTTP, "")] },
];
