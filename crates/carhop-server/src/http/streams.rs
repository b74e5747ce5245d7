//! How many streams a caller reads at once (M-THR): a few screens for whoever takes part in a stop, more for those who watch
//! many stops. Of too many the oldest ends: a phone that changes networks leaves connections behind that nobody reads and
//! that look alive for minutes, and what is looked at is what was opened last.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::limit::Identity;

/// The streams that are open, by who reads them.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// The number of the next one.
    next: u64,
    /// The oldest first; one that is dropped from here ends.
    of: HashMap<Identity, VecDeque<(u64, oneshot::Sender<()>)>>,
}

/// An open stream, counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Reading {
    streams: Arc<Streams>,
    identity: Identity,
    number: u64,
    displaced: oneshot::Receiver<()>,
}

impl Streams {
    /// One more stream of this caller, which ends the oldest of too many.
    pub(crate) fn open(self: &Arc<Self>, identity: Identity) -> Reading {
        let (ends, displaced) = oneshot::channel();
        let mut open = self.lock();
        let number = open.next;
        open.next += 1;
        let own = open.of.entry(identity).or_default();
        if own.len() >= at_once(identity) {
            own.pop_front();
        }
        own.push_back((number, ends));
        drop(open);
        Reading { streams: Arc::clone(self), identity, number, displaced }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading {
    /// Waits until newer streams of the same caller have taken the place of this one.
    pub(crate) async fn displaced(&mut self) {
        // Nobody sends anything: whoever would is gone.
        let _ = (&mut self.displaced).await;
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let mut open = self.streams.lock();
        let Some(own) = open.of.get_mut(&self.identity) else { return };
        own.retain(|(number, _)| *number != self.number);
        if own.is_empty() {
            open.of.remove(&self.identity);
        }
    }
}

const fn at_once(identity: Identity) -> usize {
    match identity {
        Identity::Customer(_) | Identity::Device(_) => STREAMS_OF_A_PARTY,
        Identity::Key(_) | Identity::Member(_) => STREAMS_OF_AN_ONLOOKER,
    }
}

/// Streams of a customer's or a driver's screens.
const STREAMS_OF_A_PARTY: usize = 8;
/// Streams of a key or of a member of staff, who watch many stops.
const STREAMS_OF_AN_ONLOOKER: usize = 64;

#[cfg(test)]
mod tests {
    use carhop_kernel::id::{ApiKeyId, DeviceId};
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn the_oldest_ends_and_those_that_were_left_count_no_more() {
        for (identity, at_once) in [
            (Identity::Device(DeviceId::from_bytes([1; 16])), STREAMS_OF_A_PARTY),
            (Identity::Key(ApiKeyId::from_bytes([1; 16])), STREAMS_OF_AN_ONLOOKER),
        ] {
            let streams = Arc::<Streams>::default();
            let other = Identity::Device(DeviceId::from_bytes([2; 16]));
            let mut other = streams.open(other);
            let mut own: Vec<_> = (0..=at_once).map(|_| streams.open(identity)).collect();
            let mut ended = |own: &mut [Reading]| -> Vec<bool> {
                let all = own.iter_mut().chain([&mut other]);
                all.map(|one| one.displaced().now_or_never().is_some()).collect()
            };
            let told = ended(&mut own);
            assert_eq!(told.iter().position(|ended| *ended), Some(0));
            assert_eq!(told.iter().filter(|ended| **ended).count(), 1);
            own.drain(..2);
            own.push(streams.open(identity));
            assert!(!ended(&mut own).contains(&true));
            drop(own);
            assert_eq!(streams.lock().of.len(), 1);
        }
    }
}
