//! Carhop agent.
#![no_std]
extern crate alloc;
