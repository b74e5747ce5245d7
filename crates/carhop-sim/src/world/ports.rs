//! The small ports: a clock that is told the time, chance from a seed, a bell that counts, authorities that certify, and
//! a journal that lets others have a turn before each of its answers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use carhop_app::forwarding::Forwarding;
use carhop_app::ports::{
    Bell, CertificateAsk, Certified, Certifier, CertifyError, Clock, Entropy, Journal, Pending,
};
use carhop_kernel::device::DeviceClass;
use carhop_kernel::id::{SessionId, TenantId};
use carhop_kernel::time::Timestamp;
use carhop_proofs::pki::{IssuingAuthority, Root, Serial, verify_device};
use carhop_proofs::suite::RustCrypto;

use crate::SimError;
use crate::chance::Chance;
use crate::executor::pause;
use crate::world::fresh_key;

/// A clock that stands still until it is set.
#[derive(Debug)]
pub struct VirtualClock(AtomicU64);

impl VirtualClock {
    /// A clock that shows `start`.
    pub const fn new(start: Timestamp) -> Self {
        Self(AtomicU64::new(start.unix_ms()))
    }

    /// Shows `now` from here on; never an earlier time than before.
    pub fn set(&self, now: Timestamp) {
        self.0.fetch_max(now.unix_ms(), Ordering::Relaxed);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::Relaxed))
    }
}

/// Chance that a seed determines.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<Chance>);

impl SeededEntropy {
    /// Draws from `chance`.
    pub const fn new(chance: Chance) -> Self {
        Self(Mutex::new(chance))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill(bytes);
    }
}

/// A bell that counts how often it was rung.
#[derive(Debug, Default)]
pub struct CountingBell(AtomicU64);

impl CountingBell {
    /// How often it was rung.
    pub fn rings(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Bell for CountingBell {
    fn ring(&self, _: Option<SessionId>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The root of one tenant with its issuing authorities.
#[derive(Debug)]
pub struct Authorities {
    root: Root,
    issuing: Vec<IssuingAuthority>,
}

impl Authorities {
    /// New authorities for `tenant`.
    pub fn create(
        tenant: &TenantId,
        chance: &mut Chance,
        now: Timestamp,
    ) -> Result<Self, SimError> {
        let suite = &RustCrypto;
        let serial = |chance: &mut Chance| Serial::from_random(chance.bytes());
        let key = fresh_key(chance)?;
        let root = Root::create(suite, tenant, key, serial(chance), now);
        let root = root.map_err(SimError::world)?;
        let mut issuing = Vec::new();
        for class in [DeviceClass::Handset, DeviceClass::Lock, DeviceClass::Pump] {
            let key = fresh_key(chance)?;
            let authority = root.issuing_authority(suite, class, key, serial(chance), now);
            issuing.push(authority.map_err(SimError::world)?);
        }
        Ok(Self { root, issuing })
    }
}

impl Certifier for Authorities {
    fn certify(&self, ask: &CertificateAsk<'_>) -> Result<Certified, CertifyError> {
        let refused = |why: String| CertifyError(why);
        let authority = self
            .issuing
            .iter()
            .find(|one| one.class() == ask.class && one.tenant() == ask.tenant)
            .ok_or_else(|| refused(format!("no authority for {}", ask.class)))?;
        let serial = Serial::from_random(ask.serial);
        let certificate = authority
            .issue(&RustCrypto, ask.csr, ask.device, serial, ask.now)
            .map_err(|error| refused(error.to_string()))?;
        let chain = vec![certificate, authority.certificate().to_vec()];
        let presented: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
        let proven = verify_device(&presented, &[self.root.certificate()], ask.now)
            .map_err(|error| refused(error.to_string()))?;
        Ok(Certified {
            roots: vec![self.root.certificate().to_vec()],
            fingerprint: proven.fingerprint,
            key: proven.key,
            not_after: proven.not_after,
            chain,
        })
    }

    fn root(&self, tenant: &TenantId) -> Option<Vec<u8>> {
        let is_own = self.issuing.iter().any(|one| one.tenant() == tenant);
        is_own.then(|| self.root.certificate().to_vec())
    }
}

/// A journal in front of which everybody queues: each call lets the others go first, so that what runs together meets in
/// every order that chance can think of.
pub struct Turns(pub Arc<dyn Journal>);

impl Forwarding for Turns {
    fn behind(&self) -> &dyn Journal {
        &*self.0
    }

    fn pass<'a, T: Send + 'a>(
        &'a self,
        call: impl FnOnce(&'a dyn Journal) -> Pending<'a, T> + Send + 'a,
    ) -> Pending<'a, T> {
        Box::pin(async move {
            pause().await;
            call(&*self.0).await
        })
    }
}
