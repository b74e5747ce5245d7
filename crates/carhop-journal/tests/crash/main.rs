//! A process that is killed while it appends, or whose power fails, has lost nothing that it acknowledged, and no batch
//! is half there (`design.md` §8). A kill leaves the system's caches alone; the power cut takes what was not flushed.
//!
//! Without the usual harness, because this program is also the process that gets killed.

#![expect(clippy::unwrap_used, reason = "a test stops at what should not happen")]

mod load;
#[cfg(target_os = "linux")]
mod power;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use load::Acknowledged;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [APPEND, path, batches] => load::append(Path::new(path), batches.parse().unwrap()),
        #[cfg(target_os = "linux")]
        [power::FILL, path, _] => load::fill(Path::new(path)),
        #[cfg(target_os = "linux")]
        [power::BARE, path, level] => power::insert_bare(Path::new(path), level),
        _ => test(),
    }
}

fn test() {
    for lines in KILL_AFTER_LINES {
        a_killed_process_has_lost_nothing_that_it_acknowledged(lines);
    }
    println!("a_killed_process_has_lost_nothing_that_it_acknowledged ... ok");
    #[cfg(target_os = "linux")]
    power::test();
}

fn a_killed_process_has_lost_nothing_that_it_acknowledged(lines: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let acknowledged = acknowledged_before_the_kill(path.to_str().unwrap(), lines);
    assert!(load::check(&path, &acknowledged).unwrap() >= lines);
}

/// Runs the child, kills it once it has written so many lines, and returns the last number of each producer.
fn acknowledged_before_the_kill(path: &str, lines: usize) -> Acknowledged {
    let program = std::env::current_exe().unwrap();
    let mut child = Command::new(program)
        .args([APPEND, path, &u32::MAX.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut acknowledged = Acknowledged::new();
    let (mut line, mut count) = (String::new(), 0);
    while output.read_line(&mut line).unwrap() > 0 {
        if line.ends_with('\n') {
            load::note(&mut acknowledged, &line);
            count += 1;
        }
        if count == lines {
            child.kill().unwrap();
        }
        line.clear();
    }
    assert!(!child.wait().unwrap().success());
    acknowledged
}

/// Appends to the journal at this path so many batches per producer.
const APPEND: &str = "--append";

/// Early, in the middle of the first groups, and after checkpoints of the write-ahead log.
const KILL_AFTER_LINES: [usize; 6] = [1, 7, 50, 333, 1_000, 2_500];
