//! Carhop devices.
