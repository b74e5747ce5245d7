//! Every bound of the kernel in one place, with its unit last and its source.

/// Legs of one order.
pub const LEGS_MAX: usize = 8;
/// Longest delivery window (M-TOK-3: no session token outlives twelve hours).
pub const WINDOW_MS_MAX: u64 = 12 * 60 * 60 * 1000;
/// Most fuel that one leg may ask for.
pub const FUEL_ML_MAX: u32 = 200_000;
/// How far a dispensed quantity may pass its limit, for the valve to close (standards §8.10).
pub const FUEL_OVERRUN_ML_MAX: u32 = 50;
/// Readings of one dispensing that a session's own history tells of, so that no meter can bloat it.
pub const METER_READINGS_MAX: u32 = 256;
/// Exceptions of one kind that a session's own history tells of, so that no device can bloat it.
pub const EXCEPTIONS_PER_KIND_MAX: u32 = 16;
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

/// Plates that do not match before the driver may read no more at a stop.
pub const PLATE_MISSES_PER_STOP_MAX: u8 = 5;
/// Tags that are none of the venue's before the driver may name no more at a stop.
pub const TAG_MISSES_PER_STOP_MAX: u8 = 5;

/// How long after its end a stop may be disputed (M-FLO-6).
pub const DISPUTE_MS_MAX: u64 = 48 * 60 * 60 * 1000;
/// How long a dispute may wait for its answer.
pub const DISPUTE_ANSWER_MS_MAX: u64 = 24 * 60 * 60 * 1000;

/// How long a compartment may stand open before somebody is told.
pub const LEFT_OPEN_MS: u64 = 90 * 1000;
/// How long goods may be locked in without anybody's word that they are, before somebody is told.
pub const UNCONFIRMED_MS: u64 = 5 * 60 * 1000;
/// Longest dispensing, from the arming on: a pump stops by itself then, whatever it hears (standards §8.5).
pub const DISPENSING_MS_MAX: u64 = 15 * 60 * 1000;
/// How long a running pump may say nothing before its session is held for review (standards §8.9).
pub const METER_SILENCE_MS_MAX: u64 = 10 * 60 * 1000;

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

/// How far outside the reported point itself may lie while somebody who has entered is still called inside.
pub const HELD_DISTANCE_M_MAX: f64 = 25.0;
/// Most zones of one fence.
pub const ZONES_MAX: usize = 32;
/// Default of [`FenceLimits::enter_probability`](crate::geofence::FenceLimits) (standards §10).
pub const ENTER_PROBABILITY: f64 = 0.90;
/// Default of [`FenceLimits::exit_probability`](crate::geofence::FenceLimits) (standards §10).
pub const EXIT_PROBABILITY: f64 = 0.10;
/// Default of [`FenceLimits::accuracy_m_max`](crate::geofence::FenceLimits) (standards §10).
pub const ACCURACY_M_MAX: f64 = 100.0;
/// Default of [`FenceLimits::fix_age_ms_max`](crate::geofence::FenceLimits) (standards §10).
pub const FIX_AGE_MS_MAX: u64 = 15_000;
/// Default of [`FenceLimits::dwell_ms_min`](crate::geofence::FenceLimits) (standards §10).
pub const DWELL_MS_MIN: u64 = 20_000;
/// Smallest accuracy radius that is read, in metres: no receiver in a car or a phone knows where it is to a centimetre.
pub const RADIUS_M_MIN: f64 = 0.01;
/// Largest accuracy radius that still says something about the place, in metres.
pub const RADIUS_M_MAX: f64 = 100_000.0;
/// Largest speed that is read at all, in metres per second: faster than any airliner over ground.
pub const SPEED_MPS_MAX: f64 = 400.0;
/// Least probability of an accuracy circle that is read: below it a claim would swell the circle without bound.
pub const CONFIDENCE_MIN: f64 = 0.3;
/// Greatest probability of an accuracy circle that is read: above it a claim would shrink the circle without bound.
pub const CONFIDENCE_MAX: f64 = 0.999;
/// How far from the zones a fix beside a genuine reading may be, in metres.
pub const TAG_DISTANCE_M_MAX: f64 = 150.0;
/// Largest accuracy, as a 68 % radius in metres, of a fix that supports a reading in the open.
pub const TAG_ACCURACY_M_MAX: f64 = 1_000.0;
/// A fix less likely than this to be within that distance contradicts the reading.
pub const NEGLIGIBLE_PROBABILITY: f64 = 0.01;
/// Longest name of a bay, in bytes.
pub const BAY_LENGTH_MAX: usize = 16;
/// Most vertices of a polygon, closing ones included (standards §10).
pub const POLYGON_VERTICES_MAX: usize = 512;
/// Most vertices of all polygons of one fence: each position is judged against every one.
pub const FENCE_VERTICES_MAX: usize = 2_048;
/// Smallest believed standard deviation, in metres: no phone or car knows better where it is.
pub const SIGMA_M_MIN: f64 = 1.0;
/// From this speed on somebody is no longer at rest, in metres per second.
pub const WALKING_MPS_MIN: f64 = 1.0;
/// From this speed on somebody is in motion, in metres per second: faster than walking to the car.
pub const MOTION_MPS_MIN: f64 = 2.5;
/// How long fixes must contradict a presence before it ends, in milliseconds; until then it is uncertain.
pub const LEAVE_SPAN_MS_MIN: u64 = 5_000;
/// Fastest believable travel over ground, in metres per second (standards §10).
pub const TRAVEL_MPS_MAX: f64 = 70.0;
/// How far in the future a fix may be dated, in milliseconds (standards §10).
pub const CLOCK_SKEW_MS_MAX: u64 = 10_000;
/// A stay is continuous over gaps of up to this long, in milliseconds: phones at rest report twice a minute.
pub const SILENCE_MS_MAX: u64 = 60_000;
/// Fixes in a row that must agree about a place out of reach before it is believed.
pub const JUMP_FIXES_MIN: u8 = 3;
/// How long they must agree, in milliseconds.
pub const JUMP_SPAN_MS_MIN: u64 = 600_000;
/// Longest diagonal of the box around a ring, in metres: beyond it the flat map would not be honest.
pub const POLYGON_EXTENT_M_MAX: f64 = 100_000.0;
/// Smallest area of a ring, in square metres.
pub const POLYGON_AREA_M2_MIN: f64 = 1.0;
