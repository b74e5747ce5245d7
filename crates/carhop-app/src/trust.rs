//! Trust that is withdrawn and given back by people: devices, classes and firmware are revoked in one action, frozen and
//! tampered devices are cleared once somebody has looked (M-DEV-1, M-DEV-3, `design.md` §9.2). What follows from a
//! revocation over time is the business of `settlement`.

use carhop_kernel::actor::Actor;
use carhop_kernel::id::DeviceId;
use carhop_kernel::session::{Report, Session, observe};

use crate::app::App;
use crate::batch::TimerSubject;
use crate::batch::{Batch, Body, Clearance, DeviceEvent, Meta, OperatorEvent, Stream, Timer};
use crate::call::{Call, Reply};
use crate::failure::Failure;
use crate::reads::{Reads, retry};
use crate::record::Partition;
use crate::records::{DeviceRecord, RevocationRecord, Swept, TrustSubject};

impl App {
    /// Takes a device, a class or a firmware out of service at once: every decision that read its record fails to append,
    /// and every one after it finds it. What was revoked already stays as it was.
    pub async fn withdraw_trust(
        &self,
        call: &Call,
        subject: TrustSubject,
        cause: &str,
    ) -> Result<Reply, Failure> {
        retry!({
            let mut reads = Reads::new(self, &call.partition);
            if let Some(reply) = self.earlier_reply(&mut reads, call).await? {
                return Ok(reply);
            }
            let reply = Reply { made: Some(subject.to_string()), ..Reply::default() };
            let earlier = reads.find::<RevocationRecord>(subject.to_string()).await?;
            // A class may be revoked again for what was enrolled since.
            if earlier.is_some() && !matches!(subject, TrustSubject::Class(_)) {
                return self.commit_taking_away(call, reads.batch(), reply).await;
            }
            let device = match subject {
                TrustSubject::Device(device) => {
                    Some(reads.load::<DeviceRecord>(device.to_string()).await?)
                }
                TrustSubject::Class(_) | TrustSubject::Firmware(_) => None,
            };
            let mut batch = reads.batch();
            batch.store(&RevocationRecord {
                subject,
                cause: cause.to_owned(),
                revoked_at: reads.now,
                swept: Swept::None,
                missed: false,
                devices: 0,
                sessions: 0,
                awaited: Vec::new(),
                settled_at: None,
            })?;
            let timer = TimerSubject::Settlement { subject };
            batch.timers.push(Timer::new(call.partition.clone(), timer, reads.now));
            self.note_withdrawal(&mut batch, &Meta::by(call), subject, cause, device)?;
            self.commit(call, batch, &reply).await?;
            Ok(reply)
        })
    }

    fn note_withdrawal(
        &self,
        batch: &mut Batch,
        meta: &Meta,
        subject: TrustSubject,
        cause: &str,
        device: Option<DeviceRecord>,
    ) -> Result<(), Failure> {
        let why = cause.to_owned();
        let Some(record) = device else {
            let event = OperatorEvent::TrustRevoked { subject: subject.to_string(), why };
            batch.record(self, Stream::Operator, meta, Body::Operator(event));
            return Ok(());
        };
        let device = record.device;
        let event = DeviceEvent::Revoked { device, why: why.clone() };
        batch.record(self, Stream::Device(device), meta, Body::Device(event));
        batch.store(&DeviceRecord { revoked: Some(why), ..record })?;
        Ok(())
    }

    /// Notes that two live connections claim to be a device: somebody has its key who should not. It is told to stop what it
    /// is doing and commanded nothing else, heard only about what it was commanded before, and what it serves is held, until
    /// a person has looked (`design.md` §9.5).
    pub async fn freeze_device(
        &self,
        partition: &Partition,
        device: DeviceId,
    ) -> Result<(), Failure> {
        retry!({
            let mut reads = Reads::new(self, partition);
            let record = reads.load::<DeviceRecord>(device.to_string()).await?;
            if record.frozen {
                return Ok(());
            }
            let serving = match record.serving {
                Some(id) => Some(reads.session(id).await?),
                None => None,
            };
            let cancel = match &serving {
                Some(session) => self.cancel_of(&mut reads, session).await?,
                None => None,
            };
            let cancel = cancel.filter(|it| it.device() == device && !it.is_repeated());
            let mut batch = reads.batch();
            let body = Body::Device(DeviceEvent::Frozen { device });
            batch.record(self, Stream::Device(device), &Meta::system(), body);
            if let Some(session) = serving.filter(Session::is_active) {
                let events = observe(&session, &Report::Tampered { device }, reads.now);
                batch.advance(self, &session, &Meta::system(), &events)?;
            }
            let held = record.serving;
            match cancel {
                Some(cancel) => cancel.of_frozen().give(&mut batch, self)?,
                None => batch.store(&DeviceRecord { frozen: true, ..record })?,
            }
            self.append(batch, held).await?;
            Ok(())
        })
    }

    /// Gives a device back what it lost by being frozen or tampered with: a person has looked. It has to attest itself
    /// afresh.
    pub async fn clear_device(
        &self,
        call: &Call,
        device: DeviceId,
        of: Clearance,
        cause: &str,
    ) -> Result<Reply, Failure> {
        if !matches!(call.actor, Actor::Staff { .. }) {
            return Err(Failure::NotFound);
        }
        retry!({
            let mut reads = Reads::new(self, &call.partition);
            if let Some(reply) = self.earlier_reply(&mut reads, call).await? {
                return Ok(reply);
            }
            let record = reads.load::<DeviceRecord>(device.to_string()).await?;
            let reply = Reply { made: Some(device.to_string()), ..Reply::default() };
            let cleared = match of {
                Clearance::Freeze if record.frozen || record.distrusted.is_some() => {
                    DeviceRecord { frozen: false, distrusted: None, last_words: 0, ..record }
                }
                Clearance::Tamper if record.tampered => DeviceRecord { tampered: false, ..record },
                Clearance::Freeze | Clearance::Tamper => {
                    self.commit(call, reads.batch(), &reply).await?;
                    return Ok(reply);
                }
            };
            let mut batch = reads.batch();
            let event = DeviceEvent::Cleared { device, of, why: cause.to_owned() };
            batch.record(self, Stream::Device(device), &Meta::by(call), Body::Device(event));
            batch.store(&DeviceRecord { attested: None, ..cleared })?;
            self.commit(call, batch, &reply).await?;
            Ok(reply)
        })
    }
}

impl Reads<'_> {
    /// A device with what its class and its firmware mean for it, or `None` if there is none. All three versions are
    /// noted: a revocation of any of them makes the append conflict.
    pub(crate) async fn device(
        &mut self,
        device: DeviceId,
    ) -> Result<Option<DeviceRecord>, Failure> {
        let Some(mut record) = self.find::<DeviceRecord>(device.to_string()).await? else {
            return Ok(None);
        };
        let class = TrustSubject::Class(record.class);
        let revoked = self.find::<RevocationRecord>(class.to_string()).await?;
        let older = |revoked: &RevocationRecord| {
            record.enrolled_at.is_none_or(|enrolled_at| enrolled_at <= revoked.revoked_at)
        };
        record.ruled_out = revoked.filter(older).map(|revoked| revoked.subject);
        for part in record.firmware().to_vec() {
            let firmware = TrustSubject::Firmware(part);
            let revoked = self.find::<RevocationRecord>(firmware.to_string()).await?;
            record.ruled_out = record.ruled_out.or(revoked.map(|revoked| revoked.subject));
        }
        Ok(Some(record))
    }
}
