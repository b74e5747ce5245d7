//! Files that are generated from the code and committed, so that a change of them is reviewed.
//! What they say is the business of `carhop docs`; here they are only written and compared.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use crate::commands::{root, run, target_folder};

/// Writes them anew; `carhop` is a call of the program that still lacks its arguments.
pub fn update(carhop: &mut Command) -> anyhow::Result<()> {
    generate(carhop, &committed_folder())
}

/// Fails if [`update`] would change a file.
pub fn check(carhop: &mut Command) -> anyhow::Result<()> {
    let fresh_folder = target_folder()?.join("generated");
    generate(carhop, &fresh_folder)?;
    let changed = differences(&committed_folder(), &fresh_folder)?;
    ensure!(
        changed.is_empty(),
        "generated files are out of date: {}; run `cargo xtask update` and commit",
        changed.join(", ")
    );
    Ok(())
}

fn committed_folder() -> PathBuf {
    root().join("docs/generated")
}

fn generate(carhop: &mut Command, folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        Ok(()) | Err(_) => fs::create_dir_all(folder)?,
    }
    run(carhop.args(["docs", "--out"]).arg(folder))
}

/// The names of the files that only one folder has, or that are not the same in both.
fn differences(left: &Path, right: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = names_within(left)?;
    names.extend(names_within(right)?);
    let differs = |name: &String| fs::read(left.join(name)).ok() != fs::read(right.join(name)).ok();
    Ok(names.into_iter().filter(differs).collect())
}

fn names_within(folder: &Path) -> anyhow::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    if !folder.exists() {
        return Ok(names);
    }
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            let inner = names_within(&entry.path())?;
            names.extend(inner.iter().map(|inner| format!("{name}/{inner}")));
        } else {
            names.insert(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_a_missing_and_a_stale_file_are_named() {
        let scratch = tempfile::tempdir().unwrap();
        let [committed, fresh] = ["committed", "fresh"].map(|name| scratch.path().join(name));
        let files = [
            (&committed, "same.md", "a"),
            (&fresh, "same.md", "a"),
            (&committed, "inner/changed.md", "a"),
            (&fresh, "inner/changed.md", "b"),
            (&committed, "stale.md", ""),
            (&fresh, "new.md", ""),
        ];
        for (folder, name, text) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let expected = ["inner/changed.md", "new.md", "stale.md"];
        assert_eq!(differences(&committed, &fresh).unwrap(), expected);
        assert_eq!(differences(&fresh, &fresh).unwrap(), [""; 0]);
    }
}
