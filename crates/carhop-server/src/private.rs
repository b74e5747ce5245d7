//! Files and folders that nobody but their owner can read, whatever the process's umask says.
//!
//! What is written is the caller's business.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Writes a file durably and never half.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = open(OpenOptions::new().write(true).create(true).truncate(true), &beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Makes a file that is missing, and closes to others one that is there.
pub(crate) fn keep(path: &Path) -> io::Result<()> {
    open(OpenOptions::new().append(true).create(true), path).map(drop)
}

/// A file that no other process can hold until this is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct Held(File);

impl Drop for Held {
    /// Closing alone would leave it to a child that has not become its program yet. Nobody is left to be told of a failure.
    fn drop(&mut self) {
        drop(self.0.unlock());
    }
}

/// Opens a file, made if it is missing, and holds it.
pub(crate) fn hold(path: &Path) -> io::Result<Held> {
    let file = open(OpenOptions::new().append(true).create(true), path)?;
    match file.try_lock() {
        Ok(()) => Ok(Held(file)),
        Err(TryLockError::WouldBlock) => Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            "another process works with this folder",
        )),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Makes a folder with all those above it that are missing. A folder that is there stays as its owner wants it.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let file = options.mode(OWNER_ONLY).open(path)?;
    // A file that was there has the mode it was made with.
    file.set_permissions(fs::Permissions::from_mode(OWNER_ONLY))?;
    Ok(file)
}

const OWNER_ONLY: u32 = 0o600;

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_held_is_held_by_one_until_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = hold(&path).unwrap();
        assert_eq!(hold(&path).map(drop).unwrap_err().kind(), io::ErrorKind::ResourceBusy);
        // As a child has it that another thread is just starting.
        let inherited = held.0.try_clone().unwrap();
        drop(held);
        hold(&path).unwrap();
        drop(inherited);
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn only_the_owner_reads_what_is_made_and_what_was_there() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("a/b");
        folder(&inner).unwrap();
        assert_eq!((mode(&inner), mode(inner.parent().unwrap())), (0o700, 0o700));
        let (open_to_all, fresh) = (inner.join("open"), inner.join("fresh"));
        fs::write(&open_to_all, "kept").unwrap();
        fs::set_permissions(&open_to_all, fs::Permissions::from_mode(0o666)).unwrap();
        keep(&open_to_all).unwrap();
        keep(&fresh).unwrap();
        write(&inner.join("written"), b"x").unwrap();
        for name in ["open", "fresh", "written"] {
            assert_eq!(mode(&inner.join(name)), 0o600, "{name}");
        }
        assert_eq!(fs::read(&open_to_all).unwrap(), b"kept");
    }
}
