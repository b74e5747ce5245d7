//! Every bound of the device side, with its unit last and its source.
//!
//! What the formats bound stands with the formats.

/// How long a lock may take to open before it counts as jammed.
pub const OPEN_MS_MAX: u64 = 5_000;

/// How long an armed pump waits for the nozzle to be lifted (standards §3).
pub const NOZZLE_MS_MAX: u64 = 90_000;
/// How long nothing may flow before a dispensing ends (standards §8.5).
pub const NO_FLOW_MS_MAX: u64 = 120_000;
/// Longest dispensing (standards §8.5).
pub const DISPENSING_MS_MAX: u64 = carhop_kernel::limits::DISPENSING_MS_MAX;
/// What a meter may bring in at once of what flowed before, as time at full flow: sensors report late and in lumps.
pub const FLOW_LATE_MS_MAX: u64 = 1_000;
/// Shortest time between two readings of a flowing meter.
pub const READING_MS_MIN: u64 = 1_000;
/// How long a valve may take to report that it is closed before the dispensing ends as faulty.
pub const STOP_MS_MAX: u64 = 5_000;

/// Longest round trip of a question for the time that still bounds the clock: the skew that a
/// settled revocation allows for (`carhop_proofs::command::COMMAND_SKEW_MS`).
pub const CLOCK_ROUND_TRIP_MS_MAX: u64 = carhop_proofs::command::COMMAND_SKEW_MS;
/// How far a device's oscillator may be off, in parts per million.
pub const CLOCK_DRIFT_PPM_MAX: u64 = 200;
/// How long one answer bounds the clock.
pub const CLOCK_BOUND_MS_MAX: u64 = 10 * 60_000;
/// How often a connected device asks for the time.
pub const CLOCK_REFRESH_MS: u64 = 60_000;
/// When it asks again if no answer came.
pub const CLOCK_RETRY_MS: u64 = 5_000;
/// How long a new connection may be without the gateway's welcome; a gateway waits as long for the hello.
pub const WELCOME_MS_MAX: u64 = 10_000;

/// Commands whose receipts are kept to be sent again.
pub const COMMANDS_KNOWN_MAX: usize = 256;
/// Statements that may wait for their acknowledgement before commands are ignored. What metal does
/// is recorded all the same.
pub const OUTBOX_MAX: usize = 1_024;
/// Statements that are sent ahead of the acknowledgement.
pub const IN_FLIGHT_MAX: usize = 32;
