//! What every adapter of the journal port must do, as sentences. An adapter's tests run all of it through
//! [`conformance_cases!`](crate::conformance_cases); each case opens journals of its own and asserts.
//!
//! What only a file can show (reopening, crashes, durability settings) is tested beside its adapter.

#![expect(clippy::unwrap_used, reason = "a case is a test: it stops at what should not happen")]
#![expect(clippy::missing_panics_doc, reason = "a case is a test: that is how it fails")]
#![expect(missing_docs, reason = "the name of a case is its sentence")]

mod fixture;
mod outbox;
mod partitions;
mod records;
mod streams;
mod timers;
mod vault;
mod whole;

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use carhop_app::ports::Journal;

/// Opens an empty journal.
pub type Open<'a> = &'a dyn Fn() -> Arc<dyn Journal>;

/// Names every case to a macro, so that an adapter makes a test of each.
#[macro_export]
macro_rules! conformance_cases {
    ($callback:ident) => {
        $callback! {
            a_precondition_on_what_is_absent_is_version_zero
            every_write_raises_the_version_by_one
            a_conflict_names_the_record_that_changed_and_leaves_nothing_behind
            a_deleted_record_comes_back_with_a_version_never_seen_before
            deleting_what_is_absent_changes_nothing
            a_record_is_forgotten_after_its_time_and_never_before
            of_many_racing_batches_exactly_one_wins
            a_nonce_is_spent_once_in_its_space
            a_nonce_may_be_spent_again_once_it_may_be_forgotten
            of_many_racing_spends_exactly_one_wins
            records_come_in_key_order_after_a_key_up_to_a_limit
            records_are_found_by_the_index_values_of_their_last_write
            a_batch_that_goes_through_does_all_of_it
            a_batch_that_fails_does_nothing_of_it
            a_batch_reaches_into_no_other_partition
            a_stream_counts_from_one_without_gaps
            streams_are_apart_and_an_unknown_one_is_empty
            stored_bytes_come_back_exactly_on_every_way
            a_refusal_is_one_write_with_what_it_stores_and_comes_up_for_sequencing
            a_refusal_of_what_has_changed_meanwhile_is_none
            a_refusal_never_moves_a_session_and_never_causes_anything
            events_wait_for_their_position_in_the_order_of_appending
            positions_are_given_in_turn_and_once
            the_log_is_read_from_a_position_up_to_a_limit
            the_log_of_one_session_is_read_apart_from_all_others
            what_was_appended_is_listed_with_its_standing_in_the_log
            effects_leave_in_order_and_one_per_device
            a_leased_effect_is_hidden_until_the_lease_ends_and_nothing_overtakes_it
            a_finished_effect_never_comes_back
            an_effect_called_off_in_its_own_batch_never_leaves
            what_waits_is_counted_with_its_age
            an_effect_that_is_put_off_waits_for_its_time_and_nothing_overtakes_it
            timers_come_due_longest_overdue_first
            a_timer_of_the_same_subject_replaces_the_earlier_one
            a_timer_remembers_how_often_it_has_run
            a_finished_timer_is_gone_unless_its_batch_sets_it_anew
            sealed_data_is_kept_per_field_and_replaced
            erasure_destroys_one_subject_and_wins_over_sealing
            partitions_never_see_each_other
        }
    };
}

macro_rules! list_cases {
    ($($name:ident)*) => {
        /// Every case with its sentence.
        pub const CASES: &[(&str, fn(Open<'_>))] = &[$((stringify!($name), $name)),*];
    };
}

conformance_cases!(list_cases);

pub use outbox::*;
pub use partitions::*;
pub use records::*;
pub use streams::*;
pub use timers::*;
pub use vault::*;
pub use whole::*;

/// Does to a file what whoever has it can do, for tests of what notices that.
pub fn meddle(file: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(file).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    connection.execute_batch(sql).unwrap();
}

/// Runs a future on this thread until it is ready.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
