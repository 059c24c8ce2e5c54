//! A [`KeyStore`] in a directory.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;

use crate::key::IdempotencyKey;
use crate::key_store::KeyStore;

/// Keeps each key in a file of its own, named after a hash of the operation. For command-line tools and
/// small services; processes on one machine may share the directory.
///
/// Of the feature `file`, which is on by default.
///
/// A key is written, synced and put in place whole, and is never replaced: a crash leaves it kept, or
/// not there. It counts on a local file system that keeps what it synced.
#[derive(Clone, Debug)]
pub struct FileKeyStore {
    directory: PathBuf,
    max_age: Duration,
}

/// How far in the future a key may have been made: what the default of [`FileKeyStore::max_age`] leaves of a
/// day.
const CLOCK_SLACK: Duration = Duration::from_hours(1);

/// Why a [`FileKeyStore`] could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileKeyStoreError {
    /// The directory or a file in it could not be read or written.
    #[error("cannot keep idempotency keys in {}; check that it can be written to", .directory.display())]
    Io {
        /// Where keys are kept.
        directory: PathBuf,
        /// What went wrong there.
        #[source]
        source: io::Error,
    },
    /// A file holds no key. It is never replaced, since what it held may have been sent.
    #[error("{} holds no idempotency key; find out whether its operation took place, then remove it", .0.display())]
    NoKey(PathBuf),
    /// A key is older than [`max_age`](FileKeyStore::max_age), or from a future that hides its age.
    #[error("the key in {} may be so old that the service has forgotten it; find out whether its operation took place, then remove it", .0.display())]
    TooOld(PathBuf),
}

impl FileKeyStore {
    /// Keeps keys in `directory`, which is created if it is missing.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn new(directory: impl Into<PathBuf>) -> Result<Self, FileKeyStoreError> {
        let directory = directory.into();
        match create(&directory) {
            Ok(()) => Ok(Self { directory, max_age: Duration::from_hours(23) }),
            Err(source) => Err(FileKeyStoreError::Io { directory, source }),
        }
    }

    /// How old a key may be to be given out again. Default 23 hours, because many services forget keys
    /// after 24, and a forgotten key is a new operation to them. Judged by this machine's clock.
    #[must_use]
    pub const fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    fn is_young(&self, made: SystemTime) -> bool {
        match SystemTime::now().duration_since(made) {
            Ok(age) => age <= self.max_age,
            // A clock that was set back hides as much of the age.
            Err(ahead) => ahead.duration() <= CLOCK_SLACK,
        }
    }

    /// Runs `work` on the file of `operation`, on a thread that may block.
    async fn with<T: Send + 'static>(
        &self,
        operation: &str,
        work: impl FnOnce(&Path, &Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, FileKeyStoreError> {
        let directory = self.directory.clone();
        let file = self.file(operation);
        let done = spawn_blocking(move || work(&directory, &file)).await;
        done.unwrap_or_else(|panic| Err(io::Error::other(panic)))
            .map_err(|source| FileKeyStoreError::Io { directory: self.directory.clone(), source })
    }

    fn file(&self, operation: &str) -> PathBuf {
        self.directory.join(hex::encode(Sha256::digest(operation)))
    }
}

impl KeyStore for FileKeyStore {
    type Error = FileKeyStoreError;

    async fn key_of(&self, operation: &str) -> Result<IdempotencyKey, FileKeyStoreError> {
        let kept = self.with(operation, kept_or_new).await?;
        let Some((key, made)) = read(&kept) else {
            return Err(FileKeyStoreError::NoKey(self.file(operation)));
        };
        if !self.is_young(made) {
            return Err(FileKeyStoreError::TooOld(self.file(operation)));
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

/// Each level that is new is synced in the one above, or the keys could be lost with it.
fn create(directory: &Path) -> io::Result<()> {
    let directory = std::path::absolute(directory)?;
    let new: Vec<_> = directory.ancestors().take_while(|level| !level.exists()).collect();
    fs::create_dir_all(&directory)?;
    new.iter().filter_map(|level| level.parent()).try_for_each(sync)
}

/// What stands in the file.
fn kept_or_new(directory: &Path, file: &Path) -> io::Result<String> {
    if !file.try_exists()? {
        keep(directory, file, &IdempotencyKey::random())?;
    }
    // Also for a key that another process put there: it may not have synced its name yet.
    sync(directory)?;
    fs::read_to_string(file)
}

/// A line with the key and one with the time at which it was made. The file's own time would not do: a copy
/// or a restored backup makes an old key look young.
fn write(key: &IdempotencyKey, made: SystemTime) -> String {
    format!("{}\n{}\n", key.to_header(), httpdate::fmt_http_date(made))
}

fn read(kept: &str) -> Option<(IdempotencyKey, SystemTime)> {
    let (key, made) = kept.trim_end().split_once('\n')?;
    Some((IdempotencyKey::from_header(key).ok()?, httpdate::parse_http_date(made).ok()?))
}

#[cfg(unix)]
fn sync(directory: &Path) -> io::Result<()> {
    fs::File::open(directory)?.sync_all()
}

/// Elsewhere a directory is no file, and there is nothing to sync.
#[cfg(not(unix))]
fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Puts the key in place unless somebody else was first.
fn keep(directory: &Path, file: &Path, key: &IdempotencyKey) -> io::Result<()> {
    let mut new = NamedTempFile::new_in(directory)?;
    new.write_all(write(key, SystemTime::now()).as_bytes())?;
    new.as_file().sync_all()?;
    match new.persist_noclobber(file) {
        Err(refused) if refused.error.kind() != ErrorKind::AlreadyExists => Err(refused.error),
        _ => Ok(()),
    }
}
