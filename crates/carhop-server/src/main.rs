//! Carhop server.
fn main() {}
