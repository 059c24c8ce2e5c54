//! What the attribute says about mistakes, and the forms that it takes.
//!
//! `TRYBUILD=overwrite cargo test -p idem-actix --test ui` rewrites the expected messages.

// rustc names types by how many crates know them, so the messages are those of a build without stores.
#[cfg(not(feature = "redis"))]
#[test]
fn mistakes_are_named_and_documented_forms_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/args/*.rs");
    cases.compile_fail("tests/ui/placement/*.rs");
    cases.compile_fail("tests/ui/signature/*.rs");
    cases.pass("tests/ui/pass/*.rs");
}
