//! Whether anything is still asked on a connection. A peer that answers pings and asks nothing is idle, and so is one
//! that does not read its answers; a stream of events is something that goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::header;
use axum::response::Response;
use futures_util::StreamExt;

use crate::timers::sleep;

/// What happens on one connection.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    under_way: AtomicUsize,
    begun: AtomicU64,
}

/// A request that is being answered.
#[derive(Debug)]
struct UnderWay(Arc<Activity>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Activity {
    /// Counts a request until it is answered, or until its stream has ended.
    pub(crate) async fn during<E>(
        self: Arc<Self>,
        answer: impl Future<Output = Result<Response, E>>,
    ) -> Result<Response, E> {
        let under_way = self.begin();
        let response = answer.await?;
        let kind = response.headers().get(header::CONTENT_TYPE);
        if kind.is_none_or(|kind| kind != EVENTS) {
            return Ok(response);
        }
        Ok(response.map(|body| {
            Body::from_stream(body.into_data_stream().inspect(move |_| {
                // The stream owns it and drops it with itself.
                let _ = &under_way;
            }))
        }))
    }

    /// Ends once nothing has been asked for a while and nothing is under way.
    pub(crate) async fn idle(&self) {
        let mut seen = None;
        loop {
            let begun = self.quiet();
            if begun.is_some() && begun == seen {
                return;
            }
            seen = begun;
            sleep(LOOK_EVERY).await;
        }
    }

    /// How many requests there were, if none is under way.
    fn quiet(&self) -> Option<u64> {
        let quiet = self.under_way.load(Ordering::Acquire) == 0;
        quiet.then(|| self.begun.load(Ordering::Acquire))
    }

    fn begin(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::AcqRel);
        self.begun.fetch_add(1, Ordering::AcqRel);
        UnderWay(Arc::clone(self))
    }
}

/// A connection on which nothing was asked from one look to the next is closed, so after 30 to 60 seconds.
const LOOK_EVERY: Duration = Duration::from_secs(30);
const EVENTS: &str = "text/event-stream";

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    async fn answer(activity: &Arc<Activity>, kind: &str) -> Response {
        let response = Response::builder().header(header::CONTENT_TYPE, kind);
        let response = response.body(Body::from("x")).unwrap();
        let answered = Activity::during(Arc::clone(activity), async {
            assert_eq!(activity.quiet(), None, "while it is being answered");
            Ok::<_, Infallible>(response)
        });
        answered.await.unwrap()
    }

    #[tokio::test]
    async fn an_answer_that_nobody_reads_keeps_no_place_and_a_stream_does() {
        let activity = Arc::<Activity>::default();
        assert_eq!(activity.quiet(), Some(0));
        let unread = answer(&activity, "application/json").await;
        assert_eq!(activity.quiet(), Some(1));
        let stream = answer(&activity, EVENTS).await;
        assert_eq!(activity.quiet(), None);
        drop(stream);
        assert_eq!(activity.quiet(), Some(2));
        drop(unread);
    }
}
