//! The compile errors of the attribute on plain functions, and the forms that it accepts.
//!
//! `TRYBUILD=overwrite cargo test -p idem-core --test ui` rewrites the expected messages.

#[test]
fn mistakes_are_reported_and_documented_forms_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/args/*.rs");
    cases.compile_fail("tests/ui/handle/*.rs");
    cases.compile_fail("tests/ui/operation/*.rs");
    cases.compile_fail("tests/ui/placement/*.rs");
    cases.compile_fail("tests/ui/result/*.rs");
    cases.pass("tests/ui/pass/*.rs");
}
