//! Deliberate bugs for the simulator to find: the sources are copied, the copy is rewritten so that each bug has a switch,
//! built once, and run for each bug until an invariant breaks.
//!
//! What the bugs are stands in `crates/carhop-sim/mutants.toml`; what finds them is the simulator's business. Nothing of
//! this is in any program: the switches exist in the copy alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::commands::{monotonic_time, output, root, run, target_folder};
use crate::sim;

/// One deliberate bug.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutant {
    name: String,
    /// Which file it is in, from the root of the repository.
    file: String,
    /// What it takes the place of; occurs once.
    find: String,
    /// The expression instead of that one.
    replace: Option<String>,
    /// The text instead of that one, with `ON` for the switch.
    rewrite: Option<String>,
    breaks: String,
    /// Which invariant ought to break.
    expect: String,
    /// What the plans say behind their seed where it needs particular circumstances; any world if nothing is said.
    #[serde(default)]
    aim: String,
}

/// What came of one bug.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Caught {
        invariant: String,
        seed: u64,
        seeds: u64,
    },
    Survived,
    /// It was not found in the time there was: nothing is known.
    TimedOut,
}

/// Runs up to `seeds` worlds of each bug, or of those whose name contains `only`; fails if one is not found.
pub fn run_all(seeds: u64, only: Option<&str>) -> anyhow::Result<()> {
    let mutants = read()?;
    let program = build(&mutants)?;
    let began = monotonic_time();
    if only.is_none() {
        for aim in mutants.iter().map(|mutant| &mutant.aim).collect::<BTreeSet<_>>() {
            let fate = play(&program, 0, seeds.min(SEEDS_WITHOUT), aim)?;
            ensure!(fate == Fate::Survived, "without any bug, {aim}: {fate:?}");
        }
    }
    println!("{:<40} {:<32} {:>8} {:>6}", "bug", "broken invariant", "seed", "seeds");
    let chosen: Vec<_> = numbered(&mutants)
        .filter(|(_, mutant)| only.is_none_or(|part| mutant.name.contains(part)))
        .collect();
    let survivors = hunt(&program, &chosen, seeds)?;
    let seconds = (monotonic_time() - began).as_secs_f64();
    println!("{} of {} found in {seconds:.0} s", chosen.len() - survivors.len(), chosen.len());
    ensure!(survivors.is_empty(), "not found: {}", survivors.join(", "));
    Ok(())
}

