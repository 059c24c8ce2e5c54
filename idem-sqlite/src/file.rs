//! The file of the database and its log: where they are, and whether they still are the files that were opened.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The file that a store has opened.
#[derive(Debug)]
pub(crate) struct DatabaseFile {
    pub(crate) path: PathBuf,
    identity: Identity,
    log: PathBuf,
    /// The log that the writer has open.
    open_log: Mutex<Option<Identity>>,
}

/// The file or its log is gone, or another one has its name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Misplaced {
    #[error(
        "the database file {0} was deleted or moved while the store had it open; restart the process"
    )]
    Missing(Box<str>),
    #[error("the database file {0} was replaced while the store had it open; restart the process")]
    Replaced(Box<str>),
    #[error(
        "the write-ahead log of the database file {0} was deleted or replaced while the store had it open; stop all processes that use the file, and start them again"
    )]
    LogReplaced(Box<str>),
}

impl DatabaseFile {
    /// Describes the file at `path`, which exists.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        // A relative path must not change its meaning with the working directory.
        let path = path.canonicalize()?;
        let identity = Identity::of(&path)?;
        let mut log = path.clone().into_os_string();
        log.push("-wal");
        Ok(Self { path, identity, log: log.into(), open_log: Mutex::default() })
    }

    pub(crate) fn name(&self) -> Box<str> {
        self.path.display().to_string().into()
    }

    /// Whether the paths still lead to the files that the store has open. Records that are written to a deleted file are
    /// lost to the next process, so nothing is written to one.
    pub(crate) fn verify(&self) -> Result<(), Misplaced> {
        match Identity::of(&self.path) {
            Ok(identity) if identity == self.identity => self.verify_log(),
            Ok(_) => Err(Misplaced::Replaced(self.name())),
            Err(_) => Err(Misplaced::Missing(self.name())),
        }
    }

    fn verify_log(&self) -> Result<(), Misplaced> {
        match *self.open_log() {
            Some(open) if Identity::of(&self.log).ok() != Some(open) => {
                Err(Misplaced::LogReplaced(self.name()))
            }
            _ => Ok(()),
        }
    }

    /// Remembers the log of a connection that has begun a transaction, until [`forget_log`](Self::forget_log). SQLite
    /// keeps a log as long as a connection is open.
    pub(crate) fn remember_log(&self) {
        let mut open = self.open_log();
        if open.is_none() {
            *open = Identity::of(&self.log).ok();
        }
    }

    /// Forgets the log, because its connection is about to be closed.
    pub(crate) fn forget_log(&self) {
        *self.open_log() = None;
    }

    fn open_log(&self) -> MutexGuard<'_, Option<Identity>> {
        self.open_log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(unix)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

#[cfg(unix)]
impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let metadata = path.metadata()?;
        Ok(Self { device: metadata.dev(), inode: metadata.ino() })
    }
}

/// Other systems do not let an open file be replaced.
#[cfg(not(unix))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity;

#[cfg(not(unix))]
impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        path.metadata().map(|_| Self)
    }
}

/// The free space of the disk, in bytes. `None` if the system does not report it.
#[cfg(unix)]
pub(crate) fn free_space(path: &Path) -> Option<u64> {
    let disk = nix::sys::statvfs::statvfs(path).ok()?;
    #[allow(clippy::useless_conversion, reason = "the types differ between systems")]
    Some(u64::from(disk.blocks_available()).saturating_mul(u64::from(disk.fragment_size())))
}

#[cfg(not(unix))]
pub(crate) fn free_space(_: &Path) -> Option<u64> {
    None
}

/// Whether the directory of `path` is on a network file system, whose processes do not share memory. Only Linux reports
/// it. On other systems, SQLite refuses WAL on most of them.
#[cfg(target_os = "linux")]
pub(crate) fn is_on_network(path: &Path) -> bool {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or_else(|| Path::new("."));
    nix::sys::statfs::statfs(directory)
        .is_ok_and(|disk| is_network(disk.filesystem_type().0 as u64))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_on_network(_: &Path) -> bool {
    false
}

/// Whether `magic` is the number of a network file system in `statfs(2)`.
#[cfg(target_os = "linux")]
const fn is_network(magic: u64) -> bool {
    const NFS: u64 = 0x6969;
    const SMB: u64 = 0x517b;
    const CIFS: u64 = 0xff53_4d42;
    const SMB2: u64 = 0xfe53_4d42;
    const CEPH: u64 = 0x00c3_6400;
    const AFS: u64 = 0x5346_414f;
    const CODA: u64 = 0x7375_7245;
    const GFS2: u64 = 0x0116_1970;
    const OCFS2: u64 = 0x7461_636f;
    const LUSTRE: u64 = 0x0bd0_0bd0;
    // Some systems return the number with a sign.
    matches!(
        magic & 0xffff_ffff,
        NFS | SMB | CIFS | SMB2 | CEPH | AFS | CODA | GFS2 | OCFS2 | LUSTRE
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn network_file_systems_are_recognized() {
        const EXT4: u64 = 0xef53;
        const TMPFS: u64 = 0x0102_1994;
        const OVERLAY: u64 = 0x794c_7630;
        assert!(
            [0x6969, 0xff53_4d42, 0xffff_ffff_ff53_4d42, 0xfe53_4d42].map(is_network) == [true; 4]
        );
        assert!([EXT4, TMPFS, OVERLAY].map(is_network) == [false; 3]);
        assert!(!is_on_network(&std::env::temp_dir().join("idem.db")));
    }

    #[test]
    fn a_deleted_or_replaced_file_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("idem.db");
        std::fs::write(&path, "first").unwrap();
        let file = DatabaseFile::at(&path).unwrap();
        assert_eq!(file.verify(), Ok(()));
        let other = directory.path().join("other.db");
        std::fs::write(&other, "second").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert!(matches!(file.verify(), Err(Misplaced::Replaced(_))));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(file.verify(), Err(Misplaced::Missing(_))));
    }

    #[test]
    #[cfg(unix)]
    fn a_deleted_or_replaced_log_is_noticed_while_it_is_open() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("idem.db");
        let log = directory.path().join("idem.db-wal");
        std::fs::write(&path, "").unwrap();
        let file = DatabaseFile::at(&path).unwrap();
        std::fs::write(&log, "first").unwrap();
        file.remember_log();
        assert_eq!(file.verify(), Ok(()));
        let other = directory.path().join("other");
        std::fs::write(&other, "second").unwrap();
        std::fs::rename(&other, &log).unwrap();
        assert!(matches!(file.verify(), Err(Misplaced::LogReplaced(_))));
        std::fs::remove_file(&log).unwrap();
        assert!(matches!(file.verify(), Err(Misplaced::LogReplaced(_))));
        file.forget_log();
        assert_eq!(file.verify(), Ok(()));
    }
}
