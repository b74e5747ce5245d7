//! A log as files: `entries.jsonl`, one entry a line, and `root.json`, what they are claimed to make.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use base64ct::{Base64UrlUnpadded, Encoding};
use carhop_kernel::digest::{hex_decode, write_hex};
use serde::{Deserialize, Serialize};

use super::{Entry, Verified};

/// A log read from files; nothing of it has been checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedLog {
    /// The entries as they stand.
    pub entries: Vec<Entry>,
    /// What they are claimed to make.
    pub claimed: Verified,
}

/// Why files are no exported log.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file cannot be read or written.
    #[error("`{0}` cannot be read or written")]
    File(&'static str, #[source] std::io::Error),
    /// A file does not hold what it should.
    #[error("`{file}` line {line} is not an exported {what}")]
    Form {
        /// Which file.
        file: &'static str,
        /// Which line, from one.
        line: usize,
        /// What should stand there.
        what: &'static str,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryLine {
    position: u64,
    leaf: String,
    stored: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RootFile {
    size: u64,
    root: String,
}

/// Writes a log into a folder that exists.
pub fn write_export(folder: &Path, log: &ExportedLog) -> Result<(), ExportError> {
    let failed = |error| ExportError::File(ENTRIES, error);
    let mut file = BufWriter::new(File::create(folder.join(ENTRIES)).map_err(failed)?);
    for entry in &log.entries {
        let line = EntryLine {
            position: entry.position,
            leaf: Base64UrlUnpadded::encode_string(&entry.leaf),
            stored: Base64UrlUnpadded::encode_string(&entry.stored),
        };
        serde_json::to_writer(&mut file, &line).map_err(|error| failed(error.into()))?;
        file.write_all(b"\n").map_err(failed)?;
    }
    file.flush().map_err(failed)?;
    let mut root = String::new();
    // Writing to a string cannot fail.
    let _ = write_hex(&mut root, &log.claimed.root);
    let root = RootFile { size: log.claimed.size, root };
    let failed = |error| ExportError::File(ROOT, error);
    let file = File::create(folder.join(ROOT)).map_err(failed)?;
    serde_json::to_writer(file, &root).map_err(|error| failed(error.into()))
}

/// Reads a log from a folder.
pub fn read_export(folder: &Path) -> Result<ExportedLog, ExportError> {
    let failed = |error| ExportError::File(ENTRIES, error);
    let file = BufReader::new(File::open(folder.join(ENTRIES)).map_err(failed)?);
    let mut entries = Vec::new();
    for (index, line) in file.lines().enumerate() {
        let form = ExportError::Form { file: ENTRIES, line: index + 1, what: "entry" };
        entries.push(entry(&line.map_err(failed)?).ok_or(form)?);
    }
    let text = std::fs::read_to_string(folder.join(ROOT))
        .map_err(|error| ExportError::File(ROOT, error))?;
    let form = ExportError::Form { file: ROOT, line: 1, what: "root" };
    let claimed = claim(&text).ok_or(form)?;
    Ok(ExportedLog { entries, claimed })
}

fn entry(line: &str) -> Option<Entry> {
    let line: EntryLine = serde_json::from_str(line).ok()?;
    let bytes = |text: &str| Base64UrlUnpadded::decode_vec(text).ok();
    Some(Entry { position: line.position, leaf: bytes(&line.leaf)?, stored: bytes(&line.stored)? })
}

fn claim(text: &str) -> Option<Verified> {
    let root: RootFile = serde_json::from_str(text).ok()?;
    Some(Verified { size: root.size, root: hex_decode(&root.root)? })
}

const ENTRIES: &str = "entries.jsonl";
const ROOT: &str = "root.json";
