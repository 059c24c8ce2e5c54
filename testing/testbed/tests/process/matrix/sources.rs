//! The functions in the source files of the workspace.

use std::fs;
use std::path::Path;

pub(super) struct Function {
    pub(super) name: String,
    /// The directory of its crate, without the folders around it.
    pub(super) krate: String,
}

/// The directory of the workspace.
pub(super) fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = manifest.ancestors().find(|folder| folder.join("docs/faults.md").is_file());
    root.expect("docs/faults.md is in the workspace of the testbed")
}

/// All functions whose definition begins a line, tests among them.
pub(super) fn functions() -> Vec<Function> {
    let mut functions = Vec::new();
    visit(root(), "", &mut functions);
    functions
}

fn visit(folder: &Path, krate: &str, functions: &mut Vec<Function>) {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let krate = if folder.join("Cargo.toml").is_file() { name } else { krate };
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                visit(&path, krate, functions);
            }
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path).unwrap();
            let names = text.lines().filter_map(definition);
            let function = |name: &str| Function { name: name.to_owned(), krate: krate.to_owned() };
            functions.extend(names.map(function));
        }
    }
}

/// The name of the function that a line defines.
fn definition(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let qualifier =
        |word: &str| matches!(word, "async" | "const" | "unsafe") || word.starts_with("pub");
    let defines = before.split_whitespace().all(qualifier);
    defines.then(|| after.split(|c: char| c != '_' && !c.is_alphanumeric()).next())?
}
