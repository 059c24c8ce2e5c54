//! Other paths to the file. SQLite puts the log beside the path by which it opens a file, so each path has its own log.

use std::path::Path;

/// The number of hard links to the file at `path`. It is 1 if the file does not exist or the system does not count links.
#[cfg(unix)]
pub(crate) fn hard_links(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    path.metadata().map_or(1, |metadata| MetadataExt::nlink(&metadata))
}

#[cfg(not(unix))]
pub(crate) fn hard_links(_: &Path) -> u64 {
    1
}

/// Whether the file at `path` is mounted without its directory, as by `docker run -v ./idem.db:/data/idem.db`. Only Linux
/// reports it. The path must be canonical.
#[cfg(target_os = "linux")]
pub(crate) fn is_mount_point(path: &Path) -> bool {
    std::fs::read("/proc/self/mountinfo").is_ok_and(|mounts| {
        has_mount_point(&String::from_utf8_lossy(&mounts), &path.to_string_lossy())
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_mount_point(_: &Path) -> bool {
    false
}

/// Whether `path` is a mount point in `mounts`, which has the format of `/proc/self/mountinfo` in `proc(5)`.
#[cfg(target_os = "linux")]
fn has_mount_point(mounts: &str, path: &str) -> bool {
    const MOUNT_POINT: usize = 4;
    let escapes = [('\\', "\\134"), (' ', "\\040"), ('\t', "\\011"), ('\n', "\\012")];
    let path = escapes.iter().fold(path.to_owned(), |path, (from, to)| path.replace(*from, to));
    mounts.lines().any(|line| line.split(' ').nth(MOUNT_POINT) == Some(&*path))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_mount_of_the_file_alone_is_recognized() {
        let mounts = "22 27 0:21 / /proc rw,relatime - proc proc rw\n\
                      36 35 98:0 /idem.db /data/idem.db rw,noatime master:1 - ext4 /dev/root rw\n\
                      37 35 98:0 /my\\040idem.db /my\\040data/idem\\134.db rw,noatime - ext4 /dev/root rw\n\
                      38 35 98:0 /logs /logs rw - ext4 /dev/root rw\n";
        for path in ["/data/idem.db", "/my data/idem\\.db"] {
            assert!(has_mount_point(mounts, path), "{path}");
        }
        for path in ["/data", "/data/idem", "/idem.db", "/logs/idem.db"] {
            assert!(!has_mount_point(mounts, path), "{path}");
        }
        assert!(is_mount_point(Path::new("/proc")));
        assert!(!is_mount_point(&std::env::temp_dir().join("idem.db")));
    }

    #[test]
    #[cfg(unix)]
    fn hard_links_are_counted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("idem.db");
        assert_eq!(hard_links(&path), 1);
        std::fs::write(&path, "").unwrap();
        assert_eq!(hard_links(&path), 1);
        std::fs::hard_link(&path, directory.path().join("link.db")).unwrap();
        assert_eq!(hard_links(&path), 2);
    }
}
