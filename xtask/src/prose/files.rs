//! The files that git tracks, as text.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

/// A checkout: all tracked files by their paths, relative to the root.
pub(super) struct Repo {
    /// The text of each file. `None` for symbolic links and for files that are not text.
    files: BTreeMap<String, Option<String>>,
}

impl Repo {
    /// Reads a checkout, without the files that are deleted in its work tree.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let shell = Shell::new()?;
        let list = cmd!(shell, "git -C {root} ls-files -z").quiet().read()?;
        let paths = list.split('\0').filter(|path| !path.is_empty());
        let read = |path: &str| Some((path.to_owned(), text(&root.join(path)).ok()?));
        Ok(Self { files: paths.filter_map(read).collect() })
    }

    #[cfg(test)]
    pub(super) fn of<const N: usize>(files: [(&str, &str); N]) -> Self {
        Self { files: files.map(|(path, text)| (path.to_owned(), Some(text.to_owned()))).into() }
    }

    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// The text of a required file.
    pub(super) fn expect(&self, path: &str) -> Result<&str> {
        self.text(path).with_context(|| format!("{path} is not a tracked text file"))
    }

    /// The text files whose names end with `suffix`.
    pub(super) fn ending(&self, suffix: &str) -> impl Iterator<Item = (&str, &str)> {
        let files = self.files.iter().filter(move |(path, _)| path.ends_with(suffix));
        files.filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// Whether the path is a tracked file, or a folder of one.
    pub(super) fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        let mut from = self.files.range(folder.clone()..);
        path.is_empty()
            || self.files.contains_key(path)
            || from.next().is_some_and(|(next, _)| next.starts_with(&folder))
    }
}

fn text(path: &Path) -> Result<Option<String>> {
    let is_file = path.symlink_metadata()?.is_file();
    Ok(is_file.then(|| fs::read_to_string(path).ok()).flatten())
}

/// The target of a relative link in the file `from`, without `.` and `..`.
pub(super) fn resolve(from: &str, link: &str) -> String {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut path = Vec::new();
    for part in folder.split('/').chain(link.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(path.pop()),
            part => path.push(part),
        }
    }
    path.join("/")
}

#[cfg(test)]
mod tests {
    use super::{Repo, resolve};

    #[test]
    fn links_are_relative_to_their_file() {
        assert_eq!(resolve("docs/guide/store.md", "../faults.md"), "docs/faults.md");
        assert_eq!(resolve("README.md", "./docs/faults.md"), "docs/faults.md");
    }

    #[test]
    fn folders_of_tracked_files_are_there() {
        let repo = Repo::of([("docs/faults.md", ""), ("docs.md", "")]);
        assert!(repo.has("docs") && repo.has("docs.md") && repo.has("docs/faults.md"));
        assert!(!repo.has("doc") && !repo.has("docs/faults"));
    }
}
