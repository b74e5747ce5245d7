//! The power fails while the process appends, at many moments and with different losses; and a flush fails once.
//! That the layer beneath would find a fault is shown by faults: weaker settings, and flushes that are skipped.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use power_cut::{Change, Disk, Fault, Loss, between, read, steered};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use crate::load::{self, Acknowledged};

/// Runs everything that needs the layer.
pub fn test() {
    whatever_was_acknowledged_survives_a_power_cut_at_any_moment();
    a_weaker_setting_or_a_skipped_flush_would_be_found();
    after_a_flush_that_failed_nothing_is_acknowledged_until_the_journal_is_opened_again();
    what_a_failed_flush_left_in_the_cache_is_on_the_disk_before_the_next_opening_builds_on_it();
    on_a_full_disk_only_what_takes_something_away_is_taken_and_nothing_is_lost();
}

fn whatever_was_acknowledged_survives_a_power_cut_at_any_moment() {
    let run = Run::new();
    run.append(BATCHES, None);
    let found = run.cut_power(CUTS, |path, acknowledged| load::check(path, acknowledged).map(drop));
    assert_eq!(found, None);
    println!("whatever_was_acknowledged_survives_a_power_cut_at_any_moment ... ok");
}

fn a_weaker_setting_or_a_skipped_flush_would_be_found() {
    for (level, is_lost) in [("FULL", false), ("NORMAL", true), ("OFF", true)] {
        let run = Run::new();
        said_by(run.child([BARE, "", level]));
        let found = run.cut_power(CUTS, check_bare);
        assert_eq!(found.is_some(), is_lost, "synchronous = {level}: {found:?}");
    }
    let run = Run::new();
    run.append(2, Some(Fault::FlushesAreSkipped));
    let found = run.cut_power(CUTS, |path, acknowledged| load::check(path, acknowledged).map(drop));
    assert!(found.is_some(), "skipped flushes are not found");
    println!("a_weaker_setting_or_a_skipped_flush_would_be_found ... ok");
}

/// The system forgets what a failed flush did not write and calls it written (fsyncgate); so nothing may be built on
/// it, neither by this process nor by the next one, which still reads it from the cache.
fn after_a_flush_that_failed_nothing_is_acknowledged_until_the_journal_is_opened_again() {
    for fault in [Fault::WalFlushFails(20), Fault::FlushFails(1)] {
        let run = Run::new();
        let first = run.append(FAILING_BATCHES, Some(fault));
        assert!(!fault.is_set(&run.controls()), "{fault:?} did not happen");
        assert!(first.lines().count() > 8, "{fault:?} happened too early");
        let whole = 8 * FAILING_BATCHES as usize;
        assert!(first.lines().count() < whole, "{fault:?}: it carried on");
        let second = run.append(FAILING_BATCHES, None);
        assert!(!second.is_empty(), "{fault:?}: it never came back");
        let found = run.cut_power(CUTS, |path, said| load::check(path, said).map(drop));
        assert_eq!(found, None, "{fault:?}");
    }
    println!(
        "after_a_flush_that_failed_nothing_is_acknowledged_until_the_journal_is_opened_again ... ok"
    );
}

/// The next process reads from the cache what the failed flush never wrote, copies it into the file and empties the log.
/// At no moment of that may the disk hold a log that is older than the file, which would hide what was read already.
fn what_a_failed_flush_left_in_the_cache_is_on_the_disk_before_the_next_opening_builds_on_it() {
    let run = Run::new();
    run.append(FAILING_BATCHES, Some(Fault::WalFlushFails(20)));
    let begins = run.changes().len();
    run.append(FAILING_BATCHES, None);
    let says = |change: &Change| matches!(change, Change::Said(_));
    let flushes_log =
        |change: &Change| matches!(change, Change::Flushed { path, .. } if path.ends_with("-wal"));
    let changes = run.changes();
    let second = changes.iter().skip(begins);
    let opening = second.clone().take_while(|change| !says(change)).count();
    let first_commit = second.skip(opening).take_while(|change| !flushes_log(change)).count();
    let ends = begins + opening + first_commit;
    assert!((begins + 1..changes.len()).contains(&ends), "the second process did not go on");
    let found = run.cut_power_at(
        |number| (begins..ends).contains(&number),
        |path, acknowledged| load::check(path, acknowledged).map(drop),
    );
    assert_eq!(found, None, "{} moments", ends - begins);
    println!(
        "what_a_failed_flush_left_in_the_cache_is_on_the_disk_before_the_next_opening_builds_on_it \
         ... ok ({} moments)",
        ends - begins
    );
}

/// From the first refusal on, revocations go through and everything else is refused, until there is room again.
fn on_a_full_disk_only_what_takes_something_away_is_taken_and_nothing_is_lost() {
    let run = Run::new();
    let room = Fault::Room(ROOM_BYTES);
    room.set(&run.controls()).unwrap();
    let mut child = run.child([FILL, "", ""]);
    let child = child.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.by_ref().any(|line| line.unwrap() == load::FULL), "it was never full");
    room.lift(&run.controls()).unwrap();
    child.stdin.take().unwrap().write_all(b"there is room\n").unwrap();
    assert!(lines.next().unwrap().unwrap().starts_with("0 "), "it never came back");
    assert!(child.wait().unwrap().success());
    let found = run.cut_power(CUTS, |path, said| load::check(path, said).map(drop));
    assert_eq!(found, None);
    println!("on_a_full_disk_only_what_takes_something_away_is_taken_and_nothing_is_lost ... ok");
}

