//! A false world for the production code: the use cases on a hand-rolled executor, over the journal in memory, with real
//! device agents behind the carrier, one seeded source of chance and a clock that moves when it is told to.
//!
//! A `world` is small, and scenes are played in it by hand; a `town` is whole, and made of a seed with everything that can
//! go wrong. Neither knows HTTP, and nothing of it is ever shipped. The same seed gives the same world, bit for bit.

pub mod chance;
pub mod coverage;
pub mod executor;
pub mod fixtures;
pub mod happening;
pub mod invariants;
pub mod model;
pub mod plan;
pub mod quick;
pub mod shrink;
pub mod step;
pub mod stop;
pub mod town;
pub mod world;

use carhop_app::Failure;
use carhop_app::ports::JournalError;

/// Why a scene could not be played.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// A use case did not do what was asked.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The world itself could not be set up; a mistake in the scene.
    #[error("{0}")]
    World(String),
    /// Something that must always hold does not.
    #[error("broken invariant: {0}")]
    Broken(String),
}

impl SimError {
    /// A mistake in the scene.
    pub fn world(why: impl core::fmt::Display) -> Self {
        Self::World(why.to_string())
    }
}

impl From<JournalError> for SimError {
    fn from(error: JournalError) -> Self {
        Self::Failed(error.into())
    }
}
