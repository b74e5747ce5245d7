//! Time, turns and tasks of a town: what can go on is polled in an order that chance says, and when nothing can, time
//! jumps to the next alarm. It knows neither servers nor faults, only who owns a task.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use carhop_kernel::id::DeviceId;
use carhop_kernel::time::Timestamp;

use crate::chance::Chance;
use crate::happening::{Broken, CrashPoint, Happening, ServerNumber};
use crate::town::dice::{Dice, Fault};

/// Whose task it is: what dies together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    /// The world itself.
    World,
    /// A server's process.
    Server(ServerNumber),
    /// A device.
    Device(DeviceId),
}

/// Time and chance, shared by everything in a town. Ports of production code hold it, so it may cross threads; it never
/// does.
#[derive(Clone)]
pub(crate) struct Heart(Arc<Mutex<State>>);

struct State {
    now_ms: u64,
    /// Who wants to be woken when: by time, then by a drawn number, so that what falls due together has no fixed order.
    alarms: BTreeMap<Alarm, Waker>,
    drawn: u64,
    turns: Chance,
    restless_per_million: u32,
    dice: Dice,
    entropy: Chance,
    happened: Vec<(Timestamp, Happening)>,
    deaths: Vec<(ServerNumber, CrashPoint)>,
    failure: Option<Broken>,
}

type Alarm = (u64, u64, u64);

impl Heart {
    pub(crate) fn new(seed: u64, start: Timestamp, dice: Dice, restless_per_million: u32) -> Self {
        Self(Arc::new(Mutex::new(State {
            now_ms: start.unix_ms(),
            alarms: BTreeMap::new(),
            drawn: 0,
            turns: Chance::new(seed, "turns"),
            restless_per_million,
            dice,
            entropy: Chance::new(seed, "entropy"),
            happened: Vec::new(),
            deaths: Vec::new(),
            failure: None,
        })))
    }

    /// The world's own time.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.state().now_ms)
    }

    /// Says that something happened.
    pub(crate) fn tell(&self, happening: Happening) {
        let mut state = self.state();
        let now = Timestamp::from_unix_ms(state.now_ms);
        state.happened.push((now, happening));
    }

    /// What happened since the last time it was asked for.
    pub(crate) fn told(&self) -> Vec<(Timestamp, Happening)> {
        std::mem::take(&mut self.state().happened)
    }

    /// Whether a fault strikes here and now.
    pub(crate) fn strikes(&self, fault: Fault) -> bool {
        self.state().dice.strikes(fault)
    }

    /// A number from `start` on and below `end` that belongs to a fault.
    pub(crate) fn span(&self, fault: Fault, start: u64, end: u64) -> u64 {
        self.state().dice.span(fault, start, end)
    }

    /// A number from `start` on and below `end`, for what is no fault.
    pub(crate) fn draw(&self, start: u64, end: u64) -> u64 {
        self.state().turns.span(start, end)
    }

    /// Bytes for ids and secrets.
    pub(crate) fn bytes<const N: usize>(&self) -> [u8; N] {
        self.state().entropy.bytes()
    }

    /// Fills bytes for ids and secrets.
    pub(crate) fn fill(&self, bytes: &mut [u8]) {
        self.state().entropy.fill(bytes);
    }

    /// What the dice did.
    pub(crate) fn with_dice<T>(&self, look: impl FnOnce(&mut Dice) -> T) -> T {
        look(&mut self.state().dice)
    }

    /// Has a server die at this point. Whoever calls this from within it must not go on: [`Heart::never`].
    pub(crate) fn die(&self, server: ServerNumber, at: CrashPoint) {
        self.state().deaths.push((server, at));
    }

    /// Says that something that must always hold does not.
    pub(crate) fn fail(&self, invariant: &'static str, why: impl Into<String>) {
        self.state().failure.get_or_insert(Broken::new(invariant, why));
    }

    /// What did not hold, if anything.
    pub(crate) fn failure(&self) -> Option<Broken> {
        self.state().failure.take()
    }

    /// The servers that were to die.
    pub(crate) fn deaths(&self) -> Vec<(ServerNumber, CrashPoint)> {
        std::mem::take(&mut self.state().deaths)
    }

    /// Lets others go first, now and then.
    pub(crate) async fn turn(&self) {
        let yields = {
            let mut state = self.state();
            let restless = state.restless_per_million;
            state.turns.strikes(restless)
        };
        if yields {
            crate::executor::pause().await;
        }
    }

    /// Waits.
    pub(crate) fn sleep(&self, span_ms: u64) -> Sleep {
        self.sleep_until(self.now().plus_ms(span_ms))
    }

    /// Waits until then.
    pub(crate) fn sleep_until(&self, until: Timestamp) -> Sleep {
        Sleep { heart: self.clone(), until_ms: until.unix_ms(), alarm: None }
    }

    /// Waits until then or until it is nudged, whichever comes first.
    pub(crate) async fn wait(&self, nudge: &Nudge, until: Option<Timestamp>) {
        let mut sleep = until.map(|until| self.sleep_until(until));
        std::future::poll_fn(|context| {
            if nudge.take(context.waker()) {
                return Poll::Ready(());
            }
            sleep.as_mut().map_or(Poll::Pending, |sleep| Pin::new(sleep).poll(context))
        })
        .await;
    }

    /// Moves time to the next alarm and rings it and all that are due with it; `false` if there is none by `end`.
    fn advance(&self, end: Timestamp) -> bool {
        let mut state = self.state();
        let Some((&(at_ms, ..), _)) = state.alarms.first_key_value() else { return false };
        if at_ms > end.unix_ms() {
            return false;
        }
        state.now_ms = state.now_ms.max(at_ms);
        let next = (state.now_ms + 1, 0, 0);
        let later = state.alarms.split_off(&next);
        let due = std::mem::replace(&mut state.alarms, later);
        drop(state);
        due.into_values().for_each(Waker::wake);
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Never ends: what a dead process does next.
pub(crate) async fn never<T>() -> T {
    std::future::pending().await
}

/// Waits for a moment of the world's own time.
pub(crate) struct Sleep {
    heart: Heart,
    until_ms: u64,
    alarm: Option<Alarm>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut state = this.heart.state();
        if let Some(alarm) = this.alarm.take() {
            state.alarms.remove(&alarm);
        }
        if state.now_ms >= this.until_ms {
            return Poll::Ready(());
        }
        state.drawn += 1;
        let alarm = (this.until_ms, state.turns.span(0, 1 << 32), state.drawn);
        state.alarms.insert(alarm, context.waker().clone());
        this.alarm = Some(alarm);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(alarm) = self.alarm.take() {
            self.heart.state().alarms.remove(&alarm);
        }
    }
}

