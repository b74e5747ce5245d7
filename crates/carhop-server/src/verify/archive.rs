//! A log as files, laid out as it is served, with everything its entries commit to.
//!
//! ```text
//! checkpoint             the last signed checkpoint
//! vkey                   the key that verifies it, as the exporter says it: pin another copy
//! checkpoints/<size>     every checkpoint that was kept
//! tile/…                 hash tiles and bundles of leaves (c2sp.org/tlog-tiles)
//! events/<N>[.p/<W>]     the stored events, one a line, numbered as the bundles of leaves
//! decisions.jsonl        the records of decisions, one a line, byte for byte as they are stored
//! statements.jsonl       what devices signed, base64url in quotes, one a line
//! certificates.jsonl     devices' certificates: a list of base64url a line, the device's first and its root last
//! commands.jsonl         what the authority signed: a pair of name and base64url a line
//! policies.jsonl         policies that decided: a list of names and texts a line
//! ```
//!
//! Nothing that is read here has been checked.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64ct::{Base64UrlUnpadded, Encoding};
use carhop_journal::codec;
use carhop_kernel::id::CommandId;
use carhop_proofs::audit::{Part, Tile, decode_bundle, encode_bundle, index_path};
use carhop_proofs::suite::Suite;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Attached, Entry, Fault, rows};

/// A log with everything that an outsider needs to check it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Archive {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Stored events that wait to become entries, in their order; only a journal has any.
    pub waiting: Vec<Vec<u8>>,
    /// The last signed checkpoint.
    pub checkpoint: String,
    /// The key, as whoever made the archive says it.
    pub vkey: String,
    /// Every checkpoint that was kept, by what it is called.
    pub kept: BTreeMap<String, String>,
    /// Hash tiles by path, as far as they are there.
    pub tiles: BTreeMap<Tile, Vec<u8>>,
    /// What the entries commit to.
    pub attached: Attached,
}

impl Archive {
    /// How many entries the last checkpoint says it covers.
    pub fn signed_size(&self) -> Option<u64> {
        size_of(&self.checkpoint)
    }

    /// Adds a checkpoint that is known from elsewhere, as the last one if it says that it covers more.
    pub fn was_signed(&mut self, note: String) {
        let size = size_of(&note);
        if size > self.signed_size() {
            self.checkpoint.clone_from(&note);
        }
        self.kept.entry(size.unwrap_or_default().to_string()).or_insert(note);
    }

    /// What the last checkpoint covers, with all its hash tiles, and nothing that came since.
    pub fn up_to_checkpoint(&self, suite: &dyn Suite) -> Option<Self> {
        let size = self.signed_size()?;
        let entries = self.entries.get(..usize::try_from(size).ok()?)?.to_vec();
        let (rows, mut attached) = (rows(suite, &entries), Attached::default());
        for entry in &entries {
            attached.take(&self.attached, &codec::decode(&entry.stored).ok()?);
        }
        let mut tiles = BTreeMap::new();
        for tile in Tile::all(size) {
            if let Part::Hashes(row) = tile.part {
                let start = usize::try_from(tile.start()).ok()?;
                let hashes = rows.get(&row)?.get(start..start + usize::from(tile.width))?;
                tiles.insert(tile, hashes.concat());
            }
        }
        Some(Self { entries, waiting: Vec::new(), tiles, attached, ..self.clone() })
    }
}

/// How many entries a checkpoint says it covers.
fn size_of(note: &str) -> Option<u64> {
    note.lines().nth(1)?.parse().ok()
}

