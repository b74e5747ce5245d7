//! What is proven. Every byte format of Carhop and all of its cryptography: tokens, codes, signed
//! objects, the audit tree. Bytes become evidence here and evidence becomes bytes.
//!
//! It decides nothing, stores nothing and knows no clock and no source of chance: keys, `now` and
//! random bytes are arguments. Without the feature `std` it is `no_std` + alloc, which is what runs
//! on a lock or a pump.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod audit;
pub mod cbor;
pub mod command;
pub mod commitment;
pub mod cose;
pub mod derive;
#[cfg(feature = "std")]
pub mod dpop;
pub mod eat;
pub mod frame;
#[cfg(feature = "std")]
pub mod json;
#[cfg(feature = "std")]
pub mod jwk;
pub mod merkle;
pub mod otp;
#[cfg(feature = "std")]
pub mod pki;
pub mod qr;
pub mod statement;
pub mod suite;
pub mod time_reply;
pub mod token;

#[cfg(test)]
#[cfg(feature = "rustcrypto")]
mod fixture;
#[cfg(feature = "std")]
pub mod vault;
#[cfg(test)]
#[cfg(feature = "std")]
mod vectors;
#[cfg(feature = "std")]
pub mod webauthn;
