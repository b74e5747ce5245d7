//! Tells everybody inside the server who waits that something was appended or sequenced. A lost ring costs time, never
//! work: whoever waits also looks again by the clock.

use carhop_app::ports::Bell;
use carhop_kernel::id::SessionId;
use tokio::sync::watch;

/// Counts what happened; waiters see that the count has grown.
#[derive(Debug)]
pub struct Doorbell {
    appended: watch::Sender<u64>,
    sequenced: watch::Sender<u64>,
}

impl Default for Doorbell {
    fn default() -> Self {
        Self { appended: watch::Sender::new(0), sequenced: watch::Sender::new(0) }
    }
}

impl Doorbell {
    /// Sees every append.
    pub(crate) fn appended(&self) -> watch::Receiver<u64> {
        self.appended.subscribe()
    }

    /// Sees every growth of a log.
    pub(crate) fn sequenced(&self) -> watch::Receiver<u64> {
        self.sequenced.subscribe()
    }

    /// Says that a log has grown.
    pub(crate) fn ring_sequenced(&self) {
        self.sequenced.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Says that something other than an append is worth looking at, such as a device that has connected.
    pub(crate) fn ring_appended(&self) {
        self.appended.send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl Bell for Doorbell {
    fn ring(&self, _session: Option<SessionId>) {
        self.ring_appended();
    }
}

/// Waits until the server is told to stop, or whoever would tell is gone.
pub(crate) async fn told(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody can tell any more: that is the end too.
    let _ = stop.wait_for(|stop| *stop).await;
}
