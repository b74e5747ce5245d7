//! Keeps the outbox, the timers and the logs moving: whenever the bell rings, and by the clock in case it did not.
//!
//! A failure is logged and tried again; nothing here holds state of its own.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use carhop_app::Failure;
use tokio::task::JoinSet;

use crate::bell::told;
use crate::server::Server;
use crate::timers::{sleep, within};

/// Starts the tasks; they end when told to stop.
pub(crate) fn start(server: &Arc<Server>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(keep(Arc::clone(server), EFFECTS_EVERY, "effects", async |server| {
        let count = server.app.run_effects().await?;
        server.metrics.effects(count);
        Ok(count > 0)
    }));
    tasks.spawn(keep(Arc::clone(server), TIMERS_EVERY, "timers", async |server| {
        let count = server.app.run_timers().await?;
        server.metrics.timers(count);
        Ok(false)
    }));
    tasks.spawn(keep(Arc::clone(server), LOG_EVERY, "sequencer", async |server| {
        let count = server.app.sequence().await?;
        server.metrics.sequenced(count);
        if count > 0 {
            server.bell.ring_sequenced();
        }
        Ok(count > 0)
    }));
    tasks.spawn(sign(Arc::clone(server)));
    let of = Arc::clone(server);
    tasks.spawn(async move {
        let mut stopped = of.stopping.clone();
        loop {
            tokio::select! {
                () = told(&mut stopped) => return,
                () = sleep(FORGET_EVERY) => of.budgets.forget_the_idle(),
            }
        }
    });
    tasks
}

/// Runs `work` whenever the bell rings and at least every so often; again at once while it says there is more.
async fn keep<W, F>(server: Arc<Server>, every: Duration, name: &'static str, work: W)
where
    W: Fn(Arc<Server>) -> F,
    F: Future<Output = Result<bool, Failure>>,
{
    let (mut bell, mut stop) = (server.bell.appended(), server.stopping.clone());
    while !*stop.borrow() {
        match work(Arc::clone(&server)).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(failure) => {
                tracing::warn!(%failure, task = name, "a background task failed; it tries again");
                sleep(every).await;
            }
        }
        tokio::select! {
            () = told(&mut stop) => {}
            _ = within(every, bell.changed()) => {}
        }
    }
}

/// Signs what every log has come to, at intervals and once more at the end.
async fn sign(server: Arc<Server>) {
    let mut stop = server.stopping.clone();
    loop {
        let is_last = *stop.borrow();
        for partition in &server.partitions {
            if let Err(error) = server.app.sign_checkpoint(partition, &*server.notary).await {
                let (tenant, market) = (&partition.tenant, &partition.market);
                tracing::error!(%error, %tenant, %market, "no checkpoint was signed");
            }
        }
        if is_last {
            return;
        }
        tokio::select! {
            () = told(&mut stop) => {}
            () = sleep(SIGN_EVERY) => {}
        }
    }
}

/// How often the outbox is looked at without a ring: an effect whose device was away comes back then.
const EFFECTS_EVERY: Duration = Duration::from_millis(250);
/// How often due timers are looked for without a ring.
const TIMERS_EVERY: Duration = Duration::from_millis(250);
/// How often the log is looked at without a ring.
const LOG_EVERY: Duration = Duration::from_secs(1);
/// How often the logs are signed; standards §7 asks for ten seconds at most.
const SIGN_EVERY: Duration = Duration::from_secs(2);
/// How often idle callers are forgotten.
const FORGET_EVERY: Duration = Duration::from_mins(1);
