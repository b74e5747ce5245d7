//! What the measurements share: the raw cost of a durable write beside them, and how figures become one.
//!
//! An absolute rate means nothing on a disk that changes its mind, so raw `fdatasync` is taken before and after, and a round
//! in which it moved too far is dropped.

#![expect(dead_code, reason = "each measurement takes what it needs")]
#![expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
#![expect(clippy::disallowed_methods, reason = "a measurement needs the time")]

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// The time that each of several runs of `work` took, in microseconds.
pub fn times_us(runs: usize, mut work: impl FnMut(usize)) -> Vec<f64> {
    let mut times = Vec::with_capacity(runs);
    for run in 0..runs {
        let start = Instant::now();
        work(run);
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    times
}

/// The time one run of `work` took, in seconds.
pub fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// Microseconds of small writes, each forced to the disk.
pub fn fdatasyncs_us(folder: &Path) -> Vec<f64> {
    let mut file = File::create(folder.join("raw")).unwrap();
    let start = Instant::now();
    let mut times = Vec::new();
    while start.elapsed() < RAW_SPAN {
        times.extend(times_us(1, |_| {
            file.write_all(&[1; 4_096]).unwrap();
            file.sync_data().unwrap();
        }));
    }
    times
}

/// Whether the disk kept its pace between these figures.
pub fn is_steady(raws: &[f64]) -> bool {
    let mean = raws.iter().sum::<f64>() / raws.len() as f64;
    raws.iter().all(|raw| (raw - mean).abs() <= RAW_SPREAD_MAX * mean)
}

/// The processor time that this process has used, in microseconds.
pub fn processor_us() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as f64 * 1e6 + used.tv_nsec as f64 / 1e3
}

/// The memory that is this process's own, in bytes.
pub fn resident_bytes() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let resident: f64 = pages.split_whitespace().nth(1).unwrap().parse().unwrap();
    resident * 4_096.0
}

/// The value below which this share of the figures lies.
pub fn quantile(figures: &[f64], share: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the list")]
    sorted[(share * last as f64).round() as usize]
}

/// The middle figure.
pub fn median(figures: &[f64]) -> f64 {
    quantile(figures, 0.5)
}

const RAW_SPAN: Duration = Duration::from_millis(1_500);
/// How far a raw figure may lie from the mean of its round.
const RAW_SPREAD_MAX: f64 = 0.2;
