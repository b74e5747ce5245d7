//! What happened, durably: two independent adapters of the journal port, [`SqliteJournal`] and [`MemoryJournal`].
//! They share the stored form of events and nothing else; one conformance suite holds them to one meaning.
//!
//! Nothing here judges a request, folds a session, seals personal data or builds the log's tree.

pub mod codec;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "conformance")]
pub mod golden;
mod memory;
mod sqlite;

pub use memory::MemoryJournal;
pub use sqlite::{OpenError, SqliteJournal, copy_journal};
