//! A backup is brought back while devices, customers and drivers have gone on (M-FLO-5, standards §3).

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::host::{CARHOP, Host};
use crate::lane::Lane;
use crate::progress::Progress;

#[test]
fn a_restored_backup_ends_what_was_alive_and_devices_that_are_ahead_of_it_go_on_in_a_new_epoch() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let host = Arc::new(Host::start(Arc::new(Progress::default())).await);
        let lane = Lane::enrol(&host, 0).await;
        whole_stop(&host, &lane).await;
        let begun = lane.begin(&host, &place(&host, &lane).await).await.unwrap();
        let (backup, data) = (host.beside("backup"), host.data());
        carhop(&host, &["backup", "--out", backup.to_str().unwrap()], true);

        // What the journal will know nothing of, and the devices will.
        whole_stop(&host, &lane).await;
        host.kill().await;
        // Not over data that is there.
        carhop(&host, &["restore", "--from", backup.to_str().unwrap()], false);
        std::fs::rename(&data, host.beside("old")).unwrap();
        carhop(&host, &["restore", "--from", backup.to_str().unwrap()], true);
        host.kill_and_restart().await;

        let path = format!("/v1/sessions/{}", begun.session);
        assert!(begun.customer.ask("GET", &path, None).await.status >= 400, "an old token lives");
        let seen = host.staff("GET", &path, None).await;
        assert_ne!(seen["hold"], Value::Null, "an open stop goes on: {seen}");
        host.staff("POST", &format!("{path}/resumptions"), Some(&json!({}))).await;
        // Counters and chains go on although the devices are ahead of the journal.
        whole_stop(&host, &lane).await;
        verify(&host);
        host.kill().await;
    });
}

/// A stop from its order to its end.
pub async fn whole_stop(host: &Arc<Host>, lane: &Lane) {
    let session = place(host, lane).await;
    assert_eq!(lane.stop(host, &session, &mut Vec::new()).await, Some(()), "{session}");
}

/// Places an order; its session.
pub async fn place(host: &Host, lane: &Lane) -> String {
    let placed = host.staff("POST", "/v1/orders", Some(&lane.order().await)).await;
    placed["session"].as_str().unwrap().to_owned()
}

/// Checks the whole log of the server as it lies there.
pub fn verify(host: &Host) {
    let data = host.data();
    carhop_at(Path::new("."), &["audit", "verify", "--data", data.to_str().unwrap()], true);
}

fn carhop(host: &Host, arguments: &[&str], succeeds: bool) {
    let all = [arguments, &["--config", "carhop.toml"]].concat();
    carhop_at(&host.beside(""), &all, succeeds);
}

fn carhop_at(folder: &Path, arguments: &[&str], succeeds: bool) {
    let output = Command::new(CARHOP).args(arguments).current_dir(folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.success(), succeeds, "{arguments:?}: {said}");
}
