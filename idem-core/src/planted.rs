//! Bugs to plant on purpose: a suite that notices none of them proves nothing (RELIABILITY section 10, L9).
//!
//! Only a build with `--cfg idem_planted` can have one, and has the one that the environment variable
//! `IDEM_PLANTED` names. In every other build [`planted`] is `false` at compile time.
//! `cargo xtask planted` makes that build and lets the suites find them.

/// A bug that others shipped. Each stands at one place in the engine, or at one in every store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// Whoever completes a run is taken for its owner.
    CompleteWithoutOwner,
    /// Whoever renews a lease is taken for its owner.
    RenewWithoutOwner,
    /// Whoever releases a key is taken for its owner.
    ReleaseWithoutOwner,
    /// A running record is forgotten when its lease ends.
    LeaseAsTtl,
    /// Leases and ttls are counted from the clock of the process, and judged by the server's.
    ClientClock,
    /// Postgres: `now()`, when the transaction began, in place of `clock_timestamp()`.
    TransactionClock,
    /// A run whose completion failed frees the key.
    ReleaseOnStoreError,
    /// A run whose client left is dropped, not detached.
    DropWithClient,
    /// A claim that is sent again, because its answer was lost, is a duplicate of itself.
    NoReclaimByNonce,
    /// A takeover gets the fencing token of the owner before.
    FenceStandsStill,
    /// The answer of a completed record is replayed to every request, whatever its fingerprint.
    ReplayBeforeMismatch,
    /// Hashed parts stand behind a separator, not behind their lengths.
    SeparatorForLength,
}

/// Whether the bug is in this build.
#[cfg(not(idem_planted))]
#[inline(always)]
pub const fn planted(_: Plant) -> bool {
    false
}

#[cfg(idem_planted)]
pub use chosen::{Edit, edited, planted};

#[cfg(idem_planted)]
mod chosen {
    use std::sync::LazyLock;

    use super::Plant;

    const VARIABLE: &str = "IDEM_PLANTED";

    const ALL: [Plant; 12] = [
        Plant::CompleteWithoutOwner,
        Plant::RenewWithoutOwner,
        Plant::ReleaseWithoutOwner,
        Plant::LeaseAsTtl,
        Plant::ClientClock,
        Plant::TransactionClock,
        Plant::ReleaseOnStoreError,
        Plant::DropWithClient,
        Plant::NoReclaimByNonce,
        Plant::FenceStandsStill,
        Plant::ReplayBeforeMismatch,
        Plant::SeparatorForLength,
    ];

    static CHOSEN: LazyLock<Option<Plant>> = LazyLock::new(|| {
        let name = std::env::var(VARIABLE).ok()?;
        let chosen = ALL.into_iter().find(|plant| format!("{plant:?}") == name);
        if chosen.is_none() {
            // No panic: a test that fails for this would pass for one that found a bug.
            eprintln!("{VARIABLE}: there is no plant `{name}`");
            std::process::exit(2);
        }
        chosen
    });

    /// Whether the bug is in this process.
    pub fn planted(plant: Plant) -> bool {
        *CHOSEN == Some(plant)
    }

    /// How a plant changes the scripts of a store: wherever `from` stands in one of them, `to` stands instead.
    #[derive(Debug)]
    pub struct Edit {
        /// The plant.
        pub plant: Plant,
        /// The scripts, as their files have them.
        pub scripts: &'static [&'static str],
        /// What stands there.
        pub from: &'static str,
        /// What is to stand there.
        pub to: &'static str,
    }

    /// The script with the edits of the chosen plant.
    ///
    /// # Panics
    /// If an edit of this script, of whichever plant, finds nothing to change: the script has moved on
    /// without it.
    pub fn edited(script: &str, edits: &[Edit]) -> String {
        let mut text = script.to_owned();
        for Edit { plant, from, to, .. } in
            edits.iter().filter(|edit| edit.scripts.contains(&script))
        {
            assert!(script.contains(from), "{plant:?}: no `{from}` in:\n{script}");
            if planted(*plant) {
                text = text.replace(from, to);
            }
        }
        text
    }

    #[cfg(test)]
    mod tests {
        use super::ALL;

        /// A plant that is not in the table would never be looked for.
        #[test]
        fn every_plant_is_in_the_table() {
            let table = include_str!("../../xtask/src/planted/plants.rs");
            for plant in ALL {
                assert!(table.contains(&format!("\"{plant:?}\"")), "{plant:?}");
            }
        }
    }
}
