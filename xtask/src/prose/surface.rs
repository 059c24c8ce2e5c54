//! The names at the root of a crate.

use anyhow::{Context, Result};
use syn::{Attribute, Item, UseTree, Visibility};

/// Counts the names that a crate's root re-exports or defines. Modules and hidden items do not count.
/// A glob counts as one.
pub(super) fn names(root: &str) -> Result<usize> {
    let file = syn::parse_file(root).context("the crate's root is not Rust")?;
    Ok(file.items.iter().map(public).sum())
}

fn public(item: &Item) -> usize {
    let (visibility, attributes, names) = match item {
        Item::Use(item) => (&item.vis, &item.attrs, leaves(&item.tree)),
        Item::Const(item) => (&item.vis, &item.attrs, 1),
        Item::Enum(item) => (&item.vis, &item.attrs, 1),
        Item::Fn(item) => (&item.vis, &item.attrs, 1),
        Item::Struct(item) => (&item.vis, &item.attrs, 1),
        Item::Trait(item) => (&item.vis, &item.attrs, 1),
        Item::Type(item) => (&item.vis, &item.attrs, 1),
        _ => return 0,
    };
    let counts = matches!(visibility, Visibility::Public(_)) && !attributes.iter().any(hides);
    if counts { names } else { 0 }
}

fn leaves(tree: &UseTree) -> usize {
    match tree {
        UseTree::Path(path) => leaves(&path.tree),
        UseTree::Group(group) => group.items.iter().map(leaves).sum(),
        UseTree::Rename(rename) if rename.rename == "_" => 0,
        _ => 1,
    }
}

/// Whether the attribute is `#[doc(hidden)]`.
fn hides(attribute: &Attribute) -> bool {
    attribute.path().is_ident("doc")
        && attribute.parse_args::<syn::Ident>().is_ok_and(|argument| argument == "hidden")
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn counts_what_users_see() {
        let root = "mod a; pub mod b; use a::Private; pub use a::{One, c::{Two, d as Three}};
            #[doc(hidden)] pub use a::Hidden; pub(crate) use a::Inner; pub fn four() {}";
        assert_eq!(names(root).unwrap(), 4);
    }
}
