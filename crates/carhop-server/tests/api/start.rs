//! What a start leaves in the data folder, and for whose eyes.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use carhop_app::ports::Clock;
use carhop_server::ADMIN_KEY_FILE;
use carhop_server::clock::SystemClock;
use carhop_server::config::Config;
use carhop_server::keys::KeyStore;
use carhop_server::serve::Running;

use crate::world::World;

#[tokio::test]
async fn what_the_server_keeps_is_closed_to_everybody_else() {
    let world = World::start().await;
    for file in [
        "journal.sqlite",
        "journal.sqlite-wal",
        "journal.sqlite-shm",
        "admin.key",
        "keys/master.key",
        "keys/acme/root.key",
        "keys/acme/lock.key",
    ] {
        let path = world.running.ca_file().with_file_name(file);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_first_start_that_was_cut_short_still_ends_with_an_administrators_key() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(SystemClock::default()));
    let any_port = ([127, 0, 0, 1], 0).into();
    let config = Config {
        data_dir: folder.path().to_owned(),
        public_address: any_port,
        device_address: any_port,
        ..Config::default()
    };
    KeyStore::open(folder.path(), [&"local".parse().unwrap()], clock.now()).unwrap();
    let key = folder.path().join(ADMIN_KEY_FILE);
    Running::start(config.clone(), Arc::clone(&clock)).await.unwrap().stop().await;
    let first = std::fs::read(&key).unwrap();
    // A key that was carried away is not made anew.
    std::fs::remove_file(&key).unwrap();
    Running::start(config, clock).await.unwrap().stop().await;
    assert!(!first.is_empty() && !key.exists());
}

fn carhop(arguments: &[&str], output: impl Into<Stdio>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carhop"));
    command.args(arguments).stdout(output).stderr(Stdio::piped());
    command.spawn().unwrap().wait_with_output().unwrap()
}

#[tokio::test]
async fn a_data_folder_is_one_servers_and_its_log_keeps_its_key_while_it_runs() {
    let world = World::start().await;
    let data = world.running.ca_file().parent().unwrap().to_owned();
    let second = Config {
        data_dir: data.clone(),
        public_address: ([127, 0, 0, 1], 0).into(),
        device_address: ([127, 0, 0, 1], 0).into(),
        ..Config::default()
    };
    assert!(Running::start(second, Arc::new(SystemClock::default())).await.is_err());
    let key = data.join("keys/acme/logs/san-jose/key");
    let before = std::fs::read(&key).unwrap();
    let path = data.to_str().unwrap().to_owned();
    let new_log = ["audit", "new-log", "--data", &path, "--tenant", "acme", "--market", "san-jose"];
    let refused = carhop(&new_log, Stdio::null());
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("stop the server first"), "{said}");
    assert_eq!(std::fs::read(&key).unwrap(), before);
    let kept = world.stop_and_keep().await;
    assert!(carhop(&new_log, Stdio::null()).status.success());
    assert!(!key.exists());
    drop(kept);
}

#[test]
fn whoever_stops_reading_ends_a_command_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = carhop(&["keys", "chain", "AAAA"], writer);
    assert_eq!(ended.status.code(), Some(141));
    assert_eq!(String::from_utf8(ended.stderr).unwrap(), "");
}

#[test]
fn an_attester_is_not_written_over_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    assert!(carhop(&["keys", "attester", path], Stdio::null()).status.success());
    for file in ["root.der", "attester.key", "attester.crt"] {
        let kept = std::fs::read(folder.path().join(file)).unwrap();
        let again = carhop(&["keys", "attester", path], Stdio::null());
        assert!(!again.status.success(), "{file}");
        assert_eq!(std::fs::read(folder.path().join(file)).unwrap(), kept);
        std::fs::remove_file(folder.path().join(file)).unwrap();
    }
    assert!(carhop(&["keys", "attester", path], Stdio::null()).status.success());
}
