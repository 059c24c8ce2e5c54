//! The compile errors for mistakes in the attribute and the layers.
//!
//! `TRYBUILD=overwrite cargo test -p idem-ui` rewrites the expected messages.

/// All cases have errors, so that trybuild checks them with one call of cargo. A case that must compile belongs to
/// `forms.rs`: with one here, each case would be a build of its own.
#[test]
fn mistakes_have_their_messages() {
    let cases = trybuild::TestCases::new();
    for topic in ["args", "layer", "placement", "signature", "state"] {
        cases.compile_fail(format!("tests/axum/{topic}/*.rs"));
    }
    for topic in ["args", "middleware", "placement", "signature"] {
        cases.compile_fail(format!("tests/actix/{topic}/*.rs"));
    }
    for topic in ["args", "handle", "operation", "placement", "result"] {
        cases.compile_fail(format!("tests/function/{topic}/*.rs"));
    }
}
