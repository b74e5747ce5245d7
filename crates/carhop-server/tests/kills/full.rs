//! The disk beneath the server is full: what would open or begin something is refused, what ends or freezes something is
//! taken and remembered, and once there is room everything goes on where it was (M-THR, M-FLO-3).
//!
//! The layer beneath the unchanged program says that there is no room, so no privilege and no set-up is needed.

use std::sync::Arc;

use carhop_server::timers::sleep;
use power_cut::Fault;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::host::Host;
use crate::lane::{Begun, LOOK_PAUSE, Lane};
use crate::progress::Progress;
use crate::restore::{place, verify, whole_stop};

#[test]
fn on_a_full_disk_releases_wait_while_holds_and_revocations_are_taken_and_nothing_is_lost() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let host = Arc::new(Host::start_over_a_disk(Arc::new(Progress::default())).await);
        let lane = Lane::enrol(&host, 0).await;
        let [served, held, revoked] =
            [begin(&host, &lane).await, begin(&host, &lane).await, begin(&host, &lane).await];
        let token = lane.poise(&served).await;
        let disk = fill(&host, &lane).await;

        let release = lane.release_once(&served.session, &token).await;
        assert_refused(&release, "a release");
        assert_refused(&host.staff_once("GET", "/readyz", None).await, "readiness");
        assert_eq!(steer(&host, &held, "holds").await.status, 200);
        assert_eq!(steer(&host, &revoked, "revocations").await.status, 200);
        assert_refused(
            &host.staff_once("POST", "/v1/orders", Some(&lane.order().await)).await,
            "order",
        );

        // What was answered is remembered, also by a server that starts while there is no room.
        host.kill_and_restart().await;
        assert_eq!(state(&host, &revoked).await["state"], "revoked");
        assert_ne!(state(&host, &held).await["hold"], Value::Null);
        assert_eq!(steer(&host, &served, "holds").await.status, 200);

        disk.lift(&host.beside("controls")).unwrap();
        for begun in [&held, &served] {
            resume(&host, begun).await;
        }
        for begun in [&served, &held] {
            assert_eq!(lane.finish(begun, &mut Vec::new()).await, Some(()), "{}", begun.session);
        }
        assert_eq!(state(&host, &revoked).await["state"], "revoked");
        whole_stop(&host, &lane).await;
        assert_eq!(host.staff_once("GET", "/readyz", None).await.status, 200);
        verify(&host);
        host.kill().await;
    });
}

async fn begin(host: &Arc<Host>, lane: &Lane) -> Begun {
    let session = place(host, lane).await;
    lane.begin(host, &session).await.unwrap()
}

/// Leaves no room but what the server has set aside, and asks until it is used up.
async fn fill(host: &Host, lane: &Lane) -> Fault {
    let files =
        std::fs::read_dir(host.data()).unwrap().map(|file| file.unwrap().metadata().unwrap());
    let taken: u64 = files.filter(std::fs::Metadata::is_file).map(|file| file.len()).sum();
    let disk = Fault::Room(taken);
    disk.set(&host.beside("controls")).unwrap();
    for _ in 0..ORDERS_MAX {
        let order = lane.order().await;
        if host.staff_once("POST", "/v1/orders", Some(&order)).await.status == 503 {
            return disk;
        }
    }
    panic!("the disk was never full");
}

/// The problem tells what happened, what still works and when to ask again.
fn assert_refused(answer: &Answer, what: &str) {
    let Answer { status, body, retry_after_s } = answer;
    assert_eq!((*status, &body["code"]), (503, &json!("storage_full")), "{what}: {body}");
    assert_eq!(body["type"], "/problems/storage_full", "{what}");
    assert_eq!(body["retryable"], true, "{what}");
    assert_eq!(*retry_after_s, Some(10), "{what}");
}

async fn steer(host: &Host, begun: &Begun, what: &str) -> Answer {
    let path = format!("/v1/sessions/{}/{what}", begun.session);
    host.staff_once("POST", &path, Some(&json!({}))).await
}

/// Lets a held stop go on as soon as the server has found that there is room.
async fn resume(host: &Host, begun: &Begun) {
    while steer(host, begun, "resumptions").await.status == 503 {
        sleep(LOOK_PAUSE).await;
    }
}

async fn state(host: &Host, begun: &Begun) -> Value {
    host.staff("GET", &format!("/v1/sessions/{}", begun.session), None).await
}

/// More than fit beside what the write-ahead log has room for already.
const ORDERS_MAX: usize = 2_000;
