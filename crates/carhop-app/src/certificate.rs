//! The certificates of devices: made, renewed, and in force from the first time that they are shown (M-DEV-1, decision 0017).
//!
//! Whether a chain leads to a root of the tenant is for whoever terminates TLS to verify, and was verified before anything
//! here is asked.

use carhop_kernel::actor::Actor;
use carhop_kernel::device::DeviceClass;
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::id::DeviceId;
use carhop_kernel::time::Timestamp;
use carhop_proofs::jwk;
use carhop_proofs::pki::{CLOCK_SKEW_MS, device_lifetime_ms};
use carhop_proofs::suite::PublicKey;

use crate::app::App;
use crate::batch::{Batch, Body, DeviceEvent, Meta, Stream};
use crate::call::Call;
use crate::failure::Failure;
use crate::fleet::caller_device;
use crate::ports::{AppendError, CertificateAsk, Certified, JournalError};
use crate::reads::{Reads, retry};
use crate::record::Partition;
use crate::records::{CertificateRecord, DeviceRecord, NextCertificate};

/// A device's certificate as somebody shows it who has its key, verified up to a root of the device's tenant.
#[derive(Clone, Copy, Debug)]
pub struct ShownCertificate<'a> {
    /// Which device it names.
    pub device: DeviceId,
    /// The class that it and its authority agree on.
    pub class: DeviceClass,
    /// The certified key.
    pub key: &'a PublicKey,
    /// SHA-256 of the certificate.
    pub fingerprint: KeyThumbprint,
    /// When it ends.
    pub not_after: Timestamp,
    /// DER, leaf first.
    pub chain: &'a [Vec<u8>],
}

/// What a certificate that is shown is to the device that it names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// The one that counts.
    InForce,
    /// One that counts from now on and was made by a renewal that the journal knows.
    Next,
    /// The same, by a renewal that the journal does not know: it was brought back from before it.
    Unknown,
}

impl App {
    /// Certifies a fresh key, or the same one, for a device that is certified and not revoked; for a browser, which has
    /// shown nothing but its key, the same one alone. Whether the device hears of it nobody knows before it shows the
    /// certificate: until then the one in force stays in force. A browser never shows one, and its key is the same.
    pub async fn renew_device(&self, call: &Call, csr: &[u8]) -> Result<Certified, Failure> {
        let device = caller_device(call)?;
        let mut reads = Reads::new(self, &call.partition);
        let record = reads.device(device).await?.ok_or(Failure::NotFound)?;
        // Of two that claim to be one device, whoever asks first may be the thief: nobody gets a certificate then.
        if record.is_shut_out() || record.distrusted.is_some() {
            return Err(Failure::Unauthenticated);
        }
        let certified = self.certify(&reads, &record, csr)?;
        let next = self.next_certificate(&certified);
        let record = if !record.browser {
            DeviceRecord { next: Some(next), ..record }
        } else if record.key == Some(next.key) {
            record.certified_by(next)
        } else {
            return Err(Failure::invalid("csr", "not the key of this browser"));
        };
        let event = DeviceEvent::Renewed {
            device,
            certificate: certified.fingerprint,
            expires_at: certified.not_after,
        };
        let mut batch = reads.batch();
        batch.record(self, Stream::Device(device), &Meta::by(call), Body::Device(event));
        batch.store(&record)?;
        batch.store(&CertificateRecord::from(&certified))?;
        self.append_for(call, batch, None).await?;
        Ok(certified)
    }

