//! The pages for people: built by Node into `web/dist`, which the server embeds, and tried in a real browser. What they show
//! is the business of `web`; how npm is called stands in its `package.json`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, bail, ensure};

use crate::commands::{output, root, run, setting};
use crate::tools::install_package;

/// Builds the pages if something they are made of has changed since.
pub fn build() -> anyhow::Result<()> {
    prepare()?;
    let built = modified(&folder().join("dist/customer.html"));
    let description = root().join("docs/generated/openapi.json");
    let newest =
        sources(&folder())?.iter().chain([&description]).filter_map(|path| newest(path)).max();
    if built.is_some_and(|built| newest.is_some_and(|newest| newest <= built)) {
        return Ok(());
    }
    run(npm().args(["run", "--silent", "build"]))
}

/// Types, lints, layout and the tests of what needs no browser.
pub fn check() -> anyhow::Result<()> {
    run(npm().args(["run", "--silent", "check"]))?;
    run(npm().args(["run", "--silent", "test"]))
}

/// Whole journeys in Chromium against this server.
pub fn try_in_browser(carhop: &Path) -> anyhow::Result<()> {
    let chromium = chromium()?;
    run(npm().args(["run", "--silent", "browser"]).env("CARHOP", carhop).env("CHROMIUM", chromium))
}

/// Whether the pages can be built here.
pub fn has_node() -> bool {
    node().is_ok()
}

/// Node of the right age, and what the lock file names.
fn prepare() -> anyhow::Result<()> {
    if node().is_err() {
        println!("Node {NODE_MIN} with npm is not there: installing what the system has");
        // What counts is whether it is there afterwards.
        let _ = install_package("npm");
    }
    node()?;
    let (lock, kept) = ("package-lock.json", "node_modules/.carhop-lock.json");
    let wanted = fs::read(folder().join(lock))?;
    if fs::read(folder().join(kept)).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    println!("the libraries of the pages are not there yet: installing them");
    run(npm().args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))?;
    Ok(fs::write(folder().join(kept), wanted)?)
}

fn node() -> anyhow::Result<()> {
    let missing = || {
        format!(
            "the pages need Node {NODE_MIN}.19 or newer with npm; without it, build the server with `--no-default-features`"
        )
    };
    let said = output(Command::new("node").arg("--version")).with_context(missing)?;
    let major = said.trim().trim_start_matches('v').split('.').next().unwrap_or_default();
    let major: u32 = major.parse().with_context(missing)?;
    ensure!(major >= NODE_MIN, "{}; this is {}", missing(), said.trim());
    Ok(())
}

/// A browser; where there is none, the system's package manager is asked.
fn chromium() -> anyhow::Result<PathBuf> {
    let found = || {
        let named = setting("CHROMIUM").map(PathBuf::from).into_iter();
        named.chain(CHROMIUMS.iter().map(PathBuf::from)).find(|path| path.is_file())
    };
    if let Some(path) = found() {
        return Ok(path);
    }
    println!("Chromium is not there: installing it");
    // What counts is whether it is there afterwards.
    let installed = install_package("chromium");
    match found() {
        Some(path) => Ok(path),
        None => bail!(
            "Chromium is missing ({installed:?}); on Debian: apt-get install chromium; elsewhere set CHROMIUM to it"
        ),
    }
}

fn npm() -> Command {
    let mut command = Command::new("npm");
    command.current_dir(folder());
    command
}

fn folder() -> PathBuf {
    root().join("web")
}

/// What the pages are made of: every page that stands there, and what all of them share.
fn sources(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let shared = ["src", "public", "package-lock.json", "package.json", "vite.config.ts"];
    let mut found: Vec<PathBuf> = shared.iter().map(|name| folder.join(name)).collect();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        found.extend(Some(path).filter(|path| path.extension().is_some_and(|end| end == "html")));
    }
    Ok(found)
}

/// When the youngest file in a folder was changed.
fn newest(path: &Path) -> Option<SystemTime> {
    if !path.is_dir() {
        return modified(path);
    }
    let entries = fs::read_dir(path).ok()?.filter_map(Result::ok);
    entries.filter_map(|entry| newest(&entry.path())).max()
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|found| found.modified()).ok()
}

const NODE_MIN: u32 = 20;
const CHROMIUMS: [&str; 3] =
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_a_source_of_the_pages() {
        let found = sources(&folder()).unwrap();
        for page in ["customer.html", "driver.html", "console.html", "package.json"] {
            assert!(found.contains(&folder().join(page)), "{page}");
        }
        assert!(found.iter().all(|path| path.exists()), "{found:?}");
        assert!(!found.contains(&folder().join("dist")));
    }
}
