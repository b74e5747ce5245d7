//! The demo as a user runs it: the built program, real child processes, nothing but its output and exit code.

use std::process::Command;

#[test]
fn a_headless_demo_of_four_stops_ends_as_its_scenarios_say() {
    let said = demo(&["--stops", "4", "--seed", "11"]).unwrap();
    for wanted in ["4 stops", "all well", "audit verified"] {
        assert!(said.contains(wanted), "`{wanted}` is missing:\n{said}");
    }
}

#[test]
fn a_mistake_an_attack_and_a_broken_lock_end_as_the_table_says() {
    let said = demo(&[
        "--scenario",
        "code mistyped",
        "--scenario",
        "code raced",
        "--scenario",
        "lock jammed",
    ])
    .unwrap();
    let words: Vec<&str> = said.split_whitespace().collect();
    for wanted in [
        "refused code_wrong",
        "refused code_attempts_exhausted 54x, code_spent 9x",
        "completed in part; goods failed, fuel settled; all the fuel; raised lock_jammed",
    ] {
        assert!(words.join(" ").contains(wanted), "`{wanted}` is missing:\n{said}");
    }
}

#[test]
fn the_list_names_every_scenario_with_its_end() {
    let said = demo(&["--list"]).unwrap();
    for wanted in ["all well", "lock jammed", "completed in part; goods failed, fuel settled"] {
        assert!(said.contains(wanted), "`{wanted}` is missing:\n{said}");
    }
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

/// What a demo says that must succeed.
fn demo(arguments: &[&str]) -> std::io::Result<String> {
    let data = tempfile::tempdir()?;
    let output = Command::new(env!("CARGO_BIN_EXE_carhop"))
        .args(["demo", "--headless", "--speed", "10", "--data"])
        .arg(data.path())
        .args(arguments)
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    assert!(!said.contains('✗'), "{said}");
    Ok(said)
}
