//! The directory for the temporary files of tests, such as the data of servers.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use anyhow::Result;
use nix::sys::statvfs::statvfs;
use tempfile::{Builder, TempDir};

/// A file system in memory. The tests kill processes and never the machine, so a disk would show nothing more, and each
/// commit would wait for it.
const MEMORY: &str = "/dev/shm";

/// The free space in bytes below which the disk is used: several servers run at the same time, with 50 MB each.
const ENOUGH: u64 = 3 << 30;

/// Creates a directory that all users can read, because some servers run as users of their own.
pub(crate) fn directory() -> Result<TempDir> {
    let mut builder = Builder::new();
    builder.prefix("idem-tests-").permissions(Permissions::from_mode(0o755));
    let free =
        statvfs(MEMORY).map_or(0, |system| system.blocks_available() * system.fragment_size());
    Ok(if free >= ENOUGH { builder.tempdir_in(MEMORY)? } else { builder.tempdir()? })
}
