//! An auditor with a pinned key, the binary and nothing else, against what a real server left (M-AUD-1, M-POL-4).

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::stop::Stop;
use crate::world::{By, World};

/// A binary in a folder where nothing else is.
struct Auditor(tempfile::TempDir);

impl Auditor {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (env!("CARGO_BIN_EXE_carhop"), folder.path().join("carhop"));
        if fs::hard_link(from, &to).is_err() {
            fs::copy(from, &to).unwrap();
        }
        Self(folder)
    }

    /// The exit code, and what was printed for programs.
    fn asks(&self, arguments: &[&str]) -> (i32, Value) {
        let output = Command::new(self.0.path().join("carhop"))
            .args(["--json", "audit"])
            .args(arguments)
            .current_dir(self.0.path())
            .env_clear()
            .output()
            .unwrap();
        let said = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        (output.status.code().unwrap(), said)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test]
async fn a_stranger_can_check_the_log_and_one_decision_with_a_pinned_key_alone() {
    let world = World::start().await;
    let stop = Stop::assigned(&world).await;
    let path = format!("/v1/sessions/{}/decisions", stop.session);
    let listed = world.ask(By::Key(&world.admin), "GET", &path, None).await.expect(200).body;
    let decision = listed["data"][0]["id"].as_str().unwrap().to_owned();
    let data = world.stop_and_keep().await;

    let auditor = Auditor::new();
    let of_log = ["--data", text(data.path()), "--tenant", "acme", "--market", "san-jose"];
    let with = |first: &[&'static str]| [first, &of_log[..]].concat();
    let (code, said) = auditor.asks(&with(&["vkey"]));
    assert_eq!(code, 0);
    let pinned = said["vkey"].as_str().unwrap().to_owned();
    let (code, said) = auditor.asks(&[&with(&["export"])[..], &["--out", "log"]].concat());
    assert_eq!((code, &said["verified"]), (0, &Value::Bool(true)));
    let prove = [&with(&["prove"])[..], &["--out", "one.json", &decision]].concat();
    assert_eq!(auditor.asks(&prove).0, 0);
    // Nothing of the server is left.
    drop(data);

    let (code, said) = auditor.asks(&["verify", "--export", "log", "--key", &pinned]);
    assert_eq!((code, &said["pinned"], &said["unsigned"]), (0, &Value::Bool(true), &0.into()));
    let again = ["verify", "--export", "log", "--key", &pinned, "--earlier", "log/checkpoint"];
    assert_eq!(auditor.asks(&again).0, 0);
    let (code, said) = auditor.asks(&["verify", "--bundle", "one.json", "--key", &pinned]);
    assert_eq!((code, said["decision"].as_str()), (0, Some(decision.as_str())));
    let (code, said) = auditor.asks(&["explain", "--bundle", "one.json", "--key", &pinned]);
    assert_eq!((code, &said["differences"]), (0, &Value::Array(Vec::new())));

    let foreign = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    for what in [["--export", "log"], ["--bundle", "one.json"]] {
        let (code, said) = auditor.asks(&["verify", what[0], what[1], "--key", foreign]);
        assert_eq!((code, &said["verified"]), (1, &Value::Bool(false)), "another key");
    }
    assert_eq!(auditor.asks(&["verify", "--bundle", "one.json"]).0, 2, "no key");
    assert_eq!(auditor.asks(&["verify", "--export", "nowhere", "--key", &pinned]).0, 2);
    assert_eq!(auditor.asks(&["verify", "--export", "log", "--key", "no key"]).0, 2);

    let bundle = auditor.0.path().join("one.json");
    let bent = fs::read_to_string(&bundle).unwrap().replacen("session", "sessiom", 1);
    fs::write(&bundle, bent).unwrap();
    assert_eq!(auditor.asks(&["verify", "--bundle", "one.json", "--key", &pinned]).0, 1);
}
