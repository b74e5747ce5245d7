//! What a start leaves in the data folder, and for whose eyes.

use std::os::unix::fs::PermissionsExt;
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
