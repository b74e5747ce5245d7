//! Everything a person or partner touches, as a library for the binary `carhop` and for tests.

pub mod verify;
