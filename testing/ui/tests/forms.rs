//! The documented forms of the attribute: each file compiles, and its routes can be built.
//!
//! They compile with the features of the whole workspace. The output of the macro does not depend on a feature.

#![allow(unreachable_pub, reason = "a handler can be public")]

/// Declares a module per file of `tests/<target>/pass`.
macro_rules! forms {
    ($($target:ident: $($form:ident)*;)*) => {
        $(mod $target { mod pass { $(mod $form;)* } })*

        const FORMS: &[(&str, &[&str])] = &[$((stringify!($target), &[$(stringify!($form)),*])),*];
    };
}

forms! {
    axum: every_key every_policy every_scope every_signature every_state generic names_of_the_expansion one_line
        recover renamed_crate unguarded;
    actix: every_key every_route every_scope every_signature generic names_of_the_expansion one_line recover
        renamed_crate;
    function: every_key names_of_the_expansion one_line recover renamed_crate;
}

#[test]
fn every_file_is_declared() {
    for (target, forms) in FORMS {
        let files = std::fs::read_dir(format!("tests/{target}/pass")).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        let names: Vec<_> = files.iter().map(|file| file.file_stem().unwrap()).collect();
        assert_eq!(names, *forms, "declare each form of {target} in alphabetical order");
    }
}
