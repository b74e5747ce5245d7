//! A copy of a journal that others go on writing to. Which other files belong to a backup is not its business.

use std::fs::File;
use std::path::Path;

use rusqlite::OptionalExtension;

use super::open::{self, OpenError};

/// Writes everything that is durable at one moment into a file that is new or empty, flushes it, and reads all of it back. The writer is
/// not kept waiting.
pub fn copy_journal(journal: &Path, copy: &Path) -> Result<(), OpenError> {
    let name = copy.to_str().ok_or(OpenError::Name)?;
    open::open_reader(journal)?.execute("VACUUM INTO ?1", [name])?;
    File::open(copy)?.sync_all()?;
    copy.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())?;
    check_copy(copy)
}

fn check_copy(copy: &Path) -> Result<(), OpenError> {
    let connection = open::open_reader(copy)?;
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    let stray: Option<String> =
        connection.query_row("PRAGMA foreign_key_check", [], |row| row.get(0)).optional()?;
    match (found.as_str(), stray) {
        ("ok", None) => Ok(()),
        (_, Some(table)) => Err(OpenError::Damaged(format!("a stray row in `{table}`"))),
        (_, None) => Err(OpenError::Damaged(found)),
    }
}
