//! Every parser of outside bytes, each with the laws it keeps whatever it is fed (design: section 8).
//!
//! A law is more than "no panic": what is accepted is written back to the same bytes wherever a format has
//! one form, two cryptographic libraries agree, and memory and work stay within a bound of the input. The
//! same laws run briefly with every test and for hours under a fuzzer that sees the coverage (`main.rs`).
//! What is refused with which reason stands in the tests of the parser itself.

#![expect(clippy::unwrap_used, reason = "these are tests: a broken law stops them")]

pub mod brief;
mod certificates;
mod codes;
mod devices;
mod frames;
#[cfg(feature = "server")]
mod gateway;
mod json;
mod keys;
mod log;
mod names;
mod passkeys;
mod places;
mod secrets;
#[cfg(feature = "server")]
mod settings;
mod signed;
#[cfg(feature = "server")]
mod stored;

use std::panic::RefUnwindSafe;

/// One parser, or several of the same bytes.
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Sound inputs, each of which is accepted. Mutations start from them.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Checks the laws on any bytes and says whether they were accepted. Panics where one is broken.
    pub law: fn(&[u8]) -> bool,
    /// How much memory and work an input may cost.
    pub cost: Cost,
}

/// What an input may cost: a part that is always there, and a part for each byte.
#[derive(Clone, Copy)]
pub struct Cost {
    /// Bytes that may be held at the same time for each byte of input.
    pub bytes_per_byte: u64,
    /// Bytes that may be held at the same time for any input at all.
    pub bytes_base: u64,
    /// Allocations for each byte of input; they stand for steps, because a clock would not repeat itself.
    pub steps_per_byte: u64,
    /// Allocations for any input at all.
    pub steps_base: u64,
}

impl Cost {
    /// For what reads without building much.
    pub const SMALL: Self =
        Self { bytes_per_byte: 32, bytes_base: 32 * 1024, steps_per_byte: 2, steps_base: 500 };
    /// For what builds trees of values out of text.
    pub const TREE: Self =
        Self { bytes_per_byte: 300, bytes_base: 128 * 1024, steps_per_byte: 20, steps_base: 5_000 };
    /// For what works on a fixed set-up of its own.
    pub const LARGE: Self = Self {
        bytes_per_byte: 2_000,
        bytes_base: 64 * 1024 * 1024,
        steps_per_byte: 2_000,
        steps_base: 4_000_000,
    };
}

impl RefUnwindSafe for Target {}

impl Target {
    /// Checks the laws on `input`, its cost included, and says whether it was accepted.
    ///
    /// # Panics
    /// If a law is broken.
    pub fn hold(&self, input: &[u8]) -> bool {
        let mut accepted = false;
        let used = allocation_counter::measure(|| accepted = (self.law)(input));
        let (length, cost) = (input.len() as u64, self.cost);
        let bytes_max = cost.bytes_base + cost.bytes_per_byte * length;
        let steps_max = cost.steps_base + cost.steps_per_byte * length;
        assert!(used.bytes_max <= bytes_max, "{} bytes for an input of {length}", used.bytes_max);
        assert!(used.count_total <= steps_max, "{} steps for {length} bytes", used.count_total);
        accepted
    }
}

/// Every target, in the order of the modules.
pub fn targets() -> Vec<&'static Target> {
    [
        certificates::TARGETS,
        codes::TARGETS,
        devices::TARGETS,
        frames::TARGETS,
        #[cfg(feature = "server")]
        gateway::TARGETS,
        json::TARGETS,
        log::TARGETS,
        names::TARGETS,
        passkeys::TARGETS,
        places::TARGETS,
        secrets::TARGETS,
        #[cfg(feature = "server")]
        settings::TARGETS,
        signed::TARGETS,
        #[cfg(feature = "server")]
        stored::TARGETS,
    ]
    .concat()
}

/// The target with this name.
pub fn target(name: &str) -> Option<&'static Target> {
    targets().into_iter().find(|target| target.name == name)
}
