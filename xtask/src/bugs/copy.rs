//! A copy of the repository, which is changed instead of the original.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::MetadataCommand;
use xshell::{Shell, cmd};

use super::Bug;

pub(super) struct Copy {
    pub(super) folder: PathBuf,
    pub(super) target: PathBuf,
}

impl Copy {
    /// Brings the copy up to date. Only files that differ are written, so that cargo rebuilds only those.
    pub(super) fn of(shell: &Shell) -> Result<Self> {
        let root = shell.current_dir();
        let metadata = MetadataCommand::new().no_deps().current_dir(&root).exec()?;
        let home = metadata.target_directory.join("bugs");
        let copy = Self { folder: home.join("copy").into(), target: home.join("target").into() };
        let tracked = cmd!(shell, "git ls-files").read()?;
        for file in tracked.lines() {
            let Ok(content) = fs::read(root.join(file)) else { continue };
            copy.write(Path::new(file), &content)?;
        }
        Ok(copy)
    }

    fn write(&self, file: &Path, content: &[u8]) -> Result<()> {
        let path = self.folder.join(file);
        if fs::read(&path).is_ok_and(|present| present == content) {
            return Ok(());
        }
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Injects a bug until the value is dropped.
    pub(super) fn inject(&self, bug: &Bug) -> Result<Injected<'_>> {
        let mut injected = Injected { copy: self, originals: Vec::new() };
        for (file, text) in bug.applied(&self.folder)? {
            let original = fs::read(self.folder.join(file))?;
            injected.originals.push((file, original));
            self.write(Path::new(file), text.as_bytes())?;
        }
        Ok(injected)
    }
}

/// A bug in the copy; dropping it restores the original files.
pub(super) struct Injected<'a> {
    copy: &'a Copy,
    originals: Vec<(&'static str, Vec<u8>)>,
}

impl Drop for Injected<'_> {
    fn drop(&mut self) {
        for (file, original) in &self.originals {
            if let Err(error) = self.copy.write(Path::new(file), original) {
                eprintln!("cannot restore {file}: {error:#}");
            }
        }
    }
}
