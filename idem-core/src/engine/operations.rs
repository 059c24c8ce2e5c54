//! The names of operations as records keep them.

use std::cell::RefCell;
use std::hash::Hasher;

use ahash::AHasher;

use crate::model::Extras;

/// The number of operations whose fields a thread keeps. Others work too, and cost two allocations more per call.
const SLOTS: usize = 64;

thread_local! {
    static KNOWN: RefCell<[Option<Extras>; SLOTS]> = const { RefCell::new([const { None }; SLOTS]) };
}

/// Returns the fields of a new claim of `operation`. They are the same for all calls, so each thread builds them once.
pub(super) fn extras_of(operation: &[&str]) -> Extras {
    let mut hasher = AHasher::default();
    operation.iter().for_each(|word| hasher.write(word.as_bytes()));
    let slot = hasher.finish() as usize % SLOTS;
    let known = KNOWN.try_with(|known| {
        let known = &mut known.borrow_mut()[slot];
        match known {
            Some(extras) if extras.is_named(operation) => extras.clone(),
            _ => known.insert(Extras::new(operation, None)).clone(),
        }
    });
    // The values of the thread no longer exist while it ends.
    known.unwrap_or_else(|_| Extras::new(operation, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_operation_is_not_built_again() {
        let first = extras_of(&["POST", "/payments"]);
        let second = extras_of(&["POST", "/payments"]);
        assert_eq!(first.as_bytes().as_ptr(), second.as_bytes().as_ptr());
    }

    #[test]
    fn every_operation_has_its_name() {
        // More than the slots, so that some share one.
        for round in 0..2 {
            for number in 0..4 * SLOTS {
                let path = format!("/payments/{number}");
                let extras = extras_of(&["POST", &path]);
                assert_eq!(extras, Extras::new(&["POST", &path], None), "round {round}");
            }
        }
    }

    #[test]
    fn words_are_compared_with_their_separation() {
        let name = |words: &[&str]| extras_of(words).operation().to_owned();
        assert_eq!(name(&["POST", "/a"]), "POST /a");
        assert_eq!(name(&["POST/a"]), "POST/a");
        assert_eq!(name(&["POST", "/a", ""]), "POST /a ");
        assert_eq!(name(&["POST", "/\u{7}"]), "POST /·");
    }
}
