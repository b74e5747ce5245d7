//! The rules of the house that no compiler holds: arrows between crates, sizes, words, places.
//! What Clippy and `cargo deny` can hold stands in their configurations, not here.

#![expect(clippy::unwrap_used, reason = "a test stops at what it cannot read")]

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use source::Source;

/// Every arrow between our packages (design: section 1). A new one is a change of its own, with a
/// decision record.
const ARROWS: [(&str, &[&str]); 13] = [
    ("carhop-kernel", &[]),
    ("carhop-proofs", &["carhop-kernel"]),
    ("carhop-policy", &["carhop-kernel"]),
    ("carhop-app", &["carhop-kernel", "carhop-proofs", "carhop-policy"]),
    ("carhop-journal", &["carhop-kernel", "carhop-app"]),
    ("carhop-devices", &["carhop-kernel", "carhop-proofs", "carhop-app"]),
    ("carhop-agent", &["carhop-kernel", "carhop-proofs"]),
    ("carhop-server", &ALL_BUT_SERVER_AND_SIM),
    ("carhop-sim", &ALL_BUT_SERVER_AND_SIM),
    ("no-std-proof", &["carhop-kernel", "carhop-proofs", "carhop-agent"]),
    ("power-cut", &[]),
    ("hostile-input", &ALL_WITH_PARSERS),
    ("xtask", &[]),
];

const ALL_BUT_SERVER_AND_SIM: [&str; 7] = [
    "carhop-kernel",
    "carhop-proofs",
    "carhop-policy",
    "carhop-app",
    "carhop-journal",
    "carhop-devices",
    "carhop-agent",
];

/// What reads outside bytes, to be fuzzed.
const ALL_WITH_PARSERS: [&str; 7] = [
    "carhop-kernel",
    "carhop-proofs",
    "carhop-policy",
    "carhop-journal",
    "carhop-devices",
    "carhop-agent",
    "carhop-server",
];

type Arrows = BTreeMap<String, BTreeSet<String>>;

#[test]
fn packages_depend_only_along_the_arrows_of_the_design() {
    assert_eq!(arrows_of(None), designed_arrows());
    assert!(arrows_of(Some("build")).values().all(BTreeSet::is_empty));
}

#[test]
fn tests_depend_along_the_same_arrows_and_few_of_them_on_the_simulator_or_the_power_cut() {
    let tests = arrows_of(Some("dev"));
    assert_eq!(stray_test_arrows(&tests), [""; 0]);
}

#[test]
fn the_crates_folder_holds_the_nine_crates_and_nothing_else() {
    let found = fs::read_dir(root().join("crates")).unwrap().count();
    assert_eq!(found, ARROWS.iter().filter(|(name, _)| name.starts_with("carhop-")).count());
}

#[test]
fn every_attack_of_the_threat_model_is_held_by_tests_that_exist() {
    let sources: String = ["crates", "tests"]
        .iter()
        .flat_map(|folder| files_under(&root().join(folder)))
        .filter(|file| file.extension().is_some_and(|end| end == "rs"))
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let model = fs::read_to_string(root().join("docs/threat-model.md")).unwrap();
    let rows: Vec<_> =
        model.lines().filter(|line| line.matches('|').count() == 4).skip(2).collect();
    assert!(rows.len() > 30, "the table of attacks is lost: {} rows", rows.len());
    let missing = |row: &&str| {
        let tests: Vec<_> = row.rsplit('|').nth(1).unwrap().split('`').skip(1).step_by(2).collect();
        tests.is_empty() || !tests.iter().all(|test| sources.contains(&format!("fn {test}(")))
    };
    let unheld: Vec<_> = rows.into_iter().filter(missing).collect();
    assert!(unheld.is_empty(), "\n{}\n", unheld.join("\n"));
}

#[test]
fn every_source_file_is_tidy() {
    let files: Vec<_> = ["crates", "tests", "xtask"]
        .iter()
        .flat_map(|folder| files_under(&root().join(folder)))
        .filter(|file| file.extension().is_some_and(|end| end == "rs"))
        .collect();
    assert!(files.len() > ARROWS.len(), "the walk has lost the sources");
    let mut problems = Vec::new();
    for file in files {
        let path = file.strip_prefix(root()).unwrap().to_str().unwrap();
        problems.extend(Source::new(path, &fs::read_to_string(&file).unwrap()).problems());
    }
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn clippy_has_one_configuration_because_a_second_would_replace_it() {
    let configurations: Vec<_> = files_under(&root())
        .into_iter()
        .filter(|file| file.ends_with("clippy.toml") || file.ends_with(".clippy.toml"))
        .collect();
    assert_eq!(configurations, [root().join("clippy.toml")]);
}

#[test]
fn a_planted_test_arrow_is_found() {
    let rows = [
        ("carhop-server", "carhop-sim", true),
        ("carhop-app", "carhop-kernel", true),
        ("carhop-app", "carhop-app", true),
        ("carhop-journal", "power-cut", true),
        ("carhop-app", "power-cut", false),
        ("carhop-app", "carhop-sim", false),
        ("carhop-kernel", "carhop-proofs", false),
        ("carhop-sim", "carhop-server", false),
    ];
    for (from, to, is_fine) in rows {
        let planted = Arrows::from([(from.into(), BTreeSet::from([to.into()]))]);
        assert_eq!(stray_test_arrows(&planted).is_empty(), is_fine, "{from} -> {to}");
    }
}

fn designed_arrows() -> Arrows {
    ARROWS
        .iter()
        .map(|(from, to)| {
            (String::from(*from), to.iter().map(|name| String::from(*name)).collect())
        })
        .collect()
}

/// What `cargo metadata` says of our packages, and of nobody else's: no kind is the ordinary
/// one. Read without a library of its own, because that would switch on features of the
/// JSON parser, and half of the server would be built twice.
fn arrows_of(kind: Option<&str>) -> Arrows {
    let manifest = root().join("Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"])
        .arg(manifest)
        .output()
        .unwrap();
    let metadata: Metadata = serde_json::from_slice(&output.stdout).unwrap();
    let ours: BTreeSet<_> = metadata.packages.iter().map(|package| package.name.clone()).collect();
    let targets = |package: &Package| {
        let chosen =
            package.dependencies.iter().filter(|dependency| dependency.kind.as_deref() == kind);
        chosen
            .map(|dependency| dependency.name.clone())
            .filter(|name| ours.contains(name))
            .collect()
    };
    metadata.packages.iter().map(|package| (package.name.clone(), targets(package))).collect()
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

fn stray_test_arrows(tests: &Arrows) -> Vec<String> {
    let designed = designed_arrows();
    let mut stray = Vec::new();
    for (from, targets) in tests {
        for to in targets {
            let is_fine = from == to
                || designed[from].contains(to)
                || (from == "carhop-server" && to == "carhop-sim")
                || (["carhop-journal", "carhop-server"].contains(&from.as_str())
                    && to == "power-cut");
            if !is_fine {
                stray.push(format!("{from} -> {to}"));
            }
        }
    }
    stray
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every file of the tree, without build output, hidden folders and what the web build fetches.
fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !path.is_dir() {
            files.push(path);
        } else if name != "target" && name != "node_modules" && !name.starts_with('.') {
            files.extend(files_under(&path));
        }
    }
    files.sort();
    files
}
