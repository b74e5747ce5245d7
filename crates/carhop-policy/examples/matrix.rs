//! Prints the authorisation matrix of the shipped policies.

use std::process::ExitCode;

use carhop_policy::{Bundle, matrix};

fn main() -> ExitCode {
    match Bundle::embedded() {
        Ok(bundle) => {
            print!("{}", matrix::render(&bundle));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("the shipped policies do not load: {error}");
            ExitCode::FAILURE
        }
    }
}
