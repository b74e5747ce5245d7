//! What is permitted: [`Facts`] about one request and a [`Bundle`] of Cedar policies make a verdict with every
//! reason that stands in the way (M-POL-1).
//!
//! It proves nothing and remembers nothing: the facts are fresh and true because the caller made them so, and
//! policy can only narrow what the kernel allows.

mod bundle;
mod context;
mod evaluate;
mod facts;
pub mod matrix;
mod requirements;
mod rungs;
pub mod sample;
mod scan;
#[cfg(test)]
mod tests;

pub use bundle::{Bundle, BundleError};
pub use evaluate::{
    Explained, PolicyEffect, PolicyOutcome, PolicyReport, Question, evaluate, explain,
};
pub use facts::{
    ActuatorFacts, Facts, HandsetFacts, LegFacts, OrderFacts, PlaceFact, PlaceFacts, Risk,
    Services, TokenFacts, VehicleFacts, WindowState,
};
pub use rungs::RungsError;
pub use scan::ScanError;
