//! A [`KeyStore`] that uses a directory.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;

use crate::key::IdempotencyKey;
use crate::key_store::KeyStore;

/// A [`KeyStore`] with one file per key, named after a hash of the operation. It is meant for command-line
/// tools and small services. Processes on one machine may share the directory.
///
/// Requires the feature `file`, which is on by default.
///
/// A key is written to a temporary file, synced and then renamed, and is never replaced. So a crash leaves
/// either the complete key or no key. This requires a local file system that does not lose synced data.
///
/// A directory that the store creates belongs to its user alone. Do not use one that other users can write to: they
/// could plant keys.
#[derive(Clone, Debug)]
pub struct FileKeyStore {
    directory: PathBuf,
    max_age: Duration,
}

/// The maximum time by which the creation of a key may be ahead of this machine's clock. With the default
/// [`FileKeyStore::max_age`] of 23 hours, a key is never used for more than a day.
const CLOCK_SLACK: Duration = Duration::from_secs(3600);

/// The number of bytes that are read of a file. A key has at most 255 characters.
const MAX_LEN: u64 = 4096;

/// The error of a [`FileKeyStore`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileKeyStoreError {
    /// The directory or a file in it could not be read or written.
    #[error("cannot access the idempotency keys in {}; check that the directory exists and is readable and writable", .directory.display())]
    Io {
        /// The directory of the keys.
        directory: PathBuf,
        /// The error of the file system.
        #[source]
        source: io::Error,
    },
    /// The file does not contain a valid key. It is never replaced, because the key may have been sent.
    #[error("{} does not contain a valid idempotency key; check whether its operation took place, then remove the file", .0.display())]
    InvalidFile(PathBuf),
    /// The key is older than [`max_age`](FileKeyStore::max_age), or so far from the future that its age is
    /// unknown.
    #[error("the idempotency key in {} may be so old that the service has forgotten it; check whether its operation took place, then remove the file", .0.display())]
    Expired(PathBuf),
}

impl FileKeyStore {
    /// Creates a store that uses `directory`. The directory is created if it does not exist.
    ///
    /// # Errors
    /// If the directory cannot be created.
    pub fn new(directory: impl Into<PathBuf>) -> Result<Self, FileKeyStoreError> {
        let directory = directory.into();
        match create(&directory) {
            Ok(()) => Ok(Self { directory, max_age: Duration::from_secs(23 * 3600) }),
            Err(source) => Err(FileKeyStoreError::Io { directory, source }),
        }
    }

    /// Sets the maximum age of a stored key; an older key is not returned. Default 23 hours. Many services
    /// forget keys after 24 hours and then treat the same key as a new operation. The age is measured by the
    /// clock of this machine.
    #[must_use]
    pub const fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    fn is_recent(&self, created_at: SystemTime) -> bool {
        match SystemTime::now().duration_since(created_at) {
            Ok(age) => age <= self.max_age,
            // The clock was set back after the key was created, so the true age is unknown.
            Err(ahead) => ahead.duration() <= CLOCK_SLACK,
        }
    }

    /// Runs `work` with the directory and the file of `operation`, on a thread for blocking code.
    async fn with<T: Send + 'static>(
        &self,
        operation: &str,
        work: impl FnOnce(&Path, &Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, FileKeyStoreError> {
        let directory = self.directory.clone();
        let file = self.file(operation);
        let done = spawn_blocking(move || work(&directory, &file)).await;
        done.unwrap_or_else(|error| Err(io::Error::other(error)))
            .map_err(|source| FileKeyStoreError::Io { directory: self.directory.clone(), source })
    }

    fn file(&self, operation: &str) -> PathBuf {
        self.directory.join(hex::encode(Sha256::digest(operation)))
    }
}

impl KeyStore for FileKeyStore {
    type Error = FileKeyStoreError;

    async fn key_of(&self, operation: &str) -> Result<IdempotencyKey, FileKeyStoreError> {
        let stored = self.with(operation, read_or_create).await?;
        let Some((key, created_at)) = stored.as_deref().and_then(parse) else {
            return Err(FileKeyStoreError::InvalidFile(self.file(operation)));
        };
        if !self.is_recent(created_at) {
            return Err(FileKeyStoreError::Expired(self.file(operation)));
        }
        Ok(key)
    }

    async fn forget(&self, operation: &str) -> Result<(), FileKeyStoreError> {
        self.with(operation, |_, file| match fs::remove_file(file) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
        .await
    }
}

/// Creates `directory`. Each new level is synced in its parent, because a crash could otherwise lose the
/// directory together with its keys.
fn create(directory: &Path) -> io::Result<()> {
    let directory = std::path::absolute(directory)?;
    let new: Vec<_> = directory.ancestors().take_while(|level| !level.exists()).collect();
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(&directory)?;
    new.iter().filter_map(|level| level.parent()).try_for_each(sync)
}

/// Returns the text of the file, or `None` if it cannot be a key. Creates the file with a new key if it does not
/// exist.
fn read_or_create(directory: &Path, file: &Path) -> io::Result<Option<String>> {
    let found = fs::symlink_metadata(file);
    if matches!(&found, Err(error) if error.kind() == ErrorKind::NotFound) {
        insert(directory, file, &IdempotencyKey::random())?;
    } else if !found?.is_file() {
        // A symbolic link or a pipe is not from this store. Reading a pipe would block the thread.
        return Ok(None);
    }
    // Another process may have created the file without having synced its name yet.
    sync(directory)?;
    let mut text = Vec::new();
    fs::File::open(file)?.take(MAX_LEN).read_to_end(&mut text)?;
    Ok(String::from_utf8(text).ok())
}

/// The text of a file: one line with the key, and one with its time of creation. The modification time of the
/// file is not reliable: after a copy or a restored backup, an old key would look new.
fn format(key: &IdempotencyKey, created_at: SystemTime) -> String {
    format!("{}\n{}\n", key.to_header(), httpdate::fmt_http_date(created_at))
}

fn parse(text: &str) -> Option<(IdempotencyKey, SystemTime)> {
    let (key, created_at) = text.trim_end().split_once('\n')?;
    Some((IdempotencyKey::from_header(key).ok()?, httpdate::parse_http_date(created_at).ok()?))
}

#[cfg(unix)]
fn sync(directory: &Path) -> io::Result<()> {
    fs::File::open(directory)?.sync_all()
}

/// Only Unix can open a directory as a file and sync it.
#[cfg(not(unix))]
fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Creates the file with the key, unless another process was faster.
fn insert(directory: &Path, file: &Path, key: &IdempotencyKey) -> io::Result<()> {
    let mut new = NamedTempFile::new_in(directory)?;
    new.write_all(format(key, SystemTime::now()).as_bytes())?;
    new.as_file().sync_all()?;
    match new.persist_noclobber(file) {
        Err(refused) if refused.error.kind() != ErrorKind::AlreadyExists => Err(refused.error),
        _ => Ok(()),
    }
}
