//! When a device renews its certificate, and the asking, which goes on beside everything else that the device does.
//!
//! What is asked is the business of `authority`. An answer that is late or lost takes nothing away: the certificate in
//! force stays in force until the new one is shown (decision 0017), so that asking once more mends it.

use std::future;
use std::time::Duration;

use anyhow::{Context, Result};
use carhop_kernel::time::Timestamp;
use carhop_proofs::pki::DeviceCertificate;
use carhop_proofs::suite::SigningKey;
use tokio::task::JoinHandle;

use super::authority::Authority;
use super::store::Identity;
use crate::timers;

/// The renewal of one certificate.
#[derive(Debug)]
pub(crate) struct Renewal {
    /// When to ask.
    due_at: Timestamp,
    /// From when on not even work puts it off.
    pressing_at: Timestamp,
    asking: Option<JoinHandle<Result<Identity>>>,
}

impl Renewal {
    /// That of a certificate: at half its life, by work put off until an eighth of it is left (standards §4.5).
    pub(crate) fn of(certificate: &DeviceCertificate) -> Self {
        let &DeviceCertificate { not_before, not_after, .. } = certificate;
        let life_ms = not_after.since_ms(not_before);
        let pressing_at = not_before.plus_ms(life_ms - life_ms / 8);
        Self { due_at: certificate.renewal_at(), pressing_at, asking: None }
    }

    /// When to ask, while nobody does.
    pub(crate) fn due_at(&self, is_at_work: bool) -> Option<Timestamp> {
        let due_at = if is_at_work { self.due_at.max(self.pressing_at) } else { self.due_at };
        self.asking.is_none().then_some(due_at)
    }

    /// Whether nothing is in the way of changing over to another certificate, which makes the connection anew.
    pub(crate) fn may_change_over(&self, is_at_work: bool, now: Timestamp) -> bool {
        !is_at_work || now >= self.pressing_at
    }

    /// Asks, and does not wait for the answer. If it is none, it is asked again later, well before the certificate ends.
    pub(crate) fn begin(
        &mut self,
        authority: Authority,
        key: SigningKey,
        identity: Identity,
        now: Timestamp,
    ) {
        self.due_at = now.plus_ms(RETRY_MS);
        self.asking = Some(tokio::spawn(async move {
            let asked = Box::pin(authority.renew(&key, &identity));
            let answered = timers::within(PATIENCE, asked).await;
            answered.context("renewing: nobody answers")?
        }));
    }

    /// What the asking came to; nothing ever, while nobody asks. May be left and waited for again.
    pub(crate) async fn answer(&mut self) -> Result<Identity> {
        let Some(asking) = &mut self.asking else { return future::pending().await };
        let answered = asking.await;
        self.asking = None;
        answered.context("the renewal has broken off")?
    }
}

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
const RETRY_MS: u64 = 60_000;

#[cfg(test)]
impl Renewal {
    /// From here on it has been answered like this.
    pub(crate) async fn be_answered(&mut self, renewed: Identity) {
        let (answer, answered) = tokio::sync::oneshot::channel();
        self.asking = Some(tokio::spawn(async move {
            let _ = answer.send(());
            Ok(renewed)
        }));
        let _ = answered.await;
    }
}
