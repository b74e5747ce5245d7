//! The wire between a device and a server: frames travel both ways, each after a while, and either end notices in time
//! that the other is gone. What goes wrong on it is the dice's to say.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use carhop_kernel::time::Timestamp;

use crate::happening::LinkState;
use crate::town::dice::Fault;
use crate::town::heart::{Heart, Nudge};

/// Both ends of a new wire: the server's and the device's.
pub(crate) fn wire(heart: &Heart, server: &Nudge, device: &Nudge) -> (End, End) {
    let way = |nudge: &Nudge| {
        let nudge = nudge.clone();
        Rc::new(RefCell::new(Way {
            frames: VecDeque::new(),
            last: heart.now(),
            ends_at: None,
            is_dead: false,
            nudge,
        }))
    };
    let (up, down) = (way(server), way(device));
    let end = |hears: &Rc<RefCell<Way>>, says: &Rc<RefCell<Way>>| End {
        heart: heart.clone(),
        hears: Rc::clone(hears),
        says: Rc::clone(says),
    };
    (end(&up, &down), end(&down, &up))
}

/// One end of a wire. Dropped, the other end notices after a while.
pub(crate) struct End {
    heart: Heart,
    hears: Rc<RefCell<Way>>,
    says: Rc<RefCell<Way>>,
}

/// One direction.
struct Way {
    frames: VecDeque<(Timestamp, Vec<u8>)>,
    /// When what was sent last arrives: nothing overtakes it on the same connection.
    last: Timestamp,
    /// Something was lost on it, and with it everything behind: a stream has no gaps.
    is_dead: bool,
    ends_at: Option<Timestamp>,
    nudge: Nudge,
}

/// What comes out of a wire.
pub(crate) enum Heard {
    /// A frame.
    Frame(Vec<u8>),
    /// The other end is gone, and nothing comes any more.
    End,
    /// Nothing yet; perhaps at this time.
    Nothing(Option<Timestamp>),
}

impl End {
    /// Sends a frame. `false` if the wire broke under it.
    pub(crate) fn send(&self, frame: Vec<u8>, state: LinkState, towards_device: bool) -> bool {
        let heart = &self.heart;
        let is_swallowed = match state {
            LinkState::Up => false,
            LinkState::Cut => true,
            LinkState::Deaf => towards_device,
            LinkState::Mute => !towards_device,
        };
        if heart.strikes(Fault::LinkBreaks) {
            return false;
        }
        let mut way = self.says.borrow_mut();
        way.is_dead |= is_swallowed || heart.strikes(Fault::FrameLost);
        if way.is_dead {
            return true;
        }
        let mut at = heart.now().plus_ms(heart.draw(LATENCY_MS.0, LATENCY_MS.1)).max(way.last);
        if heart.strikes(Fault::FrameLate) {
            // Half of them so little that it only just matters.
            let most_ms = if heart.span(Fault::FrameLate, 0, 2) == 0 { 1_500 } else { 30_000 };
            at = at.plus_ms(heart.span(Fault::FrameLate, 100, most_ms));
        }
        way.last = at;
        if heart.strikes(Fault::FrameRepeated) {
            let again = at.plus_ms(heart.span(Fault::FrameRepeated, 0, 5_000));
            way.put(again, frame.clone());
        }
        way.put(at, frame);
        way.nudge.nudge();
        true
    }

    /// What has arrived by now.
    pub(crate) fn hear(&self) -> Heard {
        let now = self.heart.now();
        let mut way = self.hears.borrow_mut();
        match way.frames.front().map(|(at, _)| *at) {
            Some(at) if at <= now => match way.frames.pop_front() {
                Some((_, frame)) => Heard::Frame(frame),
                None => Heard::Nothing(None),
            },
            Some(at) => Heard::Nothing(Some(at)),
            None => match way.ends_at {
                Some(at) if at <= now => Heard::End,
                at => Heard::Nothing(at),
            },
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let mut way = self.says.borrow_mut();
        way.ends_at = Some(self.heart.now().plus_ms(LATENCY_MS.1).max(way.last));
        way.nudge.nudge();
    }
}

impl Way {
    /// In the order of arrival.
    fn put(&mut self, at: Timestamp, frame: Vec<u8>) {
        let place = self.frames.partition_point(|(other, _)| *other <= at);
        self.frames.insert(place, (at, frame));
    }
}

/// How long a frame travels.
const LATENCY_MS: (u64, u64) = (5, 80);