/// Writes an archive into a folder.
pub fn write_archive(folder: &Path, archive: &Archive) -> anyhow::Result<()> {
    let write = |path: &str, bytes: &[u8]| -> anyhow::Result<()> {
        let path = folder.join(path);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        Ok(fs::write(path, bytes)?)
    };
    for tile in bundles(archive.entries.len() as u64) {
        let entries = entries_of(archive, &tile);
        let leaves = encode_bundle(entries.iter().map(|entry| entry.leaf.as_slice()));
        write(&tile.to_string(), &leaves.unwrap_or_default())?;
        let events: Vec<_> = entries.iter().map(|entry| entry.stored.as_slice()).collect();
        write(&events_file(&tile), &lines(&events))?;
    }
    for (tile, bytes) in &archive.tiles {
        write(&tile.to_string(), bytes)?;
    }
    for (name, note) in &archive.kept {
        write(&format!("checkpoints/{name}"), note.as_bytes())?;
    }
    let Attached { decisions, statements, certificates, commands, policies, receipts: _ } =
        &archive.attached;
    let decisions: Vec<_> = decisions.values().map(Vec::as_slice).collect();
    write(DECISIONS, &lines(&decisions))?;
    write(STATEMENTS, &quoted(statements.values()))?;
    write(CERTIFICATES, &json_lines(certificates.values().map(|chain| encoded(chain)))?)?;
    let commands = commands.iter().map(|(id, bytes)| (id, Base64UrlUnpadded::encode_string(bytes)));
    write(COMMANDS, &json_lines(commands)?)?;
    write(POLICIES, &json_lines(policies.values())?)?;
    write(VKEY_FILE, format!("{}\n", archive.vkey).as_bytes())?;
    // Last: where there is a checkpoint, there is everything.
    write(CHECKPOINT_FILE, archive.checkpoint.as_bytes())
}

/// Reads an archive. What is missing or in no form is a fault of the archive.
pub fn read_archive(suite: &dyn Suite, folder: &Path) -> Result<Archive, Fault> {
    let checkpoint = text(folder, CHECKPOINT_FILE)?;
    let mut archive = Archive { checkpoint, vkey: text(folder, VKEY_FILE)?, ..Archive::default() };
    let size = archive.signed_size().filter(|size| *size <= ENTRIES_MAX);
    let size = size.ok_or_else(|| fault(CHECKPOINT_FILE, "is no checkpoint"))?;
    archive.vkey.truncate(archive.vkey.trim_end().len());
    for tile in Tile::all(size) {
        let bytes = bytes(folder, &tile.to_string())?;
        if let Part::Hashes(_) = tile.part {
            archive.tiles.insert(tile, bytes);
            continue;
        }
        let leaves = decode_bundle(&bytes, tile.width);
        let leaves =
            leaves.ok_or_else(|| fault(&tile.to_string(), "is no bundle of so many leaves"))?;
        let file = events_file(&tile);
        let events = read_lines(folder, &file)?;
        if events.len() != leaves.len() {
            return Err(fault(&file, "has not one line for each leaf"));
        }
        for (position, (leaf, stored)) in (tile.start()..).zip(leaves.into_iter().zip(events)) {
            archive.entries.push(Entry { position, leaf: leaf.to_vec(), stored });
        }
    }
    if let Ok(listed) = fs::read_dir(folder.join("checkpoints")) {
        for file in listed.flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            let note = text(folder, &format!("checkpoints/{name}"))?;
            archive.kept.insert(name, note);
        }
    }
    archive.attached = read_attached(suite, folder)?;
    Ok(archive)
}

fn read_attached(suite: &dyn Suite, folder: &Path) -> Result<Attached, Fault> {
    let mut attached = Attached::default();
    for line in read_lines(folder, DECISIONS)? {
        attached.decision(suite, line);
    }
    for line in unquoted(folder, STATEMENTS)? {
        attached.statement(suite, line);
    }
    for chain in read_json(folder, CERTIFICATES)? {
        let chain = decoded(chain).ok_or_else(|| fault(CERTIFICATES, NO_BASE64))?;
        attached.certificate(suite, chain);
    }
    for (command, text) in read_json::<(CommandId, String)>(folder, COMMANDS)? {
        let bytes = Base64UrlUnpadded::decode_vec(&text).map_err(|_| fault(COMMANDS, NO_BASE64))?;
        attached.commands.insert(command, bytes);
    }
    for files in read_json(folder, POLICIES)? {
        if !attached.policy(files) {
            return Err(fault(POLICIES, "holds what are no policies"));
        }
    }
    Ok(attached)
}

/// The bundles of leaves of a log.
fn bundles(size: u64) -> impl Iterator<Item = Tile> {
    Tile::all(size).take_while(|tile| tile.part == Part::Entries)
}

