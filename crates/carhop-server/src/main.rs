//! The program `carhop`.

use std::process::ExitCode;

fn main() -> ExitCode {
    carhop_server::cli::main()
}
