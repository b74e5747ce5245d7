//! Opening the file: settings that make a commit durable, read back before anything is written, and numbered
//! migrations. It knows nothing of what the tables hold.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

/// Why a file could not be opened as a journal. Nothing in it was changed, except by finished migrations.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A newer program wrote it.
    #[error("the journal has schema {found}, this program knows up to {known}")]
    Newer {
        /// The schema of the file.
        found: u32,
        /// The newest schema that this program knows.
        known: u32,
    },
    /// It is a database of something else.
    #[error("the file is a database, but not a journal")]
    Foreign,
    /// A setting that durability rests on does not hold, as on some network file systems.
    #[error("`{setting}` is `{found}`, which would not survive a power failure")]
    NotDurable {
        /// Which setting.
        setting: &'static str,
        /// What it is.
        found: String,
    },
    /// Another program reads the file and does not let go of it.
    #[error("another program holds the journal")]
    Held,
    /// A copy did not come out as it should.
    #[error("the copy is damaged: {0}")]
    Damaged(String),
    /// The database cannot take a path that is no text.
    #[error("the path is no text")]
    Name,
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] rusqlite::Error),
    /// A thread could not be started, or a file not be flushed.
    #[error("a thread could not be started, or a file not be flushed")]
    System(#[from] std::io::Error),
}

/// The one connection that writes, with the schema brought up to date.
pub(super) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    rewrite_log(path)?;
    let mut connection = connect(path, flags)?;
    check_schema(&connection)?;
    connection.execute_batch(DURABLE)?;
    check_durable(&connection)?;
    migrate(&mut connection)?;
    settle(&connection)?;
    Ok(connection)
}

/// Writes the write-ahead log once more as it is read, and flushes it. What an earlier process wrote into it but could not
/// flush is still read from the system's cache and called clean, though it may never have reached the disk; copied into
/// the file from there, it would be newer than what a power cut leaves of the log, which then would hide it.
fn rewrite_log(path: &Path) -> Result<(), OpenError> {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    let mut log = match File::options().read(true).write(true).open(name) {
        Ok(log) => log,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let (mut part, mut at) = (vec![0; PART_BYTES], 0);
    loop {
        log.seek(SeekFrom::Start(at))?;
        let length = log.read(&mut part)?;
        if length == 0 {
            return Ok(log.sync_all()?);
        }
        log.seek(SeekFrom::Start(at))?;
        log.write_all(&part[..length])?;
        at += length as u64;
    }
}

/// Copies the whole write-ahead log into the file and flushes that, so that from here on whatever can be read is also there.
fn settle(connection: &Connection) -> Result<(), OpenError> {
    match connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, u32>(0)) {
        Ok(0) => Ok(()),
        Ok(1..) => Err(OpenError::Held),
        Err(error) => Err(error.into()),
    }
}

/// A connection that can only read; the writer's must be open.
pub(super) fn open_reader(path: &Path) -> Result<Connection, OpenError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// A connection that reads what is there at this moment and never what comes after it.
pub(super) fn open_as_it_is(path: &Path) -> Result<Connection, OpenError> {
    let connection = open_reader(path)?;
    // The first reading within it settles the moment.
    connection.execute_batch("BEGIN")?;
    match check_schema(&connection)? {
        0 => Err(OpenError::Foreign),
        _ => Ok(connection),
    }
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, OpenError> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    // A plan does not hang on the values that are bound, so no statement is planned anew for each.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;",
    )?;
    Ok(connection)
}

fn check_durable(connection: &Connection) -> Result<(), OpenError> {
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if mode != "wal" {
        return Err(OpenError::NotDurable { setting: "journal_mode", found: mode });
    }
    let level: u32 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    if level < SYNCHRONOUS_FULL {
        return Err(OpenError::NotDurable { setting: "synchronous", found: level.to_string() });
    }
    Ok(())
}

/// The schema of the file; zero for a new one.
fn check_schema(connection: &Connection) -> Result<u32, OpenError> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
    let (application, found) = (number("application_id")?, number("user_version")?);
    let tables: u32 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let known = MIGRATIONS.last().map_or(0, |(number, _)| *number);
    match (application, found) {
        (0, 0) if tables == 0 => Ok(0),
        (APPLICATION, _) if found > known => Err(OpenError::Newer { found, known }),
        (APPLICATION, _) => Ok(found),
        _ => Err(OpenError::Foreign),
    }
}

/// Runs the migrations that the file has not seen, all of them or none.
fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let behavior = TransactionBehavior::Immediate;
    if check_schema(connection)? == MIGRATIONS.last().map_or(0, |(number, _)| *number) {
        return Ok(());
    }
    let transaction = Transaction::new(connection, behavior)?;
    let schema = check_schema(&transaction)?;
    for (number, migration) in MIGRATIONS {
        if *number > schema {
            transaction.execute_batch(migration)?;
            transaction.pragma_update(None, "user_version", number)?;
        }
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    Ok(transaction.commit()?)
}

/// Migration `n` brings schema `n - 1` to `n`; a released one is never changed.
const MIGRATIONS: &[(u32, &str)] = &[(1, include_str!("migrations/0001_journal.sql"))];

/// Marks the file as a journal: `chop`.
const APPLICATION: u32 = 0x6368_6f70;

/// A commit returns when the write-ahead log is on the disk. Deleted content is overwritten, because the keys of erased
/// subjects must not outlive them. Checkpoints are the writer's: SQLite's own would ignore a flush that fails. The writer
/// alone changes pages and so never reads one anew that it still has: 32 MiB of them were worth a sixth of its time.
const DURABLE: &str =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
    PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -32768;";

const SYNCHRONOUS_FULL: u32 = 2;

/// How long to wait for another process that holds the file.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How much of the log is rewritten at once.
const PART_BYTES: usize = 256 * 1024;

/// More than there are statements.
const STATEMENTS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_writer_commits_into_a_write_ahead_log_that_is_synced_in_full() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open_writer(&folder.path().join("journal")).unwrap();
        let setting = |name| {
            connection
                .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
                .unwrap()
        };
        for (name, expected) in [
            ("journal_mode", "wal".to_owned().into()),
            ("synchronous", 2.into()),
            ("foreign_keys", 1.into()),
            ("secure_delete", 1.into()),
            ("trusted_schema", 0.into()),
        ] {
            assert_eq!(setting(name), expected, "{name}");
        }
    }

    #[test]
    fn a_connection_that_would_lose_commits_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("journal")).unwrap();
        for (settings, setting) in [
            ("PRAGMA journal_mode = DELETE", "journal_mode"),
            ("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", "synchronous"),
            ("PRAGMA synchronous = OFF", "synchronous"),
        ] {
            connection.execute_batch(settings).unwrap();
            let refused = check_durable(&connection);
            assert!(
                matches!(refused, Err(OpenError::NotDurable { setting: found, .. }) if found == setting),
                "{settings}: {refused:?}"
            );
        }
    }

    #[test]
    fn readers_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let _writer = open_writer(&path).unwrap();
        let reader = open_reader(&path).unwrap();
        assert!(reader.execute_batch("DELETE FROM events").is_err());
    }
}
