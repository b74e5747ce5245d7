//! What a disk may hold after the power failed: an unchanged program runs over a layer that records its writes and
//! flushes, and from the record any moment's disk is built as the rules of POSIX allow it to be.
//!
//! It deliberately knows nothing of what the files mean. Linux only; elsewhere there is nothing here.

#![cfg(target_os = "linux")]

mod disk;
mod record;

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

pub use disk::{Disk, Image, Loss};
pub use record::{Change, read};

/// What can go wrong while the program runs: each is a file of this name in the folder of the controls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// After so many more, a flush of a write-ahead log fails, once.
    WalFlushFails(u64),
    /// After so many more, a flush of any other file fails, once.
    FlushFails(u64),
    /// Flushes do nothing and say that they did.
    FlushesAreSkipped,
    /// The files may have so many bytes in all and no more.
    Room(u64),
}

impl Fault {
    /// Makes it so from now on.
    pub fn set(self, controls: &Path) -> std::io::Result<()> {
        let number = match self {
            Self::Room(number) | Self::WalFlushFails(number) | Self::FlushFails(number) => number,
            Self::FlushesAreSkipped => 0,
        };
        let next = controls.join("next");
        std::fs::write(&next, number.to_string())?;
        std::fs::rename(next, controls.join(self.name()))
    }

    /// Ends it.
    pub fn lift(self, controls: &Path) -> std::io::Result<()> {
        std::fs::remove_file(controls.join(self.name()))
    }

    /// Whether it is set and, if it happens once, has not happened yet.
    pub fn is_set(self, controls: &Path) -> bool {
        controls.join(self.name()).exists()
    }

    const fn name(self) -> &'static str {
        match self {
            Self::WalFlushFails(_) => "fail-wal-flush",
            Self::FlushFails(_) => "fail-flush",
            Self::FlushesAreSkipped => "skip-flush",
            Self::Room(_) => "room",
        }
    }
}

/// Puts the layer between a program and the files below `folder`. Its record is appended to `record`, for [`read`].
pub fn between(program: impl AsRef<OsStr>, folder: &Path, record: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("LD_PRELOAD", LAYER).env("POWER_FOLDER", folder).env("POWER_RECORD", record);
    command
}

/// Lets the program fail as [`Fault`] says; the folder holds the controls.
pub fn steered<'a>(command: &'a mut Command, controls: &Path) -> &'a mut Command {
    command.env("POWER_CONTROLS", controls)
}

const LAYER: &str = concat!(env!("OUT_DIR"), "/layer.so");
