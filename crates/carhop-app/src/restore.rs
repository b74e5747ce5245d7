//! What follows from going back to a backup: devices, callers and people remember more than the journal does. Nothing
//! that was alive then is believed now, and no stop of then goes on before somebody has looked (M-FLO-5, standards §3).
//!
//! It works alone on a journal that serves nobody; bringing the files back is the server's business.

use std::collections::BTreeMap;

use carhop_kernel::id::CommandId;
use carhop_kernel::session::{Event, HoldCause, Leg, LegIndex, LegState, Report, evolve, observe};
use carhop_kernel::time::Timestamp;
use carhop_kernel::token::TokenEnd;

use crate::app::App;
use crate::batch::{Batch, Body, Meta, OperatorEvent, Stream, Timer, TimerSubject};
use crate::effects::PUT_OFF_MS_MAX;
use crate::failure::Failure;
use crate::reads::Reads;
use crate::record::{Partition, Record};
use crate::records::{
    ChainRecord, CodesRecord, DeviceRecord, SessionHead, StaffTokenRecord, TenantRecord,
    TicketRecord, TokenRow,
};

/// What going back has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// The epoch of trust from now on; devices refuse commands of an older one.
    pub trust_epoch: u64,
    /// Tokens that were alive.
    pub tokens: usize,
    /// Links and tickets that could still be used.
    pub tickets: usize,
    /// Codes that could still be shown.
    pub codes: usize,
    /// Stops that were not over, and are held now.
    pub stops: usize,
    /// Legs of which nobody knows whether their command was carried out.
    pub legs: usize,
}

impl App {
    /// Makes a journal that was brought back from a backup safe to go on with: a new epoch with counters above all that
    /// were ever used, no old token, link or code, no integrity that was shown before, every command that may have left in
    /// doubt, and every stop held. What waited to leave is called back whosever it is; the rest is done for these accounts.
    pub async fn restore(
        &self,
        partitions: &[Partition],
        backed_up_at: Timestamp,
    ) -> Result<Vec<Restored>, Failure> {
        self.call_back().await?;
        let mut restored = Vec::with_capacity(partitions.len());
        for partition in partitions {
            restored.push(self.restore_account(partition, backed_up_at).await?);
        }
        Ok(restored)
    }

    async fn restore_account(
        &self,
        partition: &Partition,
        backed_up_at: Timestamp,
    ) -> Result<Restored, Failure> {
        let tenant = self.view_tenant(partition).await?;
        // Seconds grow between two restores of the same backup, too; and devices compare, they do not count.
        let trust_epoch = (tenant.trust_epoch + 1).max(self.now().unix_ms() / 1_000);
        let mut restored = Restored { trust_epoch, ..Restored::default() };
        (restored.stops, restored.legs) = self.doubt_stops(partition).await?;
        restored.tokens = self.end_tokens(partition).await? + self.end_sign_ins(partition).await?;
        restored.tickets = self.end_tickets(partition).await?;
        restored.codes = self.end_codes(partition).await?;
        self.reset_devices(partition, trust_epoch).await?;
        let mut batch = Batch::new(partition.clone(), self.now());
        batch.store(&TenantRecord { trust_epoch, ..tenant })?;
        let event = OperatorEvent::Restored { backed_up_at, trust_epoch };
        batch.record(self, Stream::Operator, &Meta::system(), Body::Operator(event));
        self.append(batch, None).await?;
        Ok(restored)
    }

    /// Empties the outbox: what stands in it may have left after the backup was made.
    async fn call_back(&self) -> Result<(), Failure> {
        loop {
            // Nobody else works here, so a lease hides nothing from anybody; what was put off is called back as well.
            let now = self.now();
            let due_at = now.plus_ms(PUT_OFF_MS_MAX);
            let leased = self.parts.journal.lease_effects(due_at, due_at, PAGE).await?;
            if leased.is_empty() {
                return Ok(());
            }
            let mut batches = BTreeMap::new();
            for leased in leased {
                let partition = leased.partition;
                let batch =
                    batches.entry(partition.clone()).or_insert_with(|| Batch::new(partition, now));
                batch.finished_effects.push(leased.id);
            }
            for batch in batches.into_values() {
                self.append(batch, None).await?;
            }
        }
    }

    /// Holds every stop that is not over, because it may have come further than the journal knows. Every command that was
    /// made and not answered may have been carried out: its leg is in doubt, and the device will be asked as after any
    /// silence. How many stops, and how many legs.
    async fn doubt_stops(&self, partition: &Partition) -> Result<(usize, usize), Failure> {
        let (mut stops, mut legs) = (0, 0);
        for head in self.every::<SessionHead>(partition).await? {
            let mut reads = Reads::new(self, partition);
            let session = reads.session(head.session).await?;
            let mut batch = reads.batch();
            let mut events = Vec::new();
            for (leg, command, has_left) in session.legs.iter().zip(0..).filter_map(open_command) {
                if !has_left {
                    events.push(Event::CommandSent { leg, command });
                }
                let after = events.iter().fold(session.clone(), evolve);
                events.extend(observe(&after, &Report::Silence { command }, reads.now));
                let subject = TimerSubject::Silence { session: session.id, command };
                batch.timers.push(Timer::new(partition.clone(), subject, reads.now));
                legs += 1;
            }
            let after = events.iter().fold(session.clone(), evolve);
            let cause = HoldCause::Staff;
            if after.is_active() && !after.holds.contains_key(&cause) {
                events.push(Event::SessionHeld { cause, at: reads.now });
                stops += 1;
            }
            if !events.is_empty() {
                batch.advance(self, &session, &Meta::system(), &events)?;
                self.append(batch, Some(session.id)).await?;
            }
        }
        Ok((stops, legs))
    }

