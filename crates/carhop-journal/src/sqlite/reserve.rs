//! Room on the disk that is set aside for what must still work when there is no other: a file that is filled beforehand
//! and given up when the disk is full. Who may use the room is the writer's business.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The room beside a journal.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    is_held: bool,
}

impl Reserve {
    /// The room that an earlier process left beside the journal, if one did. Nothing is written yet.
    pub(super) fn beside(journal: &Path) -> Self {
        let mut path = journal.as_os_str().to_owned();
        path.push(".reserve");
        let mut reserve = Self { path: path.into(), is_held: false };
        reserve.is_held = reserve.is_there();
        reserve
    }

    /// Whether the room is set aside now; if it is not, tries to.
    pub(super) fn take(&mut self) -> bool {
        self.is_held = self.is_held || self.is_there() || self.fill().is_ok();
        if !self.is_held {
            self.remove();
        }
        self.is_held
    }

    /// Gives the room to others. Whether there was any.
    pub(super) fn give_up(&mut self) -> bool {
        self.remove();
        std::mem::take(&mut self.is_held)
    }

    fn is_there(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|found| found.len() == RESERVE_BYTES)
    }

    fn fill(&self) -> io::Result<()> {
        let mut options = File::options();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(&self.path)?;
        // Not zeros: some file systems keep no room for those.
        let block = vec![0xa5; 64 * 1024];
        for _ in 0..RESERVE_BYTES / block.len() as u64 {
            file.write_all(&block)?;
        }
        file.sync_all()
    }

    fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the reserve could not be given up");
        }
    }
}

/// Several thousand revocations.
const RESERVE_BYTES: u64 = 8 * 1024 * 1024;
