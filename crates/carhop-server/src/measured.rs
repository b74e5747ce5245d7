//! A journal that measures how long its appends take. It changes nothing of what it passes on.

use std::sync::Arc;

use carhop_app::batch::{Appended, Batch, Body, Entry};
use carhop_app::forwarding::Forwarding;
use carhop_app::ports::{AppendError, Journal, Pending};
use carhop_kernel::session::Event;

use crate::clock::Stopwatch;
use crate::metrics::Metrics;

/// The measured journal.
pub(crate) struct Measured<J> {
    inner: J,
    metrics: Arc<Metrics>,
}

impl<J: Journal> Measured<J> {
    pub(crate) const fn new(inner: J, metrics: Arc<Metrics>) -> Self {
        Self { inner, metrics }
    }
}

impl<J: Journal> Forwarding for Measured<J> {
    fn behind(&self) -> &dyn Journal {
        &self.inner
    }

    fn pass_append(&self, batch: Batch) -> Pending<'_, Result<Appended, AppendError>> {
        let outcomes: Vec<_> = batch.entries.iter().filter_map(outcome).collect();
        Box::pin(async move {
            let watch = Stopwatch::start();
            let appended = self.inner.append(batch).await;
            self.metrics.appended(watch.seconds());
            if appended.is_ok() {
                for name in outcomes {
                    self.metrics.release(name);
                }
            }
            appended
        })
    }
}

/// The name of what a release came to, if the entry says so.
fn outcome(entry: &Entry) -> Option<&'static str> {
    let Body::Session(event) = &entry.body else { return None };
    let told = matches!(
        **event,
        Event::ReleaseAuthorised { .. }
            | Event::CompartmentOpened { .. }
            | Event::PumpArmed { .. }
            | Event::ReleaseNotExecuted { .. }
            | Event::ReleaseUnconfirmed { .. }
            | Event::LegFailed { .. }
            | Event::LegTakenOver { .. }
    );
    told.then(|| event.name())
}
