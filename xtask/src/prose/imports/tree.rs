//! The modules of a crate, with the names that each module defines and uses.

use std::collections::{HashMap, HashSet};

use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Item, Token, UseTree};

use super::super::files::Repo;

pub(super) type Path = Vec<String>;
pub(super) type Id = usize;

/// The modules of a crate; the first is its root.
#[derive(Default)]
pub(super) struct Tree {
    pub(super) modules: Vec<Module>,
}

#[derive(Default)]
pub(super) struct Module {
    pub(super) file: String,
    pub(super) parent: Id,
    pub(super) children: HashMap<String, Id>,
    pub(super) items: HashSet<String>,
    pub(super) imports: Vec<Import>,
    /// All paths in the code of the module.
    pub(super) paths: HashSet<Path>,
}

pub(super) struct Import {
    /// The imported name in this module, or `None` for a glob.
    pub(super) name: Option<String>,
    pub(super) path: Path,
}

impl Tree {
    /// Reads all modules of the crate with this root file.
    pub(super) fn read(repo: &Repo, root: &str) -> Self {
        let mut tree = Self::default();
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
        if let Some(file) = parse(repo, root) {
            Reader { repo, tree: &mut tree, id: 0, folder: folder.to_owned() }
                .module(root, 0, &file);
        }
        tree
    }
}

fn parse(repo: &Repo, path: &str) -> Option<Vec<Item>> {
    Some(syn::parse_file(repo.text(path)?).ok()?.items)
}

/// Reads one module.
struct Reader<'a> {
    repo: &'a Repo,
    tree: &'a mut Tree,
    id: Id,
    /// The folder of its child modules.
    folder: String,
}

impl Reader<'_> {
    fn module(mut self, file: &str, parent: Id, items: &[Item]) -> Id {
        self.id = self.tree.modules.len();
        self.tree.modules.push(Module { file: file.to_owned(), parent, ..Module::default() });
        items.iter().for_each(|item| self.visit_item(item));
        self.id
    }

    fn this(&mut self) -> &mut Module {
        &mut self.tree.modules[self.id]
    }

    /// Reads a child module from its body, or from `<name>.rs` or `<name>/mod.rs`.
    fn child(&mut self, name: &str, body: Option<&[Item]>) {
        let folder = format!("{}/{name}", self.folder);
        let files = [format!("{folder}.rs"), format!("{folder}/mod.rs")];
        let parsed = files.iter().find_map(|file| Some((file.clone(), parse(self.repo, file)?)));
        let read = match body {
            Some(items) => Some((self.this().file.clone(), items.to_vec())),
            None => parsed,
        };
        if let Some((file, items)) = read {
            let reader = Reader { repo: self.repo, tree: self.tree, id: 0, folder };
            let id = reader.module(&file, self.id, &items);
            self.this().children.insert(name.to_owned(), id);
        }
    }

    fn import(&mut self, tree: &UseTree, mut path: Path) {
        let name = match tree {
            UseTree::Path(tree) => {
                path.push(tree.ident.to_string());
                return self.import(&tree.tree, path);
            }
            UseTree::Group(group) => {
                let trees = group.items.iter();
                return trees.for_each(|tree| self.import(tree, path.clone()));
            }
            UseTree::Name(name) if name.ident == "self" => path.last().cloned(),
            UseTree::Name(name) => {
                path.push(name.ident.to_string());
                path.last().cloned()
            }
            UseTree::Rename(name) => {
                path.extend((name.ident != "self").then(|| name.ident.to_string()));
                Some(name.rename.to_string())
            }
            UseTree::Glob(_) => None,
        };
        self.this().imports.push(Import { name, path });
    }
}

impl Visit<'_> for Reader<'_> {
    fn visit_item(&mut self, item: &Item) {
        let (name, attributes) = described(item);
        if attributes.iter().any(is_test) {
            return;
        }
        self.this().items.extend(name);
        match item {
            Item::Mod(item) => {
                let body = item.content.as_ref().map(|(_, items)| items.as_slice());
                self.child(&item.ident.to_string(), body);
            }
            Item::Use(item) => {
                self.import(&item.tree, Path::new());
            }
            item => visit::visit_item(self, item),
        }
    }

    fn visit_path(&mut self, path: &syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.this().paths.insert(segments);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &syn::Macro) {
        let arguments = item.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated);
        arguments.iter().flatten().for_each(|argument| self.visit_expr(argument));
        visit::visit_macro(self, item);
    }
}

/// The name that an item defines, if any, and its attributes.
fn described(item: &Item) -> (Option<String>, &[Attribute]) {
    let (name, attributes) = match item {
        Item::Const(item) => (&item.ident, &item.attrs),
        Item::Enum(item) => (&item.ident, &item.attrs),
        Item::Fn(item) => (&item.sig.ident, &item.attrs),
        Item::Static(item) => (&item.ident, &item.attrs),
        Item::Struct(item) => (&item.ident, &item.attrs),
        Item::Trait(item) => (&item.ident, &item.attrs),
        Item::TraitAlias(item) => (&item.ident, &item.attrs),
        Item::Type(item) => (&item.ident, &item.attrs),
        Item::Union(item) => (&item.ident, &item.attrs),
        Item::Impl(item) => return (None, &item.attrs),
        Item::Macro(item) => return (item.ident.as_ref().map(ToString::to_string), &item.attrs),
        Item::Mod(item) => return (None, &item.attrs),
        Item::Use(item) => return (None, &item.attrs),
        _ => return (None, &[]),
    };
    (Some(name.to_string()), attributes)
}

/// Whether the attribute is `#[cfg(test)]`.
fn is_test(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args::<syn::Ident>().is_ok_and(|option| option == "test")
}
