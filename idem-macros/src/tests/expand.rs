//! Each `tests/expand/<flavour>/<form>.rs` holds one annotated handler; `<form>.expanded.rs` what it
//! becomes. `UPDATE_SNAPSHOTS=1 cargo test` writes the latter anew.

#![allow(clippy::unwrap_used)]

use super::{actix, axum, function, is_mistake};
use crate::signature::is_ours;
use proc_macro2::TokenStream;
use quote::ToTokens;
use std::path::{Path, PathBuf};
use std::{env, fs};
use syn::{File, Item};

type Expand = fn(TokenStream, &TokenStream) -> File;

const FLAVOURS: [(&str, Expand); 3] = [("axum", axum), ("actix", actix), ("function", function)];

#[test]
fn every_form_expands_to_its_snapshot() {
    for (flavour, attribute) in FLAVOURS {
        let forms = forms(flavour);
        assert!(!forms.is_empty());
        for form in forms {
            let expanded = expand(&fs::read_to_string(&form).unwrap(), attribute);
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
    for file in FLAVOURS.into_iter().flat_map(|(flavour, _)| files(flavour)) {
        if let Some(form) = file.to_str().unwrap().strip_suffix(".expanded.rs") {
            assert!(Path::new(&format!("{form}.rs")).exists(), "{form}");
        }
    }
}

fn files(flavour: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expand").join(flavour);
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn forms(flavour: &str) -> Vec<PathBuf> {
    let mut files = files(flavour);
    files.retain(|file| !file.to_str().unwrap().ends_with(".expanded.rs"));
    files.sort();
    files
}

fn expand(form: &str, attribute: Expand) -> String {
    let mut items = Vec::new();
    for item in syn::parse_file(form).unwrap().items {
        items.extend(expand_item(item, attribute));
    }
    assert!(!items.iter().any(is_mistake), "{form}");
    let (frontmatter, attrs, shebang) = (None, Vec::new(), None);
    prettyplease::unparse(&File { shebang, frontmatter, attrs, items })
}

fn expand_item(item: Item, attribute: Expand) -> Vec<Item> {
    let Item::Fn(mut function) = item else {
        return vec![item];
    };
    let Some(position) = function.attrs.iter().position(is_ours) else {
        return vec![Item::Fn(function)];
    };
    let ours = function.attrs.remove(position);
    let args = ours.meta.require_list().unwrap().tokens.clone();
    attribute(args, &function.into_token_stream()).items
}