fn entries_of<'a>(archive: &'a Archive, tile: &Tile) -> &'a [Entry] {
    let start = usize::try_from(tile.start()).unwrap_or(usize::MAX);
    archive.entries.get(start..start.saturating_add(tile.width.into())).unwrap_or_default()
}

fn events_file(tile: &Tile) -> String {
    format!("events/{}", index_path(tile.index, tile.width))
}

fn lines(lines: &[&[u8]]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line, &b"\n"[..]].concat()).collect()
}

fn quoted<'a>(values: impl Iterator<Item = &'a Vec<u8>>) -> Vec<u8> {
    values
        .flat_map(|bytes| format!("\"{}\"\n", Base64UrlUnpadded::encode_string(bytes)).into_bytes())
        .collect()
}

fn unquoted(folder: &Path, file: &str) -> Result<Vec<Vec<u8>>, Fault> {
    let decode = |line: Vec<u8>| {
        let text: String = serde_json::from_slice(&line).ok()?;
        Base64UrlUnpadded::decode_vec(&text).ok()
    };
    let decoded: Option<_> = read_lines(folder, file)?.into_iter().map(decode).collect();
    decoded.ok_or_else(|| fault(file, NO_BASE64))
}

/// Certificates as text.
pub(super) fn encoded(chain: &[Vec<u8>]) -> Vec<String> {
    chain.iter().map(|bytes| Base64UrlUnpadded::encode_string(bytes)).collect()
}

/// What [`encoded`] made of certificates.
pub(super) fn decoded(chain: Vec<String>) -> Option<Vec<Vec<u8>>> {
    chain.into_iter().map(|text| Base64UrlUnpadded::decode_vec(&text).ok()).collect()
}

fn json_lines<T: Serialize>(values: impl Iterator<Item = T>) -> serde_json::Result<Vec<u8>> {
    let made: Vec<_> = values.map(|value| serde_json::to_vec(&value)).collect::<Result<_, _>>()?;
    Ok(lines(&made.iter().map(Vec::as_slice).collect::<Vec<_>>()))
}

/// Lines of JSON in the form that they are written in, so that no other bytes mean the same.
fn read_json<T: Serialize + DeserializeOwned>(folder: &Path, file: &str) -> Result<Vec<T>, Fault> {
    let read = |line: Vec<u8>| {
        let value: T = serde_json::from_slice(&line).ok()?;
        (serde_json::to_vec(&value).ok()? == line).then_some(value)
    };
    let read: Option<_> = read_lines(folder, file)?.into_iter().map(read).collect();
    read.ok_or_else(|| fault(file, "holds a line in another form"))
}

fn read_lines(folder: &Path, file: &str) -> Result<Vec<Vec<u8>>, Fault> {
    let bytes = bytes(folder, file)?;
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let whole = bytes.strip_suffix(b"\n").ok_or_else(|| fault(file, "does not end with a line"))?;
    Ok(whole.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect())
}

fn text(folder: &Path, file: &str) -> Result<String, Fault> {
    String::from_utf8(bytes(folder, file)?).map_err(|_| fault(file, "is no text"))
}

fn bytes(folder: &Path, file: &str) -> Result<Vec<u8>, Fault> {
    fs::read(folder.join(file)).map_err(|_| fault(file, "is missing or cannot be read"))
}

fn fault(file: &str, what: &'static str) -> Fault {
    Fault::File { file: file.to_owned(), what }
}

/// The file with the last signed checkpoint.
pub const CHECKPOINT_FILE: &str = "checkpoint";
/// The file with the exporter's word for the key.
pub const VKEY_FILE: &str = "vkey";
/// Most entries that are worth reading at once: they are all held in memory.
const ENTRIES_MAX: u64 = 100_000_000;
const DECISIONS: &str = "decisions.jsonl";
const STATEMENTS: &str = "statements.jsonl";
const CERTIFICATES: &str = "certificates.jsonl";
const COMMANDS: &str = "commands.jsonl";
const POLICIES: &str = "policies.jsonl";
const NO_BASE64: &str = "holds a line that is no base64url in quotes";
