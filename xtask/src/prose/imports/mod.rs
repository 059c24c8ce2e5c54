//! Import cycles between the files of a crate.
//!
//! A file imports another if it names an item that the other defines: in a `use`, or in any path of
//! its code. Re-exports are followed to the definition. A module is built from its children, so
//! naming what its own descendants define is not an import; naming what a parent defines is one.
//! A cycle is a largest set of files that all import each other, directly or through others of the
//! set.
//!
//! The count leaves out tests, method calls, files that `#[path]` brings in, and paths inside macros
//! whose arguments are not expressions.

mod cycles;
mod resolve;
mod tree;

use std::collections::BTreeSet;

use super::files::Repo;
use tree::Tree;

/// The files of one cycle in a crate.
#[derive(Debug, PartialEq)]
pub(super) struct Cycle(pub(super) Vec<String>);

/// The cycles of all libraries and binaries in `src` folders.
pub(super) fn cycles(repo: &Repo) -> Vec<Cycle> {
    let roots = repo.ending(".rs").filter(|(path, _)| is_root(path));
    roots.flat_map(|(root, _)| of_crate(repo, root)).collect()
}

fn is_root(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or_default();
    match name {
        "lib.rs" => folder.ends_with("/src"),
        "main.rs" => folder.ends_with("/src") || folder.contains("/src/bin/"),
        _ => folder.ends_with("/src/bin"),
    }
}

fn of_crate(repo: &Repo, root: &str) -> Vec<Cycle> {
    let tree = Tree::read(repo, root);
    let edges: BTreeSet<_> = resolve::edges(&tree).collect();
    let cycles = cycles::cycles(&edges).into_iter();
    cycles.map(|files| Cycle(files.into_iter().map(str::to_owned).collect())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::files::Repo;
    use super::{Cycle, cycles};

    fn of(b: &str, c: &str) -> Vec<Cycle> {
        let a = "mod b; mod c; pub use b::B; pub(crate) use c::C; pub(crate) struct A(B, C);";
        cycles(&Repo::of([
            ("x/src/lib.rs", "mod a; mod d; pub use a::B;"),
            ("x/src/a/mod.rs", a),
            ("x/src/a/b.rs", b),
            ("x/src/a/c.rs", c),
            ("x/src/d.rs", "pub fn d(_: crate::a::C) {}"),
        ]))
    }

    fn cycle<const N: usize>(files: [&str; N]) -> [Cycle; 1] {
        [Cycle(files.map(|file| format!("x/src/{file}")).into())]
    }

    #[test]
    fn a_module_and_its_children_are_not_a_cycle() {
        let b = "use super::{A, C}; pub struct B(A, C);";
        assert_eq!(of(b, "pub struct C; #[cfg(test)] mod tests { use super::super::B; }"), []);
    }

    #[test]
    fn re_exports_are_followed_to_the_definition() {
        let b = "use crate::a::C; pub struct B(C);";
        let c = "use crate::B; pub struct C(Box<B>);";
        assert_eq!(of(b, c), cycle(["a/b.rs", "a/c.rs"]));
    }

    #[test]
    fn paths_in_code_and_in_macros_count() {
        let b = "pub struct B;";
        let c = "pub struct C; fn c() { println!(\"{}\", crate::d::d(C)) }";
        assert_eq!(of(b, c), cycle(["a/c.rs", "d.rs"]));
        let c = "use crate::d; pub struct C; fn c() { d::d(C) }";
        assert_eq!(of(b, c), cycle(["a/c.rs", "d.rs"]));
    }
}
