//! Tells everybody inside the server who waits that something was appended or sequenced. A lost ring costs time, never
//! work: whoever waits also looks again by the clock.

use carhop_app::ports::Bell;
use carhop_kernel::id::SessionId;
use tokio::sync::{broadcast, watch};

/// Counts what happened; waiters see that the count has grown.
#[derive(Debug)]
pub struct Doorbell {
    appended: watch::Sender<u64>,
    touched: broadcast::Sender<SessionId>,
    sequenced: watch::Sender<u64>,
}

impl Default for Doorbell {
    fn default() -> Self {
        Self {
            appended: watch::Sender::new(0),
            touched: broadcast::Sender::new(TOUCHES_KEPT),
            sequenced: watch::Sender::new(0),
        }
    }
}

impl Doorbell {
    /// Sees every append.
    pub(crate) fn appended(&self) -> watch::Receiver<u64> {
        self.appended.subscribe()
    }

    /// Hears which sessions are touched.
    pub(crate) fn touched(&self) -> broadcast::Receiver<SessionId> {
        self.touched.subscribe()
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
    fn ring(&self, session: Option<SessionId>) {
        self.ring_appended();
        if let Some(session) = session {
            // Nobody has to listen.
            let _ = self.touched.send(session);
        }
    }
}

/// Waits until the server is told to stop, or whoever would tell is gone.
pub(crate) async fn told(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody can tell any more: that is the end too.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Waits until this session is touched. Whoever was too slow to hear every ring is told to look.
pub(crate) async fn rung(touched: &mut broadcast::Receiver<SessionId>, wanted: SessionId) {
    loop {
        match touched.recv().await {
            Ok(session) if session != wanted => {}
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            // Nobody can ring any more; the clock is left.
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Rings that are kept for a slow listener.
const TOUCHES_KEPT: usize = 256;