/// Tells one waiter that there is something to look at. Nudged before anybody waits, it is not forgotten.
#[derive(Clone, Default)]
pub(crate) struct Nudge(Arc<Mutex<(bool, Option<Waker>)>>);

impl Nudge {
    /// There is something to look at.
    pub(crate) fn nudge(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = true;
        let waiter = state.1.take();
        drop(state);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    fn take(&self, waker: &Waker) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let was_nudged = std::mem::take(&mut state.0);
        state.1 = (!was_nudged).then(|| waker.clone());
        was_nudged
    }
}

/// A future that belongs to somebody.
pub(crate) type Work = Pin<Box<dyn Future<Output = ()>>>;

/// Where tasks are handed in.
#[derive(Clone, Default)]
pub(crate) struct Spawner(Rc<RefCell<Vec<(Owner, Work)>>>);

impl Spawner {
    /// Runs this from now on.
    pub(crate) fn spawn(&self, owner: Owner, work: impl Future<Output = ()> + 'static) {
        self.0.borrow_mut().push((owner, Box::pin(work)));
    }
}

/// All tasks.
pub(crate) struct Tasks {
    heart: Heart,
    spawner: Spawner,
    running: BTreeMap<u64, Running>,
    last: u64,
    ready: Arc<Mutex<Vec<u64>>>,
    /// Owners that stand still, and what of theirs could go on.
    paused: BTreeMap<Owner, Vec<u64>>,
}

struct Running {
    owner: Owner,
    work: Work,
    waker: Waker,
    flag: Arc<Flag>,
}

impl Tasks {
    pub(crate) fn new(heart: &Heart, spawner: &Spawner) -> Self {
        Self {
            heart: heart.clone(),
            spawner: spawner.clone(),
            running: BTreeMap::new(),
            last: 0,
            ready: Arc::default(),
            paused: BTreeMap::new(),
        }
    }

    /// Does one thing; `false` if nothing is left to do by `end`.
    pub(crate) fn step(&mut self, end: Timestamp) -> bool {
        self.adopt();
        let Some(id) = self.pick() else { return self.heart.advance(end) };
        let Some(mut task) = self.running.remove(&id) else { return true };
        if let Some(waiting) = self.paused.get_mut(&task.owner) {
            waiting.push(id);
            self.running.insert(id, task);
            return true;
        }
        task.flag.lower();
        let poll = task.work.as_mut().poll(&mut Context::from_waker(&task.waker));
        if poll.is_pending() {
            self.running.insert(id, task);
        }
        true
    }

    /// Ends everything of an owner, at once and without a word.
    pub(crate) fn kill(&mut self, owner: Owner) {
        self.adopt();
        self.running.retain(|_, task| task.owner != owner);
        self.paused.remove(&owner);
    }

    /// Has an owner stand still.
    pub(crate) fn pause(&mut self, owner: Owner) {
        self.paused.entry(owner).or_default();
    }

    /// Has an owner go on.
    pub(crate) fn resume(&mut self, owner: Owner) {
        let waiting = self.paused.remove(&owner).unwrap_or_default();
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).extend(waiting);
    }

    fn adopt(&mut self) {
        for (owner, work) in self.spawner.0.take() {
            self.last += 1;
            let flag = Arc::new(Flag {
                id: self.last,
                raised: Mutex::new(false),
                ready: Arc::clone(&self.ready),
            });
            flag.raise();
            let waker = Waker::from(Arc::clone(&flag));
            self.running.insert(self.last, Running { owner, work, waker, flag });
        }
    }

    fn pick(&self) -> Option<u64> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let at = match ready.len() {
            0 => return None,
            1 => 0,
            count => usize::try_from(self.heart.draw(0, count as u64)).unwrap_or_default(),
        };
        Some(ready.swap_remove(at))
    }
}

/// Whether a task can go on; raised, it stands in the queue of those that can.
struct Flag {
    id: u64,
    raised: Mutex<bool>,
    ready: Arc<Mutex<Vec<u64>>>,
}

impl Flag {
    fn raise(&self) {
        let mut raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut *raised, true) {
            self.ready.lock().unwrap_or_else(PoisonError::into_inner).push(self.id);
        }
    }

    fn lower(&self) {
        *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.raise();
    }
}
