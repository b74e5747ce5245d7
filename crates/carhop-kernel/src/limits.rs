//! Every bound of the kernel in one place, with its unit last and its source.

/// Legs of one order.
pub const LEGS_MAX: usize = 8;
/// Longest delivery window (M-TOK-3: no session token outlives twelve hours).
pub const WINDOW_MS_MAX: u64 = 12 * 60 * 60 * 1000;
/// Most fuel that one leg may ask for.
pub const FUEL_ML_MAX: u32 = 200_000;
/// How far a dispensed quantity may pass its limit, for the valve to close (standards §8.10).
pub const FUEL_OVERRUN_ML_MAX: u32 = 50;
/// Releases of one leg before a person must look.
pub const RELEASES_PER_LEG_MAX: u8 = 5;

/// Signed command: longest life, from release to the instant at which the device refuses it (standards §3).
pub const COMMAND_MS_MAX: u64 = 30 * 1000;

/// Session token: longest life (standards §11).
pub const SESSION_TOKEN_MS_MAX: u64 = 12 * 60 * 60 * 1000;
/// Vehicle token: longest life (standards §11).
pub const VEHICLE_TOKEN_MS_MAX: u64 = 30 * 60 * 1000;
/// Action token: longest life (standards §11).
pub const ACTION_TOKEN_MS_MAX: u64 = 60 * 1000;

/// One-time code: how long it works (standards §9).
pub const CODE_MS_MAX: u64 = 120 * 1000;
/// One-time code: tries per code.
pub const CODE_TRIES_MAX: u8 = 5;
/// One-time code: tries per stop.
pub const CODE_TRIES_PER_STOP_MAX: u8 = 10;
/// One-time code: issues per stop.
pub const CODE_ISSUES_PER_STOP_MAX: u8 = 3;

/// Verified recipient: how long the proof counts.
pub const RECIPIENT_FRESH_MS: u64 = 12 * 60 * 60 * 1000;
/// Vehicle matched at the car: how long the match counts.
pub const VEHICLE_MATCH_FRESH_MS: u64 = 10 * 60 * 1000;
/// Approved intent: how long it counts; it also dies with the window.
pub const INTENT_FRESH_MS: u64 = 12 * 60 * 60 * 1000;
/// Place of driver or vehicle by fence: how old the judged position may be.
pub const PLACE_FRESH_MS: u64 = 30 * 1000;
/// Place by venue tag: how long a scan counts.
pub const TAG_FRESH_MS: u64 = 5 * 60 * 1000;
/// Code, scan or approval: how long after it a release may follow.
pub const PRESENCE_FRESH_MS: u64 = 10 * 60 * 1000;
/// Attestation of the driver's device (standards §4: at most ten minutes before a release).
pub const ATTESTATION_FRESH_MS: u64 = 10 * 60 * 1000;
/// Integrity of lock or pump (standards §4).
pub const INTEGRITY_FRESH_MS: u64 = 10 * 60 * 1000;
