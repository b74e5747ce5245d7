//! Compiles the layer that stands between a program and its files. Only Linux has it.

use std::path::Path;
use std::process::{Command, ExitCode};

#[expect(clippy::disallowed_methods, reason = "cargo talks to a build script in its environment")]
fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=src/layer.c");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return ExitCode::SUCCESS;
    }
    let Ok(folder) = std::env::var("OUT_DIR") else { return ExitCode::FAILURE };
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "src/layer.c", "-ldl", "-pthread"])
        .arg("-o")
        .arg(Path::new(&folder).join("layer.so"))
        .status();
    match built {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) | Err(_) => {
            println!("cargo::error=a C compiler named `cc` is needed, as for SQLite");
            ExitCode::FAILURE
        }
    }
}
