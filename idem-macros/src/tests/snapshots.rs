//! Each `tests/expand/<target>/<case>.rs` holds one annotated function, and `<case>.expanded.rs` its
//! expansion. `UPDATE_SNAPSHOTS=1 cargo test -p idem-macros` writes the expansions.

#![allow(clippy::unwrap_used)]

use crate::parse::handler::is_idempotent;
use crate::target::Target;
use quote::ToTokens;
use std::path::{Path, PathBuf};
use std::{env, fs};
use syn::{File, Item};

const TARGETS: [(&str, Target); 3] =
    [("axum", Target::Axum), ("actix", Target::Actix), ("function", Target::Function)];

#[test]
fn every_form_expands_to_its_snapshot() {
    for (folder, target) in TARGETS {
        let forms = forms(folder);
        assert!(!forms.is_empty());
        for form in forms {
            let expanded = expand(&fs::read_to_string(&form).unwrap(), target);
            let snapshot = form.with_extension("expanded.rs");
            if env::var_os("UPDATE_SNAPSHOTS").is_some() {
                fs::write(&snapshot, &expanded).unwrap();
            }
            let expected = fs::read_to_string(&snapshot).unwrap_or_default();
            assert!(expanded == expected, "{}:\n{expanded}", form.display());
        }
    }
}

#[test]
fn every_snapshot_has_its_form() {
    for file in TARGETS.into_iter().flat_map(|(folder, _)| files(folder)) {
        if let Some(form) = file.to_str().unwrap().strip_suffix(".expanded.rs") {
            assert!(Path::new(&format!("{form}.rs")).exists(), "{form}");
        }
    }
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expand").join(folder);
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn forms(folder: &str) -> Vec<PathBuf> {
    let mut files = files(folder);
    files.retain(|file| !file.to_str().unwrap().ends_with(".expanded.rs"));
    files.sort();
    files
}

fn expand(form: &str, target: Target) -> String {
    let mut items = Vec::new();
    for item in syn::parse_file(form).unwrap().items {
        items.extend(expand_item(item, target));
    }
    assert!(!items.iter().any(|item| super::message(item).is_some()), "{form}");
    let (frontmatter, attrs, shebang) = (None, Vec::new(), None);
    prettyplease::unparse(&File { shebang, frontmatter, attrs, items })
}

fn expand_item(item: Item, target: Target) -> Vec<Item> {
    let Item::Fn(mut function) = item else {
        return vec![item];
    };
    let Some(position) = function.attrs.iter().position(is_idempotent) else {
        return vec![Item::Fn(function)];
    };
    let attribute = function.attrs.remove(position);
    let args = attribute.meta.require_list().unwrap().tokens.clone();
    super::expand(target, args, &function.into_token_stream()).items
}
