//! The one place that waits for time to pass. Nothing is decided here: deadlines are durable rows in the journal, and
//! these waits only say when to look at them again.

use std::future::Future;
use std::time::Duration;

/// Waits.
#[expect(clippy::disallowed_methods, reason = "the one place that waits")]
pub async fn sleep(span: Duration) {
    tokio::time::sleep(span).await;
}

/// What the future came to, or `None` if it took longer.
#[expect(clippy::disallowed_methods, reason = "the one place that waits")]
pub async fn within<F: Future>(span: Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(span, future).await.ok()
}
