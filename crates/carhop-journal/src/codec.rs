//! The stored form of an event: one line of JSON with a version, holding everything that the log commits to.
//! The bytes are written once and kept exactly; golden files pin them. Likewise what waits in outbox and timers.
//!
//! Storage engines, hashes and the log's leaves are not known here.

use carhop_app::batch::{Body, Effect, Entry, Meta, Recorded, Stream, TimerSubject};
use carhop_app::ports::JournalError;
use carhop_app::record::Partition;
use carhop_kernel::id::{EventId, MarketId, TenantId};
use carhop_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The version that is written today.
pub const VERSION: u32 = 1;

/// Why stored bytes could not be read, or an event not be written.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// Not exactly the form of its version.
    #[error("not the stored form of version {version}")]
    Form {
        /// Which version.
        version: u32,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// Not a stored form at all.
    #[error("no stored form")]
    Unversioned(#[source] serde_json::Error),
    /// Written by a newer program.
    #[error("stored form of unknown version {0}")]
    UnknownVersion(u32),
}

impl From<CodecError> for JournalError {
    fn from(error: CodecError) -> Self {
        match error {
            CodecError::Form { version, source } => {
                Self::Corrupt(format!("not the stored form of version {version}: {source}"))
            }
            CodecError::Unversioned(source) => Self::Corrupt(format!("no stored form: {source}")),
            CodecError::UnknownVersion(_) => Self::Corrupt(error.to_string()),
        }
    }
}

/// The bytes to store for an entry at its place in its stream.
pub fn encode(
    partition: &Partition,
    sequence: u64,
    at: Timestamp,
    entry: &Entry,
) -> Result<Vec<u8>, CodecError> {
    write(&Written {
        v: VERSION,
        id: entry.id,
        tenant: &partition.tenant,
        market: &partition.market,
        stream: entry.stream,
        sequence,
        at,
        meta: &entry.meta,
        body: &entry.body,
    })
}

/// The event in stored bytes of any version. Unknown, missing and repeated fields are refused.
pub fn decode(stored: &[u8]) -> Result<Recorded, CodecError> {
    let Versioned { v } = serde_json::from_slice(stored).map_err(CodecError::Unversioned)?;
    let (_, reader) =
        READERS.iter().find(|(version, _)| *version == v).ok_or(CodecError::UnknownVersion(v))?;
    reader(stored).map_err(|source| CodecError::Form { version: v, source })
}

/// The stored form of something in the outbox.
pub fn encode_effect(effect: &Effect) -> Result<Vec<u8>, CodecError> {
    write(effect)
}

/// What [`encode_effect`] wrote.
pub fn decode_effect(stored: &[u8]) -> Result<Effect, CodecError> {
    serde_json::from_slice(stored).map_err(CodecError::Unversioned)
}

/// The stored form of a timer's subject; equal subjects have equal bytes.
pub fn encode_subject(subject: &TimerSubject) -> Result<Vec<u8>, CodecError> {
    write(subject)
}

/// What [`encode_subject`] wrote.
pub fn decode_subject(stored: &[u8]) -> Result<TimerSubject, CodecError> {
    serde_json::from_slice(stored).map_err(CodecError::Unversioned)
}

/// One reader per version that was ever written; each brings its form up to today's event.
const READERS: &[(u32, Reader)] = &[(1, read_version_1)];

type Reader = fn(&[u8]) -> serde_json::Result<Recorded>;

#[derive(Serialize)]
struct Written<'a> {
    v: u32,
    id: EventId,
    tenant: &'a TenantId,
    market: &'a MarketId,
    stream: Stream,
    sequence: u64,
    at: Timestamp,
    meta: &'a Meta,
    body: &'a Body,
}

/// Every version says which it is.
#[derive(Deserialize)]
struct Versioned {
    v: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Version1 {
    #[serde(rename = "v")]
    _version: u32,
    id: EventId,
    tenant: TenantId,
    market: MarketId,
    stream: Stream,
    sequence: u64,
    at: Timestamp,
    meta: Meta,
    body: Body,
}

fn read_version_1(stored: &[u8]) -> serde_json::Result<Recorded> {
    let read: Version1 = serde_json::from_slice(stored)?;
    Ok(Recorded {
        id: read.id,
        partition: Partition { tenant: read.tenant, market: read.market },
        stream: read.stream,
        sequence: read.sequence,
        at: read.at,
        meta: read.meta,
        body: read.body,
        stored: stored.to_vec(),
    })
}

fn write(value: &impl Serialize) -> Result<Vec<u8>, CodecError> {
    serde_json::to_vec(value).map_err(|source| CodecError::Form { version: VERSION, source })
}
