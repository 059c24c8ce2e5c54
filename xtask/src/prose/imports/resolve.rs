//! Path resolution: finds the file that defines a named item.

use super::tree::{Id, Tree};

/// The maximum number of imports that one path is followed through. It ends circular imports.
const MAX_IMPORTS: usize = 16;

/// The imports between files, as pairs (importing file, imported file).
pub(super) fn edges(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    let edges = (0..tree.modules.len()).flat_map(move |id| {
        let module = &tree.modules[id];
        let paths = module.imports.iter().map(|import| &import.path).chain(&module.paths);
        paths.filter_map(move |path| Some((id, tree.defining(id, path, MAX_IMPORTS)?)))
    });
    let edges = edges.filter(|(from, to)| !tree.is_inside(*to, *from));
    edges.map(|(from, to)| (file(tree, from), file(tree, to))).filter(|(from, to)| from != to)
}

fn file(tree: &Tree, id: Id) -> &str {
    &tree.modules[id].file
}

impl Tree {
    /// Whether a module is the other one or among its descendants.
    fn is_inside(&self, id: Id, ancestor: Id) -> bool {
        id == ancestor || (id != 0 && self.is_inside(self.modules[id].parent, ancestor))
    }

    /// The module that defines the item of a path, as seen from a module. `None` for a path to a
    /// module, because the items named through it count, and for a path that leaves the crate.
    fn defining(&self, from: Id, path: &[String], depth: usize) -> Option<Id> {
        let (first, rest) = path.split_first()?;
        let start = match first.as_str() {
            "crate" => 0,
            "self" => from,
            "super" => self.modules[from].parent,
            _ => return self.look_up(from, path, depth.checked_sub(1)?),
        };
        match rest.first().map(String::as_str) {
            Some("super") => self.defining(start, rest, depth),
            _ => self.look_up(start, rest, depth),
        }
    }

    /// Follows a path whose first name is one of the module's.
    fn look_up(&self, id: Id, path: &[String], depth: usize) -> Option<Id> {
        let module = &self.modules[id];
        let (first, rest) = path.split_first()?;
        match module.children.get(first) {
            Some(child) if !rest.is_empty() => self.look_up(*child, rest, depth),
            _ if module.items.contains(first) => Some(id),
            _ => self.imported(id, path, depth),
        }
    }

    fn imported(&self, id: Id, path: &[String], depth: usize) -> Option<Id> {
        let (first, rest) = path.split_first()?;
        let imports = self.modules[id].imports.iter();
        let mut paths = imports.filter_map(|import| match &import.name {
            Some(name) if name == first => Some([&import.path, rest].concat()),
            Some(_) => None,
            None => Some([&import.path, path].concat()),
        });
        paths.find_map(|path| self.defining(id, &path, depth.checked_sub(1)?))
    }
}