    async fn end_tokens(&self, partition: &Partition) -> Result<usize, Failure> {
        let alive = self.every::<TokenRow>(partition).await?.into_iter();
        let alive = alive.filter(|row| row.token.ended.is_none()).collect::<Vec<_>>();
        for rows in alive.chunks(PAGE) {
            let mut batch = Batch::new(partition.clone(), self.now());
            for row in rows {
                let (side, token) = (Stream::Side(row.token.session), row.token.id);
                batch.record(self, side, &Meta::system(), Body::TokenRevoked { token });
                batch.store(&row.clone().end(TokenEnd::Revoked))?;
            }
            self.append(batch, None).await?;
        }
        Ok(alive.len())
    }

    /// Whoever was removed after the backup may have signed in before it.
    async fn end_sign_ins(&self, partition: &Partition) -> Result<usize, Failure> {
        let alive = self.every::<StaffTokenRecord>(partition).await?.into_iter();
        let ended = alive.filter(|token| !token.ended);
        let ended: Vec<_> = ended.map(|token| StaffTokenRecord { ended: true, ..token }).collect();
        self.store_all(partition, &ended).await?;
        Ok(ended.len())
    }

    async fn end_tickets(&self, partition: &Partition) -> Result<usize, Failure> {
        let open = self.every::<TicketRecord>(partition).await?.into_iter();
        let ended = open.filter(|ticket| !ticket.used);
        let ended: Vec<_> = ended.map(|ticket| TicketRecord { used: true, ..ticket }).collect();
        self.store_all(partition, &ended).await?;
        Ok(ended.len())
    }

    async fn end_codes(&self, partition: &Partition) -> Result<usize, Failure> {
        let live = self.every::<CodesRecord>(partition).await?.into_iter();
        let ended = live.filter(|codes| codes.live.is_some());
        let ended: Vec<_> = ended.map(|codes| CodesRecord { live: None, ..codes }).collect();
        self.store_all(partition, &ended).await?;
        Ok(ended.len())
    }

    /// Counters go on above every one that was ever used, devices show their integrity anew, for what they run may have
    /// changed since, and chains are taken up where the devices say they are ([`crate::chain`]).
    async fn reset_devices(&self, partition: &Partition, trust_epoch: u64) -> Result<(), Failure> {
        let floor = trust_epoch << COUNTERS_PER_EPOCH_BITS;
        let chains = self.every::<ChainRecord>(partition).await?.into_iter();
        let mut chains: BTreeMap<_, _> = chains.map(|chain| (chain.device, chain)).collect();
        let devices = self.every::<DeviceRecord>(partition).await?.into_iter();
        let devices: Vec<_> = devices
            .map(|device| {
                let counter = device.counter.max(floor);
                chains.entry(device.device).or_insert(ChainRecord::unheard(device.device));
                DeviceRecord { counter, attested: None, ..device }
            })
            .collect();
        self.store_all(partition, &devices).await?;
        let chains: Vec<_> = chains.into_values().map(ChainRecord::cut).collect();
        self.store_all(partition, &chains).await
    }

    async fn store_all<R: Record>(
        &self,
        partition: &Partition,
        records: &[R],
    ) -> Result<(), Failure> {
        for records in records.chunks(PAGE) {
            let mut batch = Batch::new(partition.clone(), self.now());
            for record in records {
                batch.store(record)?;
            }
            self.append(batch, None).await?;
        }
        Ok(())
    }

    /// All records of a kind.
    async fn every<R: Record>(&self, partition: &Partition) -> Result<Vec<R>, Failure> {
        let (mut all, mut after) = (Vec::<R>::new(), None);
        loop {
            let page = self.list::<R>(partition, None, after.take(), PAGE).await?;
            let is_last = page.len() < PAGE;
            after = page.last().map(Record::key);
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }
}

/// The command of a leg that was not answered, and whether it is known to have left.
fn open_command((leg, index): (&Leg, u8)) -> Option<(LegIndex, CommandId, bool)> {
    match leg.state {
        LegState::Released(release) | LegState::Authorised(release) => {
            Some((LegIndex(index), release.command, false))
        }
        LegState::Commanded(release) | LegState::Indeterminate(release) => {
            Some((LegIndex(index), release.command, true))
        }
        LegState::Pending
        | LegState::Open { .. }
        | LegState::Transferred { .. }
        | LegState::Secured
        | LegState::Dispensing { .. }
        | LegState::Dispensed { .. }
        | LegState::Settled { .. }
        | LegState::Failed(_)
        | LegState::TakenOver => None,
    }
}

/// More commands than one device can be sent between two restores: epochs are seconds.
const COUNTERS_PER_EPOCH_BITS: u32 = 20;
/// Records handled at a time.
const PAGE: usize = 500;
