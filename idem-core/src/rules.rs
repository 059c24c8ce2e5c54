//! The rules that the crates follow. These modules contain documentation only.
//!
//! Each rule has a name and an anchor, such as
//! [fingerprint mismatch](semantics#fingerprint-mismatch). The texts are the files of the
//! repository's `docs/` directory.

/// The HTTP rules: keys, scopes, fingerprints, stored responses and refusals.
pub mod semantics {
    #![doc = include_str!("../docs/semantics.md")]
}

/// The promises, the assumptions about stores and the state machine.
pub mod guarantees {
    #![doc = include_str!("../docs/guarantees.md")]
}

/// The words that code, docs and logs use, with one definition each.
pub mod glossary {
    #![doc = include_str!("../docs/glossary.md")]
}
