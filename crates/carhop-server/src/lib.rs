//! Everything a person or partner touches: the HTTP interface, the device gateway, the command line, and the only place
//! where all parts are wired together; as a library for the binary `carhop` and for tests.
//!
//! Nothing is decided here. Handlers extract, ask one use case and render.

// First, so that all others print by it.
#[macro_use]
mod out;

mod activity;
mod api;
mod background;
mod backup;
pub mod basemap;
mod bell;
pub mod cli;
pub mod clock;
pub mod config;
mod demo;
mod device;
mod docs;
pub mod entropy;
mod gateway;
mod http;
pub mod keys;
mod listener;
mod measured;
mod metrics;
mod notary;
mod places;
mod private;
pub mod serve;
mod server;
pub mod timers;
mod tls;
#[cfg_attr(not(feature = "ui"), path = "ui_absent.rs")]
mod ui;
pub mod verify;

pub use server::{ADMIN_KEY_FILE, CA_FILE, StartError};

/// The description of the interface (OpenAPI 3.1, JSON), as it is committed.
pub fn openapi_json() -> String {
    api::openapi_json()
}
