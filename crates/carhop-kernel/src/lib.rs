//! What may happen. The kernel holds the vocabulary and every rule that can be decided from values alone:
//! orders, sessions and their legs, evidence and its freshness, tokens, geofences, limits.
//!
//! It does not know what a clock, a database, a network, a signature format or Cedar is: `#![no_std]`
//! makes most of that unresolvable, and time and chance arrive as arguments.
#![no_std]

extern crate alloc;

pub mod actor;
pub mod device;
pub mod digest;
pub mod evidence;
pub mod freshness;
pub mod geofence;
pub mod id;
pub mod limits;
pub mod order;
pub mod reason;
pub mod session;
pub mod time;
pub mod token;
pub mod verdict;
