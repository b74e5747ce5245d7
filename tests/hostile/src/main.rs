//! Fuzzes one target; `cargo xtask fuzz` builds this with the instrumentation that lets libFuzzer see the
//! coverage, and calls it. Built without, the inputs are bolero's own noise, which finds little.

#![expect(clippy::unwrap_used, reason = "a test program stops at what it cannot do")]

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use bolero::{DefaultEngine, TargetLocation, TestTarget};
use hostile_input::{Target, target, targets};

/// Arguments: the name of a target and a folder, into which its seeds are written first.
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [name, folder] = &arguments[..]
        && let Some(target) = target(name)
    {
        write_seeds(target, folder.as_ref());
        TestTarget::new(DefaultEngine::new(here())).for_each(move |input: &[u8]| {
            target.hold(input);
        });
        return ExitCode::SUCCESS;
    }
    for target in targets() {
        println!("{}", target.name);
    }
    ExitCode::SUCCESS
}

fn write_seeds(target: &Target, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for (number, seed) in (target.seeds)().iter().enumerate() {
        fs::write(folder.join(format!("seed-{number}")), seed).unwrap();
    }
}

fn here() -> TargetLocation {
    TargetLocation {
        package_name: env!("CARGO_PKG_NAME"),
        manifest_dir: env!("CARGO_MANIFEST_DIR"),
        module_path: module_path!(),
        file: file!(),
        line: line!(),
        item_path: "main",
        test_name: None,
    }
}
