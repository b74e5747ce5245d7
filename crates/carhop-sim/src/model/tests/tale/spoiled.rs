//! What is done to a good history so that it is one no longer.
//!
//! Which of them breaks what stands in the table of the tests.

use carhop_app::batch::{Batch, Body};
use carhop_kernel::session::Event;

use super::kinds::{batch_of, change_batch};
use super::parts::derived;
use super::{NOW, Tale};
use crate::happening::Happening;

impl Tale {
    fn place(&self, wanted: fn(&Happening) -> bool) -> usize {
        self.told.iter().position(|(_, happening)| wanted(happening)).unwrap()
    }

    /// Changes the first happening of a kind.
    pub(in crate::model::tests) fn change(
        &mut self,
        wanted: fn(&Happening) -> bool,
        change: fn(&mut Happening),
    ) {
        let place = self.place(wanted);
        change(&mut self.told[place].1);
    }

    /// Changes the first batch of a kind.
    pub(in crate::model::tests) fn batch(
        &mut self,
        wanted: fn(&Happening) -> bool,
        change: impl FnOnce(&mut Batch),
    ) {
        let place = self.place(wanted);
        change_batch(&mut self.told[place].1, change);
    }

    pub(in crate::model::tests) fn swap(
        &mut self,
        one: fn(&Happening) -> bool,
        other: fn(&Happening) -> bool,
    ) {
        let (one, other) = (self.place(one), self.place(other));
        self.told.swap(one, other);
    }

    pub(in crate::model::tests) fn repeat(&mut self, wanted: fn(&Happening) -> bool) {
        let place = self.place(wanted);
        let again = self.told[place].clone();
        self.told.insert(place + 1, again);
    }

    pub(in crate::model::tests) fn leave_out(&mut self, wanted: fn(&Happening) -> bool) {
        let place = self.place(wanted);
        self.told.remove(place);
        self.told.retain(|(_, happening)| !matches!(happening, Happening::Acknowledged { .. }));
        // The log is another matter.
        for (_, happening) in &mut self.told {
            change_batch(happening, |batch| {
                if !batch.sequenced.is_empty() {
                    batch.sequenced.clear();
                    batch.writes.clear();
                }
            });
        }
    }

    pub(in crate::model::tests) fn delay(&mut self, wanted: fn(&Happening) -> bool, by_ms: u64) {
        let place = self.place(wanted);
        self.told[place].0 = NOW.plus_ms(by_ms);
    }

    /// Something like the first batch of a kind becomes durable right after it.
    pub(in crate::model::tests) fn again(
        &mut self,
        wanted: fn(&Happening) -> bool,
        change: fn(&mut Batch),
    ) {
        let place = self.place(wanted);
        let mut again = batch_of(&self.told[place].1).unwrap().clone();
        for (entry, number) in again.entries.iter_mut().zip(100..) {
            entry.id = derived(&entry.id, number);
        }
        change(&mut again);
        let rest = self.told.split_off(place + 1);
        self.appended(again);
        self.told.extend(rest);
    }

    pub(in crate::model::tests) fn before(
        &mut self,
        wanted: fn(&Happening) -> bool,
        add: impl FnOnce(&mut Self),
    ) {
        self.at(self.place(wanted), add);
    }

    pub(in crate::model::tests) fn after(
        &mut self,
        wanted: fn(&Happening) -> bool,
        add: impl FnOnce(&mut Self),
    ) {
        self.at(self.place(wanted) + 1, add);
    }

    fn at(&mut self, place: usize, add: impl FnOnce(&mut Self)) {
        let rest = self.told.split_off(place);
        add(self);
        self.told.extend(rest);
    }
}

pub(in crate::model::tests) fn settle(batch: &mut Batch, change: fn(u32) -> u32) {
    for entry in &mut batch.entries {
        if let Body::Session(event) = &mut entry.body
            && let Event::FuelSettled { metered_ml, .. } = &mut **event
        {
            *metered_ml = change(*metered_ml);
        }
    }
}

/// Puts something that means nothing in the place of an event.
pub(in crate::model::tests) fn replace(batch: &mut Batch, wanted: fn(&Event) -> bool) {
    for entry in &mut batch.entries {
        if let Body::Session(event) = &mut entry.body
            && wanted(event)
        {
            **event = Event::HoldLifted;
        }
    }
}
