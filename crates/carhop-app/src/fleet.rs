//! The fleet: devices enrol with a one-time ticket and attest; drivers are named (M-DEV-1 to 3). What becomes of their
//! certificates stands in `certificate`.

use carhop_kernel::actor::Actor;
use carhop_kernel::device::{DeviceClass, TrustTier};
use carhop_kernel::digest::{FirmwareDigest, KeyThumbprint};
use carhop_kernel::id::{DeviceId, DriverId, TicketId};
use carhop_proofs::eat::{self, bind_nonce};
use carhop_proofs::suite::{Algorithm, PublicKey};
use carhop_proofs::token::Ticket;

use crate::app::{App, fresh};
use crate::batch::{Body, DeviceEvent, Meta, OperatorEvent, Stream};
use crate::call::{Call, Reply};
use crate::customer::Secret;
use crate::failure::Failure;
use crate::ports::Certified;
use crate::reads::{Reads, retry};
use crate::record::Partition;
use crate::records::{
    Attested, CertificateRecord, DeviceRecord, DriverRecord, Purpose, RevocationRecord,
    TicketRecord, TrustSubject,
};

/// What an attestation came to.
#[derive(Clone, Debug)]
pub struct Attestation {
    /// How far the device is trusted now.
    pub tier: TrustTier,
    /// Everything measured that runs on it.
    pub firmware: Vec<FirmwareDigest>,
}

impl App {
    /// Names a device and makes the ticket it enrols with, once.
    pub async fn ticket_device(
        &self,
        call: &Call,
        class: DeviceClass,
        name: &str,
    ) -> Result<(DeviceId, Secret), Failure> {
        self.ticket(call, class, name, false).await
    }

    /// Names a driver's browser and makes the ticket it enrols with, once. Nothing vouches for it, so it is trusted as far
    /// as its certificate goes (`design.md` §5).
    pub async fn ticket_browser(
        &self,
        call: &Call,
        name: &str,
    ) -> Result<(DeviceId, Secret), Failure> {
        self.ticket(call, DeviceClass::Handset, name, true).await
    }

    async fn ticket(
        &self,
        call: &Call,
        class: DeviceClass,
        name: &str,
        browser: bool,
    ) -> Result<(DeviceId, Secret), Failure> {
        let device = fresh!(self, DeviceId);
        let record = DeviceRecord {
            device,
            name: name.to_owned(),
            class,
            public_key: String::new(),
            key: None,
            certificate: None,
            certified_until: None,
            next: None,
            attested: None,
            ran: Vec::new(),
            revoked: None,
            tampered: false,
            frozen: false,
            enrolled_at: None,
            ruled_out: None,
            distrusted: None,
            counter: 0,
            serving: None,
            driver: None,
            last_words: 0,
            browser,
        };
        let reads = Reads::new(self, &call.partition);
        let ticket = Ticket::mint(&self.random());
        let expires_at = reads.now.plus_ms(TICKET_MS);
        let mut batch = reads.batch();
        let event = DeviceEvent::Ticketed { device, class, expires_at };
        batch.record(self, Stream::Device(device), &Meta::by(call), Body::Device(event));
        batch.store(&record)?;
        batch.store(&TicketRecord {
            hash: ticket.hash(self.suite(), &self.pepper(&call.partition)),
            id: fresh!(self, TicketId),
            purpose: Purpose::Enrolment { device, class },
            expires_at,
            used: false,
        })?;
        self.append_for(call, batch, None).await?;
        Ok((device, Secret { secret: ticket.expose().to_owned(), expires_at, session: None }))
    }

    /// Certifies the key of a signing request for the ticket's device. Works once.
    pub async fn enrol_device(
        &self,
        partition: &Partition,
        ticket: &str,
        csr: &[u8],
    ) -> Result<(DeviceId, Certified), Failure> {
        retry!(self.try_enrol_device(partition, ticket, csr).await)
    }

