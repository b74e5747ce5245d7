//! The record as the layer wrote it. What a change means for a disk stands elsewhere.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// One thing the program did, in the order in which it did them. Paths begin below the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A file was made.
    Made(String),
    /// Bytes were written.
    Wrote {
        /// Into which file.
        path: String,
        /// From where on.
        at: u64,
        /// What.
        bytes: Vec<u8>,
    },
    /// A file was cut or stretched to this length.
    Cut {
        /// Which.
        path: String,
        /// Its length from here on.
        length: u64,
    },
    /// A file was flushed.
    Flushed {
        /// Which.
        path: String,
        /// Whether the system said so.
        well: bool,
    },
    /// The names in a folder were flushed.
    FlushedNames(String),
    /// A file has another name.
    Renamed {
        /// The old one.
        from: String,
        /// The new one.
        to: String,
    },
    /// A name was removed.
    Removed(String),
    /// Something was said on standard output.
    Said(String),
}

/// Reads a record. One that ends in the middle of a change, as a kill leaves it, ends before that change.
pub fn read(path: &Path) -> io::Result<Vec<Change>> {
    let bytes = fs::read(path)?;
    let (mut rest, mut changes) = (&bytes[..], Vec::new());
    while let Some((raw, after)) = Raw::split(rest) {
        changes.push(raw.change()?);
        rest = after;
    }
    Ok(changes)
}

/// One change as bytes.
struct Raw<'a> {
    what: u8,
    at: u64,
    first: &'a [u8],
    second: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> Raw<'a> {
    fn split(rest: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (what, rest) = rest.split_first()?;
        let (first, rest) = rest.split_first_chunk::<4>()?;
        let (second, rest) = rest.split_first_chunk::<4>()?;
        let (at, rest) = rest.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let (first, rest) = rest.split_at_checked(u32::from_ne_bytes(*first) as usize)?;
        let (second, rest) = rest.split_at_checked(u32::from_ne_bytes(*second) as usize)?;
        let length = usize::try_from(u64::from_ne_bytes(*length)).ok()?;
        let (bytes, rest) = rest.split_at_checked(length)?;
        Some((Self { what: *what, at: u64::from_ne_bytes(*at), first, second, bytes }, rest))
    }

    fn change(&self) -> io::Result<Change> {
        let path = text(self.first);
        Ok(match self.what {
            b'C' => Change::Made(path),
            b'W' => Change::Wrote { path, at: self.at, bytes: self.bytes.to_vec() },
            b'T' => Change::Cut { path, length: self.at },
            b'S' => Change::Flushed { path, well: self.at == 1 },
            b'D' => Change::FlushedNames(path),
            b'R' => Change::Renamed { from: path, to: text(self.second) },
            b'U' => Change::Removed(path),
            b'A' => Change::Said(text(self.bytes)),
            _ => return Err(io::Error::from(ErrorKind::InvalidData)),
        })
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
