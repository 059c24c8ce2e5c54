//! The compile errors for mistakes in the attribute, and the forms that compile.
//!
//! `TRYBUILD=overwrite cargo test -p idem-actix --test ui` rewrites the expected messages.

// The messages are those of a build without stores, because rustc lists the implementations of all crates.
#[cfg(not(feature = "redis"))]
#[test]
fn mistakes_have_their_messages_and_documented_forms_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/args/*.rs");
    cases.compile_fail("tests/ui/placement/*.rs");
    cases.compile_fail("tests/ui/signature/*.rs");
    cases.pass("tests/ui/pass/*.rs");
}