    async fn try_enrol_device(
        &self,
        partition: &Partition,
        ticket: &str,
        csr: &[u8],
    ) -> Result<(DeviceId, Certified), Failure> {
        let ticket = Ticket::parse(ticket).map_err(|_| Failure::Unauthenticated)?;
        let hash = ticket.hash(self.suite(), &self.pepper(partition));
        let mut reads = Reads::new(self, partition);
        let found = reads
            .find::<TicketRecord>(hash.to_string())
            .await?
            .filter(|ticket| !ticket.used && reads.now < ticket.expires_at)
            .ok_or(Failure::Unauthenticated)?;
        let Purpose::Enrolment { device, class } = found.purpose else {
            return Err(Failure::Unauthenticated);
        };
        let record = reads.load::<DeviceRecord>(device.to_string()).await?;
        let certified = self.certify(&reads, &record, csr)?;
        let mut batch = reads.batch();
        batch.store(&TicketRecord { used: true, ..found })?;
        let event = DeviceEvent::Enrolled {
            device,
            class,
            certificate: certified.fingerprint,
            expires_at: certified.not_after,
        };
        let meta = Meta::of(Actor::Device { device });
        batch.record(self, Stream::Device(device), &meta, Body::Device(event));
        let record = DeviceRecord { enrolled_at: Some(reads.now), ..record };
        batch.store(&record.certified_by(self.next_certificate(&certified)))?;
        batch.store(&CertificateRecord::from(&certified))?;
        self.append(batch, None).await?;
        Ok((device, certified))
    }

    /// The device that holds a certified key and may speak: enrolled, in time, not revoked.
    pub async fn authenticate_device(
        &self,
        partition: &Partition,
        key: KeyThumbprint,
    ) -> Result<DeviceRecord, Failure> {
        let index = Some(("key", key.to_string()));
        let found = self.list::<DeviceRecord>(partition, index, None, 1).await?.pop();
        let found = found.ok_or(Failure::Unauthenticated)?;
        let mut reads = Reads::new(self, partition);
        let now = reads.now;
        reads
            .device(found.device)
            .await?
            .filter(|device| !device.is_revoked())
            .filter(|device| device.is_certified(now))
            .ok_or(Failure::Unauthenticated)
    }

    /// A challenge for the calling handset to attest itself with, once.
    pub async fn challenge_device(&self, call: &Call) -> Result<([u8; 32], Secret), Failure> {
        let device = caller_device(call)?;
        let challenge: [u8; 32] = self.random();
        let reads = Reads::new(self, &call.partition);
        let expires_at = reads.now.plus_ms(CHALLENGE_MS);
        let mut batch = reads.batch();
        batch.store(&TicketRecord {
            hash: self.challenge_hash(&challenge),
            id: fresh!(self, TicketId),
            purpose: Purpose::AttestationChallenge { device },
            expires_at,
            used: false,
        })?;
        self.append_for(call, batch, None).await?;
        Ok((challenge, Secret { secret: String::new(), expires_at, session: None }))
    }

    /// Judges a handset's attestation to a challenge it was given; the challenge is burned.
    pub async fn attest_handset(
        &self,
        call: &Call,
        challenge: &[u8; 32],
        token: &[u8],
    ) -> Result<Attestation, Failure> {
        let device = caller_device(call)?;
        let mut reads = Reads::new(self, &call.partition);
        let key = self.challenge_hash(challenge).to_string();
        let ticket = reads
            .find::<TicketRecord>(key)
            .await?
            .filter(|ticket| !ticket.used && reads.now < ticket.expires_at)
            .filter(|ticket| ticket.purpose == Purpose::AttestationChallenge { device })
            .ok_or_else(|| Failure::invalid("challenge", "unknown, used or expired"))?;
        let mut batch = reads.batch();
        batch.store(&TicketRecord { used: true, ..ticket })?;
        self.append_for(call, batch, None).await?;
        self.attest_device(&call.partition, device, challenge, token).await
    }

    /// Judges a device's attestation to a challenge that its connection was given.
    pub async fn attest_device(
        &self,
        partition: &Partition,
        device: DeviceId,
        challenge: &[u8; 32],
        token: &[u8],
    ) -> Result<Attestation, Failure> {
        retry!({
            let mut reads = Reads::new(self, partition);
            let record = reads.load::<DeviceRecord>(device.to_string()).await?;
            let fingerprint = record.certificate.ok_or(Failure::Unauthenticated)?;
            let nonce = bind_nonce(self.suite(), challenge, &fingerprint);
            let roots: Vec<&[u8]> =
                self.parts.settings.attestation_roots.iter().map(Vec::as_slice).collect();
            let verified = eat::verify(self.suite(), token, &roots, &nonce, reads.now);
            let judged = match verified {
                Ok(claims) => self.accept(&mut reads, record.class, &claims).await?,
                Err(error) => Err(error.to_string()),
            };
            let mut batch = reads.batch();
            let meta = Meta::of(Actor::Device { device });
            let (attested, why) = match judged {
                Ok(attested) => (Some(attested), None),
                Err(why) => (None, Some(why)),
            };
            let event = DeviceEvent::Attested {
                device,
                tier: attested.as_ref().map_or(TrustTier::None, |attested| attested.tier),
                firmware: attested.as_ref().map(|it| it.firmware.clone()).unwrap_or_default(),
                why: why.clone(),
                root: attested.as_ref().map(|attested| attested.root),
            };
            batch.record(self, Stream::Device(device), &meta, Body::Device(event));
            let ran = attested.as_ref().map_or(record.ran, |attested| attested.firmware.clone());
            batch.store(&DeviceRecord { attested: attested.clone(), ran, ..record })?;
            self.append(batch, None).await?;
            match (attested, why) {
                (Some(Attested { tier, firmware, .. }), _) => Ok(Attestation { tier, firmware }),
                (None, why) => Err(Failure::invalid("eat", why.unwrap_or_default())),
            }
        })
    }

