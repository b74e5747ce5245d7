//! Finds the outside test vectors, which are never part of the repository.

use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::vec::Vec;

use serde_json::Value;

/// The folder of shared vectors, or `None` after saying so. Under CI their absence is a failure.
pub(crate) fn folder() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let shared = setting("CARHOP_SHARED").unwrap_or_else(|| default.to_string());
    let folder = Path::new(&shared).join("vectors");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(setting("CI").is_none(), "no shared vectors at {}", folder.display());
    println!("skipped: no shared vectors");
    None
}

/// One JSON file of the folder.
pub(crate) fn json(path: impl AsRef<Path>) -> Option<Value> {
    let path = folder()?.join(path);
    Some(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
}

/// Every JSON file below a folder, with its path, in order.
pub(crate) fn json_below(path: impl AsRef<Path>) -> Vec<(String, Value)> {
    let Some(folder) = folder() else { return Vec::new() };
    let mut files = Vec::new();
    let mut open = std::vec![folder.join(path)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                let value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
                files.push((path.display().to_string(), value));
            }
        }
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files
}

/// Bytes from hexadecimal digits of either case.
pub(crate) fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "tests alone learn from the environment")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
