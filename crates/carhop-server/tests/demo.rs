//! The demo as a user runs it: the built program, real child processes, nothing but its output and exit code.

use std::process::Command;

#[test]
fn a_headless_demo_of_two_stops_ends_as_its_scenarios_say() {
    let data = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_carhop"))
        .args(["demo", "--headless", "--stops", "2", "--seed", "11", "--speed", "10", "--data"])
        .arg(data.path())
        .output()
        .unwrap();
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{complained}");
    for wanted in ["2 stops, 2 openings", "audit verified"] {
        assert!(said.contains(wanted), "`{wanted}` is missing:\n{said}");
    }
    assert!(!said.contains('✗'), "{said}");
}

#[test]
fn a_demo_whose_recordings_are_missing_fails() {
    let empty = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_carhop"))
        .args(["demo", "--headless", "--traces"])
        .arg(empty.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("mob_lib_and1_hf_20190728"));
}
