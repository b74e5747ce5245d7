//! Carhop sim.
