//! What has been seen so far, by number, and repeatable chance.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

/// Counts what is seen.
#[derive(Default)]
pub struct Progress {
    count: AtomicU64,
    full: AtomicU64,
    seen: Notify,
    stopped: AtomicBool,
}

impl Progress {
    /// Something was seen.
    pub fn tick(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.seen.notify_waiters();
    }

    /// How much so far.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Somebody was refused because there is no room.
    pub fn refuse_for_room(&self) {
        self.full.fetch_add(1, Ordering::Relaxed);
    }

    /// How many were.
    pub fn full(&self) -> u64 {
        self.full.load(Ordering::Relaxed)
    }

    /// Waits until so much has been seen.
    pub async fn reached(&self, count: u64) {
        loop {
            let seen = self.seen.notified();
            if self.count() >= count {
                return;
            }
            seen.await;
        }
    }

    /// Nothing new is begun.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether something new may be begun.
    pub fn goes_on(&self) -> bool {
        !self.stopped.load(Ordering::Relaxed)
    }
}

/// Dice that fall the same way for the same seed (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    /// A number below the bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
