//! Metal: what stands between the use cases and locks, pumps and consoles. One connection of one
//! device at a time, and who is connected.
//!
//! It names no runtime, opens no socket, owns no timer and verifies no certificate: the shell hands
//! over bytes, the certified identity, chance and the time, and does what it is told (design §9.3).

pub mod gateway;
pub mod presence;
