//! Runs futures by hand: no thread, no timer, no runtime. What can go on is polled; what cannot go on while nobody can
//! wake it is an error, not a hang.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::chance::Chance;

/// A future waits for something that nothing here will ever do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a future waits and nothing will wake it")]
pub struct Stalled;

/// One of several futures that run together.
pub type Task<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Runs one future to its end.
pub fn run<T>(future: impl Future<Output = T>) -> Result<T, Stalled> {
    let mut future = pin!(future);
    let flag = Arc::new(Flag::default());
    let waker = Waker::from(Arc::clone(&flag));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Ok(value);
        }
        if !flag.take() {
            return Err(Stalled);
        }
    }
}

/// Runs futures together, one step at a time; chance says whose turn it is. Their results, in the order given.
pub fn run_together<T>(tasks: Vec<Task<'_, T>>, chance: &mut Chance) -> Result<Vec<T>, Stalled> {
    let mut done: Vec<Option<T>> = tasks.iter().map(|_| None).collect();
    let mut left: Vec<Running<'_, T>> = tasks.into_iter().enumerate().map(Running::new).collect();
    while !left.is_empty() {
        let mut ready: Vec<usize> = (0..left.len()).collect();
        ready.retain(|&at| left[at].flag.is_up());
        if ready.is_empty() {
            return Err(Stalled);
        }
        let at = ready[chance.below(ready.len())];
        if let Some(value) = left[at].step() {
            let finished = left.swap_remove(at);
            done[finished.number] = Some(value);
        }
    }
    Ok(done.into_iter().flatten().collect())
}

/// Lets every other future of [`run_together`] have a turn.
pub async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|context| {
        if paused {
            return Poll::Ready(());
        }
        paused = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

struct Running<'a, T> {
    number: usize,
    task: Task<'a, T>,
    flag: Arc<Flag>,
}

impl<'a, T> Running<'a, T> {
    fn new((number, task): (usize, Task<'a, T>)) -> Self {
        let flag = Arc::new(Flag::default());
        flag.raise();
        Self { number, task, flag }
    }

    fn step(&mut self) -> Option<T> {
        self.flag.take();
        let waker = Waker::from(Arc::clone(&self.flag));
        match self.task.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }
}

/// Whether a future can go on.
#[derive(Debug, Default)]
struct Flag(AtomicBool);

impl Flag {
    fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_up(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.raise();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn what_nobody_wakes_is_told_and_not_waited_for() {
        assert_eq!(run(async { 7 }), Ok(7));
        assert_eq!(run(std::future::pending::<()>()), Err(Stalled));
        let tasks: Vec<Task<'_, ()>> = vec![Box::pin(pause()), Box::pin(std::future::pending())];
        assert_eq!(run_together(tasks, &mut Chance::new(1, "turns")), Err(Stalled));
    }

    #[test]
    fn the_same_chance_gives_the_same_turns_and_another_gives_others() {
        let played = |seed| {
            let heard = RefCell::new(Vec::new());
            let speak = |name: u8| {
                let heard = &heard;
                async move {
                    for _ in 0..8 {
                        heard.borrow_mut().push(name);
                        pause().await;
                    }
                    name
                }
            };
            let tasks: Vec<Task<'_, u8>> = vec![Box::pin(speak(0)), Box::pin(speak(1))];
            let results = run_together(tasks, &mut Chance::new(seed, "turns")).unwrap();
            assert_eq!(results, [0, 1]);
            heard.into_inner()
        };
        assert_eq!(played(1), played(1));
        assert_ne!(played(1), played(2));
    }
}
