//! The compile errors for mistakes in the attribute and the layers, and the forms that compile.
//!
//! `TRYBUILD=overwrite cargo test -p idem-ui` rewrites the expected messages.

#[test]
fn mistakes_have_their_messages_and_documented_forms_compile() {
    let cases = trybuild::TestCases::new();
    for target in ["axum", "actix", "function"] {
        cases.pass(format!("tests/{target}/pass/*.rs"));
    }
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
