//! A lock and a pump whose power fails: what they have moved for, they remember (M-ACT-2, M-ACT-3, design §2.3).

use std::path::Path;
use std::sync::Arc;

use power_cut::{Change, Disk, Loss, read};

use crate::host::Host;
use crate::lane::Lane;
use crate::progress::Progress;
use crate::restore::whole_stop;

#[test]
fn nothing_moves_before_the_command_for_it_is_on_the_disk() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let host = Arc::new(Host::start(Arc::new(Progress::default())).await);
        let lane = Lane::enrol(&host, 0).await;
        whole_stop(&host, &lane).await;
        for (device, moved) in [(&lane.lock, "\"opened\""), (&lane.pump, "\"lifted\"")] {
            let mut device = device.lock().await;
            device.stop().await;
            let changes = read(&device.record()).unwrap();
            assert_eq!(complaint(&changes, moved), None);
            let careless: Vec<_> = changes.into_iter().filter(|change| !is_flush(change)).collect();
            assert!(complaint(&careless, moved).is_some(), "a skipped flush is not found");
        }
        host.kill().await;
    });
}

/// Whether at some moment something was seen to move of which the disk might know less than the device.
fn complaint(changes: &[Change], moved: &str) -> Option<String> {
    let (mut disk, mut times) = (Disk::default(), 0);
    for (number, change) in changes.iter().enumerate() {
        disk.apply(change);
        if !matches!(change, Change::Said(line) if line.contains(moved)) {
            continue;
        }
        times += 1;
        let [certain, all] = [Loss::Everything, Loss::Nothing]
            .map(|loss| disk.after_power_cut(loss).0.remove(RECORDS).unwrap_or_default());
        if certain.is_empty() || certain != all {
            return Some(format!("change {number}: {} of {} bytes", certain.len(), all.len()));
        }
    }
    (times == 0).then(|| "nothing moved".to_owned())
}

fn is_flush(change: &Change) -> bool {
    matches!(change, Change::Flushed { path, .. } if Path::new(path) == Path::new(RECORDS))
}

const RECORDS: &str = "/records.log";