/// Looks for the bugs, some at once, and says what came of each as soon as that is known; the names of those that survive.
fn hunt<'a>(
    program: &Path,
    mutants: &[(u32, &'a Mutant)],
    seeds: u64,
) -> anyhow::Result<Vec<&'a str>> {
    let (next, survivors) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || -> anyhow::Result<()> {
        while let Some((number, mutant)) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
            let fate = play(program, *number, seeds, &mutant.aim)?;
            println!("{}", line(mutant, &fate));
            if !matches!(fate, Fate::Caught { .. }) {
                survivors.lock().unwrap_or_else(PoisonError::into_inner).push(&*mutant.name);
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let hunters: Vec<_> = (0..HUNTERS).map(|_| scope.spawn(work)).collect();
        hunters
            .into_iter()
            .try_for_each(|hunter| hunter.join().unwrap_or_else(|_| bail!("a hunter panicked")))
    })?;
    Ok(survivors.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn line(mutant: &Mutant, fate: &Fate) -> String {
    let (name, expect) = (&mutant.name, &mutant.expect);
    match fate {
        Fate::Caught { invariant, seed, seeds } => {
            format!("{name:<40} {invariant:<32} {seed:>8} {seeds:>6}")
        }
        Fate::Survived => format!("{name:<40} SURVIVED: {} ({expect} holds)", mutant.breaks),
        Fate::TimedOut => format!("{name:<40} NOT FOUND in {SECONDS_MAX} s: {}", mutant.breaks),
    }
}

fn read() -> anyhow::Result<Vec<Mutant>> {
    #[derive(Deserialize)]
    struct Table {
        mutant: Vec<Mutant>,
    }
    let text = fs::read_to_string(root().join(TABLE)).context(TABLE)?;
    Ok(toml::from_str::<Table>(&text).context(TABLE)?.mutant)
}

/// The bugs with their switches. Zero is none of them.
fn numbered(mutants: &[Mutant]) -> impl Iterator<Item = (u32, &Mutant)> {
    (1..).zip(mutants)
}

/// Copies, rewrites and builds; the program with all switches. The profile is `dev` with our own code optimised, so that
/// everything that is not ours is built already.
fn build(mutants: &[Mutant]) -> anyhow::Result<PathBuf> {
    let folder = target_folder()?;
    let tree = folder.join("mutants");
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for (file, text) in sources()? {
        let here: Vec<_> = numbered(mutants).filter(|(_, mutant)| mutant.file == file).collect();
        let text = if here.is_empty() { text } else { rewritten(&text, &here)? };
        files.insert(file, text);
    }
    for mutant in mutants {
        let package = mutant.file.split("/src/").next().unwrap_or_default();
        let manifest = files.get_mut(&format!("{package}/Cargo.toml")).context("no manifest")?;
        if !manifest.contains("carhop-mutants") {
            *manifest = manifest.replacen("[dependencies]\n", DEPENDENCY, 1);
        }
    }
    files.insert("crates/carhop-mutants/Cargo.toml".to_owned(), MANIFEST.to_owned());
    files.insert("crates/carhop-mutants/src/lib.rs".to_owned(), SWITCHES.to_owned());
    for (file, text) in &files {
        write(&tree.join(file), text)?;
    }
    let mut build = sim::build();
    // Another profile keeps what is built of the copy apart from what is built without bugs.
    build.args(["--offline", "--config", "profile.dev.debug=false"]);
    run(build.current_dir(&tree).arg("--target-dir").arg(&folder))?;
    // The next build without bugs takes the place of the program.
    let program = folder.join("mutants/carhop-sim");
    fs::copy(folder.join("debug/carhop-sim"), &program)?;
    Ok(program)
}

/// Every file of the repository that cargo could want, with its text.
fn sources() -> anyhow::Result<Vec<(String, String)>> {
    let mut list = Command::new("git");
    list.current_dir(root()).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let mut sources = Vec::new();
    for file in output(&mut list)?.split_terminator('\0') {
        // What is no text belongs to pages and tests; what is listed and gone was just removed.
        if let Ok(text) = fs::read_to_string(root().join(file)) {
            sources.push((file.to_owned(), text));
        }
    }
    Ok(sources)
}

/// Leaves alone what is the same, so that it need not be built again.
fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    if fs::read_to_string(file).is_ok_and(|known| known == text) {
        return Ok(());
    }
    fs::create_dir_all(file.parent().context("a file without a folder")?)?;
    fs::write(file, text).with_context(|| file.display().to_string())
}

/// The text with a switch for each bug in it.
fn rewritten(text: &str, mutants: &[(u32, &Mutant)]) -> anyhow::Result<String> {
    let mut sites: BTreeMap<&str, Vec<(u32, &Mutant)>> = BTreeMap::new();
    for (number, mutant) in mutants {
        let found = text.matches(&mutant.find).count();
        ensure!(found == 1, "`{}` occurs {found} times in {}", mutant.name, mutant.file);
        sites.entry(&mutant.find).or_default().push((*number, mutant));
    }
    let mut text = text.to_owned();
    for (find, bugs) in sites {
        text = text.replacen(find, &site(find, &bugs)?, 1);
    }
    Ok(text)
}

fn site(find: &str, bugs: &[(u32, &Mutant)]) -> anyhow::Result<String> {
    let on = |number| format!("carhop_mutants::on({number})");
    if let [(number, Mutant { rewrite: Some(rewrite), replace: None, .. })] = bugs {
        return Ok(rewrite.replace("ON", &on(*number)));
    }
    let mut choice = "(".to_owned();
    for (number, mutant) in bugs {
        let Some(replace) = mutant.replace.as_ref().filter(|_| mutant.rewrite.is_none()) else {
            bail!("`{}` needs either `replace`, or `rewrite` and its place alone", mutant.name);
        };
        let _ = write!(choice, "if {} {{ {replace} }} else ", on(*number));
    }
    Ok(format!("{choice}{{ {find} }})"))
}

/// Plays worlds until one breaks.
fn play(program: &Path, switch: u32, seeds: u64, aim: &str) -> anyhow::Result<Fate> {
    let jobs = if switch == 0 { HUNTERS } else { 1 };
    let (jobs, seeds) = (jobs.to_string(), seeds.to_string());
    let mut worlds = Command::new("timeout");
    worlds.arg(SECONDS_MAX).arg(program).arg("--no-shrink");
    worlds.args(["--jobs", &jobs, "--seeds", &seeds, "--aim", aim]);
    let output = worlds.env("CARHOP_MUTANT", switch.to_string()).output().context("timeout")?;
    if output.status.success() {
        return Ok(Fate::Survived);
    }
    if output.status.code() == Some(TIMED_OUT) {
        return Ok(Fate::TimedOut);
    }
    let told = String::from_utf8_lossy(&output.stdout);
    fate(&told).with_context(|| {
        format!("the simulator failed otherwise: {told}{}", String::from_utf8_lossy(&output.stderr))
    })
}

/// What the simulator's line `seed S broke INVARIANT after N seeds: ..` says.
fn fate(told: &str) -> Option<Fate> {
    let line = told.lines().find(|line| line.starts_with("seed ") && line.contains(" broke "))?;
    let mut words = line.split_whitespace().skip(1);
    let seed = words.next()?.parse().ok()?;
    let invariant = words.nth(1)?.trim_end_matches(':').to_owned();
    let seeds = words.nth(1).and_then(|count| count.parse().ok()).unwrap_or(1);
    Some(Fate::Caught { invariant, seed, seeds })
}

const TABLE: &str = "crates/carhop-sim/mutants.toml";
/// Worlds that show, for each aim, that nothing breaks without a bug.
const SEEDS_WITHOUT: u64 = 10;
/// So many bugs are looked for at once, each on a core of its own.
const HUNTERS: usize = 2;
/// Longest search for one bug.
const SECONDS_MAX: &str = "900";
/// How `timeout` says so.
const TIMED_OUT: i32 = 124;
const DEPENDENCY: &str = "[dependencies]\ncarhop-mutants = { path = \"../carhop-mutants\" }\n";
const MANIFEST: &str =
    "[package]\nname = \"carhop-mutants\"\nversion = \"0.0.0\"\nedition = \"2024\"\n";
const SWITCHES: &str = r#"//! Which bug is on.
use std::sync::OnceLock;

static ON: OnceLock<u32> = OnceLock::new();

pub fn on(number: u32) -> bool {
    let read = || std::env::var("CARHOP_MUTANT").ok().and_then(|text| text.parse().ok());
    *ON.get_or_init(|| read().unwrap_or(0)) == number
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(find: &str, replace: Option<&str>, rewrite: Option<&str>) -> Mutant {
        let [name, file, breaks, expect] =
            ["bug", "crates/x/src/lib.rs", "", ""].map(str::to_owned);
        let (replace, rewrite) = (replace.map(str::to_owned), rewrite.map(str::to_owned));
        let (find, aim) = (find.to_owned(), String::new());
        Mutant { name, file, find, replace, rewrite, breaks, expect, aim }
    }

    #[test]
    fn every_bug_has_its_one_place_and_a_name_of_its_own() {
        let mutants = read().unwrap();
        assert!(mutants.len() >= 40, "only {}", mutants.len());
        let mut names = BTreeSet::new();
        for mutant in &mutants {
            assert!(names.insert(&mutant.name), "`{}` twice", mutant.name);
            let text = fs::read_to_string(root().join(&mutant.file)).unwrap();
            let found = text.matches(&mutant.find).count();
            assert_eq!(
                found, 1,
                "the deliberate bug `{}` is {found} times in {}: its `find` in {TABLE} has to follow the code",
                mutant.name, mutant.file
            );
        }
        for file in mutants.iter().map(|mutant| &mutant.file).collect::<BTreeSet<_>>() {
            let text = fs::read_to_string(root().join(file)).unwrap();
            let here: Vec<_> =
                numbered(&mutants).filter(|(_, mutant)| mutant.file == *file).collect();
            rewritten(&text, &here).unwrap();
        }
    }

    #[test]
    fn an_expression_gets_one_switch_for_each_of_its_bugs() {
        let (one, two) =
            (mutant("a < b", Some("a <= b"), None), mutant("a < b", Some("true"), None));
        let text = rewritten("if a < b {}", &[(3, &one), (4, &two)]).unwrap();
        let expected = "if (if carhop_mutants::on(3) { a <= b } else if carhop_mutants::on(4) { true } \
                        else { a < b }) {}";
        assert_eq!(text, expected);
        let other = mutant("f()?;", None, Some("if !ON { f()?; }"));
        let text = rewritten("f()?;", &[(5, &other)]).unwrap();
        assert_eq!(text, "if !carhop_mutants::on(5) { f()?; }");
    }

    #[test]
    fn what_does_not_occur_once_or_cannot_be_rewritten_is_refused() {
        let twice = mutant("a", Some("b"), None);
        assert!(rewritten("a a", &[(1, &twice)]).is_err());
        assert!(rewritten("c", &[(1, &twice)]).is_err());
        let neither = mutant("a", None, None);
        assert!(rewritten("a", &[(1, &neither)]).is_err());
        let rewrite = mutant("a", None, Some("ON"));
        assert!(rewritten("a", &[(1, &twice), (2, &rewrite)]).is_err());
    }

    #[test]
    fn the_line_of_a_broken_seed_is_understood() {
        let told = "playing\nseed 17 broke durable_before_sent after 3 seeds: too early\n";
        let (invariant, seed, seeds) = ("durable_before_sent".to_owned(), 17, 3);
        assert_eq!(fate(told), Some(Fate::Caught { invariant, seed, seeds }));
        assert_eq!(fate("all well"), None);
    }
}
