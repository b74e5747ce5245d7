//! What we do about it. Each use case loads everything, judges it in kernel and policy, and appends once; effects happen
//! only from the journal's outbox afterwards.
//!
//! Names no runtime, no transport and no database: the outside world is the ports, every deadline a durable timer, and
//! the futures run on any executor.

pub mod batch;
pub mod ports;
pub mod record;
