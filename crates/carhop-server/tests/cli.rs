//! The command line as people meet it first: what it refuses it says how to give, and what it promises is there.

#![expect(clippy::unwrap_used, reason = "a test stops at what should not happen")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

#[test]
fn what_cannot_be_meant_is_answered_with_what_can() {
    for (arguments, said) in [
        (&["device", "trust", "lock"][..], "`class:` and one of `handset`"),
        (&["device", "revoke", "firmware:1", "--cause", "x"], "64 hexadecimal digits"),
        (&["device", "ticket", "--class", "door", "--name", "x"], "one of `handset`"),
        (&["device", "list", "--server", "http://localhost:8443"], "`https://host:port`"),
        (&["device", "list", "--server", "localhost:8443"], "`https://host:port`"),
        (&["demo", "--stops", "0"], "without a stop"),
        (&["demo", "--stops", "six"], "a number of stops"),
    ] {
        let answer = carhop(Path::new("."), arguments);
        assert!(answer.contains(said), "{arguments:?}: {answer}");
    }
}

#[test]
fn settings_are_checked_with_the_files_they_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("root.pem"), "-----BEGIN CERTIFICATE-----").unwrap();
    fs::create_dir(path("empty")).unwrap();
    for (settings, said) in [
        ("attestation_roots = [\"gone.der\"]", "`attestation_roots`: `gone.der`"),
        ("attestation_roots = [\"root.pem\"]", "not a certificate in DER"),
        ("policies = \"gone\"", "`policies`: `gone`"),
        ("policies = \"empty\"", "the policies are not usable"),
    ] {
        fs::write(path("carhop.toml"), settings).unwrap();
        let answer = carhop(folder.path(), &["check-config"]);
        assert!(answer.contains(said), "{settings}: {answer}");
    }
    assert!(!path("carhop-data").exists(), "checking makes nothing");
}

#[test]
fn a_server_names_the_administrators_key_only_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "public_address = \"127.0.0.1:0\"\ndevice_address = \"127.0.0.1:0\"";
    fs::write(folder.path().join("carhop.toml"), settings).unwrap();
    let key = folder.path().join("carhop-data/admin.key");
    let (mut first, said) = serve(folder.path());
    let line = said.last().unwrap();
    assert!(line.ends_with("carhop-data/admin.key"), "{line}");
    assert!(key.is_file());
    end(&mut first);
    fs::remove_file(key).unwrap();
    let (mut second, said) = serve(folder.path());
    let line = said.last().unwrap();
    assert!(line.ends_with("not here any more"), "{line}");
    end(&mut second);
}

#[test]
fn whoever_begins_is_told_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "public_address = \"127.0.0.1:0\"\ndevice_address = \"127.0.0.1:0\"";
    fs::write(folder.path().join("carhop.toml"), settings).unwrap();
    let (mut server, said) = serve(folder.path());
    let port = said.iter().find(|line| line.contains("people and partners"));
    let port = port.and_then(|line| line.rsplit(':').next()).unwrap();
    let origin = format!("https://localhost:{port}");
    let list = call(folder.path(), &["device", "list", "--server", &origin]);
    assert!(list.status.success(), "{list:?}");
    let said = String::from_utf8(list.stdout).unwrap();
    assert!(said.contains("`carhop device ticket`"), "{said}");
    let gateway = "wss://localhost:1";
    let run = ["device", "run", "--class", "lock", "--store", "lock", "--gateway", gateway];
    let of_server = ["--server", &origin, "--ca", "carhop-data/ca.pem", "--ticket", "tkt_7"];
    let said = carhop(folder.path(), &[&run[..], &of_server].concat());
    assert!(said.contains("works once, within an hour"), "{said}");
    end(&mut server);
}

/// Starts a server, and waits until it has said where the administrator's key is: what it has said.
fn serve(folder: &Path) -> (Child, Vec<String>) {
    let mut process = Command::new(CARHOP)
        .args(["serve", "--config", "carhop.toml"])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    for line in BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok) {
        let is_last = line.contains("administrator's key");
        said.push(line);
        if is_last {
            break;
        }
    }
    (process, said)
}

fn end(process: &mut Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

/// What a call that fails says.
fn carhop(folder: &Path, arguments: &[&str]) -> String {
    let output = call(folder, arguments);
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn call(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(CARHOP).args(arguments).current_dir(folder).output().unwrap()
}

const CARHOP: &str = env!("CARGO_BIN_EXE_carhop");