    /// The device whose certificate is shown, if that is the one in force or a newer one, which then takes its place. Whether
    /// the device was revoked is for the caller to look at.
    pub async fn device_showing(
        &self,
        partition: &Partition,
        shown: &ShownCertificate<'_>,
    ) -> Result<DeviceRecord, Failure> {
        retry!({
            let mut reads = Reads::new(self, partition);
            let record = reads.device(shown.device).await?.ok_or(Failure::Unauthenticated)?;
            let standing = self.standing(&record, shown, reads.now);
            let is_doubted = record.is_shut_out() || record.distrusted.is_some();
            match standing.ok_or(Failure::Unauthenticated)? {
                Standing::InForce => return Ok(record),
                // What was withdrawn stays as it is, so that it stays withdrawn.
                Standing::Next if record.is_revoked() => return Ok(record),
                // Nobody gets a certificate that is doubted, and with this key it is heard out under the former as well.
                Standing::Unknown if is_doubted => return Ok(record),
                Standing::Next | Standing::Unknown => {}
            }
            let mut batch = reads.batch();
            if standing == Some(Standing::Unknown) {
                self.note_unknown(&mut batch, shown)?;
            }
            let &ShownCertificate { key, fingerprint, not_after, .. } = shown;
            let record = record.certified_by(self.kept(key, fingerprint, not_after));
            batch.store(&record)?;
            match self.append(batch, None).await {
                // A full disk keeps nobody from being told to stop: the certificate is taken anew when it is shown again.
                Ok(_) | Err(AppendError::Journal(JournalError::Full)) => Ok(record),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// What a certificate is to a device. One that the journal does not know is believed for the key that it does know alone,
    /// and only if it ends later than the one in force and no later than one that is made now: so neither a copy of what was
    /// replaced comes back, nor does whoever has the authority's key get in without the device's, or for ever.
    fn standing(
        &self,
        record: &DeviceRecord,
        shown: &ShownCertificate<'_>,
        now: Timestamp,
    ) -> Option<Standing> {
        if record.class != shown.class {
            return None;
        }
        if record.certificate == Some(shown.fingerprint) {
            return Some(Standing::InForce);
        }
        if record.next.as_ref().is_some_and(|next| next.fingerprint == shown.fingerprint) {
            return Some(Standing::Next);
        }
        let is_later = record.certified_until.is_some_and(|until| until < shown.not_after);
        let is_same_key = || record.key == Some(jwk::thumbprint(self.suite(), shown.key));
        let last_end = now.plus_ms(device_lifetime_ms(shown.class) + CLOCK_SKEW_MS);
        (is_later && shown.not_after <= last_end && is_same_key()).then_some(Standing::Unknown)
    }

    /// Tells the log of a certificate that it has lost, so that what is signed under it can be verified.
    fn note_unknown(&self, batch: &mut Batch, shown: &ShownCertificate<'_>) -> Result<(), Failure> {
        let &ShownCertificate { device, fingerprint, not_after, chain, .. } = shown;
        let event =
            DeviceEvent::Renewed { device, certificate: fingerprint, expires_at: not_after };
        let meta = Meta::of(Actor::Device { device });
        batch.record(self, Stream::Device(device), &meta, Body::Device(event));
        let roots = self.parts.certifier.root(&batch.partition.tenant).into_iter().collect();
        Ok(batch.store(&CertificateRecord { fingerprint, chain: chain.to_vec(), roots })?)
    }

    pub(crate) fn certify(
        &self,
        reads: &Reads<'_>,
        record: &DeviceRecord,
        csr: &[u8],
    ) -> Result<Certified, Failure> {
        let ask = CertificateAsk {
            tenant: &reads.partition.tenant,
            class: record.class,
            device: record.device,
            csr,
            serial: self.random(),
            now: reads.now,
        };
        self.parts
            .certifier
            .certify(&ask)
            .map_err(|error| Failure::invalid("csr", error.to_string()))
    }

    /// A certificate as the record of its device keeps it.
    pub(crate) fn next_certificate(&self, certified: &Certified) -> NextCertificate {
        self.kept(&certified.key, certified.fingerprint, certified.not_after)
    }

    fn kept(
        &self,
        key: &PublicKey,
        fingerprint: KeyThumbprint,
        until: Timestamp,
    ) -> NextCertificate {
        let (public_key, key) = (hex(key.as_bytes()), jwk::thumbprint(self.suite(), key));
        NextCertificate { fingerprint, public_key, key, until }
    }
}

impl DeviceRecord {
    /// The device once another certificate is in force: what it has shown of itself under the former counts no more.
    pub(crate) fn certified_by(self, certificate: NextCertificate) -> Self {
        let NextCertificate { fingerprint, public_key, key, until } = certificate;
        Self {
            public_key,
            key: Some(key),
            certificate: Some(fingerprint),
            certified_until: Some(until),
            next: None,
            attested: None,
            ..self
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    // Writing to a string cannot fail.
    let _ = carhop_kernel::digest::write_hex(&mut text, bytes);
    text
}
