//! The kinds of happenings that a history is spoiled at.

use std::sync::Arc;

use carhop_app::batch::{Batch, Body, DeviceEvent};
use carhop_kernel::session::Event;
use carhop_proofs::statement::Body as Said;

use crate::happening::Happening;

macro_rules! kinds_of_batches {
    ($($name:ident: $pattern:path;)*) => {$(
        pub(in crate::model::tests) fn $name(happening: &Happening) -> bool {
            batch_of(happening).is_some_and(|batch| {
                batch.entries.iter().any(|entry| matches!(&entry.body,
                    Body::Session(event) if matches!(&**event, $pattern { .. })))
            })
        }
    )*};
}

kinds_of_batches! {
    is_requested: Event::SessionRequested;
    is_shown: Event::PresenceProven;
    is_released: Event::ReleaseAuthorised;
    is_not_executed: Event::ReleaseNotExecuted;
    is_sent: Event::CommandSent;
    is_opened: Event::CompartmentOpened;
    is_completed: Event::SessionCompleted;
    is_settled: Event::FuelSettled;
}

pub(in crate::model::tests) fn is_compared(happening: &Happening) -> bool {
    has(happening, |body| matches!(body, Body::VehicleCompared { .. }))
}

pub(in crate::model::tests) fn is_enrolled(happening: &Happening) -> bool {
    has(happening, |body| matches!(body, Body::Device(DeviceEvent::Enrolled { .. })))
}

pub(in crate::model::tests) fn is_stated(happening: &Happening) -> bool {
    has(happening, |body| matches!(body, Body::Device(DeviceEvent::Stated { .. })))
}

pub(in crate::model::tests) fn is_sequenced(happening: &Happening) -> bool {
    batch_of(happening).is_some_and(|batch| !batch.sequenced.is_empty())
}

pub(in crate::model::tests) fn is_left(happening: &Happening) -> bool {
    matches!(happening, Happening::CommandLeft { .. })
}

pub(in crate::model::tests) fn is_accepted(happening: &Happening) -> bool {
    matches!(happening, Happening::Accepted { .. })
}

pub(in crate::model::tests) fn is_metered(happening: &Happening) -> bool {
    matches!(happening, Happening::Metered { .. })
}

pub(in crate::model::tests) fn is_acted(happening: &Happening) -> bool {
    matches!(happening, Happening::Actuated { .. })
}

pub(in crate::model::tests) fn is_receipt(happening: &Happening) -> bool {
    matches!(happening, Happening::Told { statement, .. }
        if matches!(statement.body, Said::Receipt { .. }))
}

pub(in crate::model::tests) fn is_end_reading(happening: &Happening) -> bool {
    matches!(happening, Happening::Told { statement, .. }
        if matches!(statement.body, Said::Meter { reading, .. } if reading.number == 1))
}

fn has(happening: &Happening, wanted: fn(&Body) -> bool) -> bool {
    batch_of(happening).is_some_and(|batch| batch.entries.iter().any(|entry| wanted(&entry.body)))
}

pub(super) fn batch_of(happening: &Happening) -> Option<&Batch> {
    let Happening::Appended { batch, .. } = happening else { return None };
    Some(&batch.0)
}

pub(super) fn change_batch(happening: &mut Happening, change: impl FnOnce(&mut Batch)) {
    if let Happening::Appended { batch, .. } = happening {
        change(Arc::make_mut(&mut batch.0));
    }
}