    /// Names a driver and signs the driver in on a handset.
    pub async fn name_driver(
        &self,
        call: &Call,
        name: &str,
        device: DeviceId,
    ) -> Result<Reply, Failure> {
        let mut reads = Reads::new(self, &call.partition);
        if let Some(reply) = self.earlier_reply(&mut reads, call).await? {
            return Ok(reply);
        }
        let handset = reads
            .find::<DeviceRecord>(device.to_string())
            .await?
            .filter(|device| device.class == DeviceClass::Handset)
            .ok_or_else(|| Failure::invalid("device", "no such handset"))?;
        let driver = fresh!(self, DriverId);
        let mut batch = reads.batch();
        let event = OperatorEvent::DriverNamed { driver, device };
        batch.record(self, Stream::Operator, &Meta::by(call), Body::Operator(event));
        batch.store(&DriverRecord { driver, name: name.to_owned(), device })?;
        batch.store(&DeviceRecord { driver: Some(driver), ..handset })?;
        let reply = Reply { made: Some(driver.to_string()), ..Reply::default() };
        self.commit(call, batch, &reply).await?;
        Ok(reply)
    }

    /// What verified claims make of a device: only allowed firmware counts (M-DEV-2).
    async fn accept(
        &self,
        reads: &mut Reads<'_>,
        class: DeviceClass,
        claims: &eat::Attestation,
    ) -> Result<Result<Attested, String>, Failure> {
        let allowed = |measured: &FirmwareDigest| {
            self.parts
                .settings
                .firmware
                .iter()
                .any(|(of, firmware)| *of == class && firmware == measured)
        };
        let known = !claims.components.is_empty()
            && claims.components.iter().all(|component| allowed(&component.measurement));
        for component in &claims.components {
            let firmware = TrustSubject::Firmware(component.measurement).to_string();
            if reads.find::<RevocationRecord>(firmware).await?.is_some() {
                return Ok(Err("the firmware is revoked".to_owned()));
            }
        }
        let firmware = claims.components.iter().map(|component| component.measurement).collect();
        let (tier, at, root) = (TrustTier::Attested, reads.now, claims.root);
        Ok(if known {
            Ok(Attested { tier, firmware, at, root })
        } else {
            Err("the firmware is not on the allow list".to_owned())
        })
    }

    fn challenge_hash(&self, challenge: &[u8; 32]) -> carhop_kernel::digest::SecretHash {
        carhop_kernel::digest::SecretHash(self.suite().sha256(&[b"carhop.challenge.v1", challenge]))
    }
}

impl DeviceRecord {
    /// The certified key, once enrolled.
    pub fn verifying_key(&self) -> Option<PublicKey> {
        let bytes: [u8; 65] = carhop_kernel::digest::hex_decode(&self.public_key)?;
        PublicKey::from_bytes(Algorithm::Es256, &bytes).ok()
    }
}

pub(crate) fn caller_device(call: &Call) -> Result<DeviceId, Failure> {
    match call.actor {
        Actor::Driver { device, .. } | Actor::Device { device } => Ok(device),
        Actor::Customer { .. } | Actor::Store { .. } | Actor::Staff { .. } | Actor::System => {
            Err(Failure::NotFound)
        }
    }
}

/// How long an enrolment ticket can be used.
const TICKET_MS: u64 = 60 * 60 * 1000;
/// How long an attestation challenge can be answered (standards §4.1).
const CHALLENGE_MS: u64 = 5 * 60 * 1000;
