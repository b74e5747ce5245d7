//! What every request and answer goes through, whatever it is about: bodies, callers, limits, problems.

pub(crate) mod auth;
pub(crate) mod body;
pub(crate) mod dpop;
pub(crate) mod frame;
pub(crate) mod identify;
pub(crate) mod lanes;
pub(crate) mod limit;
pub(crate) mod problem;
pub(crate) mod single;
pub(crate) mod streams;
pub(crate) mod time;