/// Inserts rows as somebody would who trusts the default settings.
pub fn insert_bare(path: &Path, level: &str) {
    let connection = Connection::open(path).unwrap();
    let settings = format!("PRAGMA journal_mode = WAL; PRAGMA synchronous = {level};");
    connection.execute_batch(&settings).unwrap();
    connection.execute_batch("CREATE TABLE said (number INTEGER PRIMARY KEY)").unwrap();
    for number in 1..=100 {
        connection.execute("INSERT INTO said VALUES (?1)", [number]).unwrap();
        println!("0 {number}");
    }
}

fn check_bare(path: &Path, acknowledged: &Acknowledged) -> Result<(), String> {
    let Some(last) = acknowledged.get(&0) else { return Ok(()) };
    let read = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let found = Connection::open_with_flags(path, read)
        .and_then(|found| found.query_row("SELECT max(number) FROM said", [], |row| row.get(0)));
    match found {
        Ok(found) if *last <= found => Ok(()),
        found => Err(format!("{last} acknowledged, {found:?} found")),
    }
}

fn said_by(mut child: Command) -> String {
    let output = child.stderr(Stdio::inherit()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// A folder with a journal, the record of what was done to it, and what shall go wrong.
struct Run(TempDir);

impl Run {
    fn new() -> Self {
        let run = Self(tempfile::tempdir().unwrap());
        for folder in ["files", "controls"] {
            std::fs::create_dir(run.0.path().join(folder)).unwrap();
        }
        run
    }

    fn controls(&self) -> PathBuf {
        self.0.path().join("controls")
    }

    /// This program with the layer beneath; an empty argument stands for the journal's path.
    fn child(&self, arguments: [&str; 3]) -> Command {
        let files = self.0.path().join("files");
        let program = std::env::current_exe().unwrap();
        let mut command = between(program, &files, &self.0.path().join("record"));
        steered(&mut command, &self.controls());
        let journal = files.join(JOURNAL).to_str().unwrap().to_owned();
        command.args(arguments.map(|one| if one.is_empty() { &journal } else { one }));
        command
    }

    /// Appends; a fault happens as soon as something was acknowledged, so that opening is over.
    fn append(&self, batches: u32, fault: Option<Fault>) -> String {
        let batches = batches.to_string();
        let Some(fault) = fault else { return said_by(self.child([APPEND, "", &batches])) };
        let before = said_by(self.child([APPEND, "", "1"]));
        fault.set(&self.controls()).unwrap();
        before + &said_by(self.child([APPEND, "", &batches]))
    }

    fn changes(&self) -> Vec<Change> {
        read(&self.0.path().join("record")).unwrap()
    }

    /// Cuts the power at moments spread over the whole run, each time with total, partial and no loss; the first
    /// complaint about what is left, if there is one.
    fn cut_power(
        &self,
        cuts: usize,
        check: impl Fn(&Path, &Acknowledged) -> Result<(), String>,
    ) -> Option<String> {
        let changes = self.changes().len();
        assert!(changes > cuts, "hardly anything was recorded: {changes}");
        let is_cut = |number| (number + 1) * cuts / changes != number * cuts / changes;
        self.cut_power_at(is_cut, check)
    }

    /// The same after each change whose number is meant.
    fn cut_power_at(
        &self,
        is_cut: impl Fn(usize) -> bool,
        check: impl Fn(&Path, &Acknowledged) -> Result<(), String>,
    ) -> Option<String> {
        let (mut disk, mut acknowledged) = (Disk::default(), Acknowledged::new());
        let image = self.0.path().join("image");
        for (number, change) in self.changes().iter().enumerate() {
            disk.apply(change);
            if let Change::Said(lines) = change {
                lines.lines().for_each(|line| load::note(&mut acknowledged, line));
            }
            if !is_cut(number) {
                continue;
            }
            for loss in [Loss::Everything, Loss::Some(number as u64), Loss::Nothing] {
                disk.after_power_cut(loss).write_to(&image).unwrap();
                if let Err(complaint) = check(&image.join(JOURNAL), &acknowledged) {
                    return Some(format!("after {number} changes, {loss:?} lost: {complaint}"));
                }
            }
        }
        None
    }
}

/// Inserts into a bare database at this path with this level of `synchronous`.
pub const BARE: &str = "--bare";
/// Appends to the journal at this path until the disk is full.
pub const FILL: &str = "--fill";
const APPEND: &str = super::APPEND;
const JOURNAL: &str = "journal";

/// Enough for several checkpoints of the write-ahead log.
const BATCHES: u32 = 40;
/// Enough for three.
const FAILING_BATCHES: u32 = 60;
/// What the journal sets aside, and a little more than it starts with.
const ROOM_BYTES: u64 = (8 << 20) + (1 << 20);
/// Moments at which the power is cut, spread evenly over a run.
const CUTS: usize = 24;
