//! The operator's set-up: API keys, tenant holds and the first line of every log (M-INT-1).

use carhop_kernel::digest::{CommandKey, KeyThumbprint};
use carhop_kernel::id::{ApiKeyId, TenantId};
use carhop_proofs::suite::PublicKey;
use carhop_proofs::token::{ApiKey, ApiKeyRealm};

use crate::app::{App, fresh};
use crate::batch::{Batch, Body, Meta, OperatorEvent, Stream};
use crate::call::{Call, Reply, Standing};
use crate::failure::Failure;
use crate::reads::{Reads, retry};
use crate::record::{Partition, Record};
use crate::records::{ApiKeyRecord, ApiScope, PolicyRecord, TenantHold, TenantRecord};

/// An API key that somebody called with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldKey {
    /// Which.
    pub record: ApiKeyRecord,
    /// What the right to call with it rests on.
    pub standing: Standing,
}

impl App {
    /// Makes an API key and shows it once.
    pub async fn make_api_key(
        &self,
        call: &Call,
        name: &str,
        scopes: &[ApiScope],
    ) -> Result<(ApiKeyId, String), Failure> {
        let key = ApiKey::mint(ApiKeyRealm::Live, &self.random());
        let id = fresh!(self, ApiKeyId);
        let record = ApiKeyRecord {
            hash: key.hash(self.suite(), &self.pepper(&call.partition)),
            id,
            name: name.to_owned(),
            scopes: scopes.to_vec(),
            revoked_at: None,
        };
        let reads = Reads::new(self, &call.partition);
        let mut batch = reads.batch();
        batch.store(&record)?;
        let scopes = scopes.iter().map(|scope| format!("{scope:?}").to_lowercase()).collect();
        let event = OperatorEvent::ApiKeyMade { key: id.to_string(), scopes };
        batch.record(self, Stream::Operator, &Meta::by(call), Body::Operator(event));
        self.append_for(call, batch, None).await?;
        Ok((id, key.expose().to_owned()))
    }

    /// Revokes an API key: whoever has it is nobody from this append on, and what was asked with it and was not appended
    /// yet never is. What it made goes on.
    pub async fn revoke_api_key(
        &self,
        call: &Call,
        id: ApiKeyId,
        cause: &str,
    ) -> Result<Reply, Failure> {
        retry!({
            let mut reads = Reads::new(self, &call.partition);
            if let Some(reply) = self.earlier_reply(&mut reads, call).await? {
                return Ok(reply);
            }
            let found = self.view_api_key(&call.partition, id).await?;
            let record = reads.load::<ApiKeyRecord>(found.key()).await?;
            let reply = Reply { made: Some(id.to_string()), ..Reply::default() };
            if !record.is_in_force() {
                return Ok(reply);
            }
            let mut batch = reads.batch();
            batch.store(&ApiKeyRecord { revoked_at: Some(reads.now), ..record })?;
            let event = OperatorEvent::ApiKeyRevoked { key: id.to_string(), why: cause.to_owned() };
            batch.record(self, Stream::Operator, &Meta::by(call), Body::Operator(event));
            self.commit(call, batch, &reply).await?;
            Ok(reply)
        })
    }

    /// An API key by its name in records.
    pub async fn view_api_key(
        &self,
        partition: &Partition,
        id: ApiKeyId,
    ) -> Result<ApiKeyRecord, Failure> {
        let index = Some(("id", id.to_string()));
        let found = self.list::<ApiKeyRecord>(partition, index, None, 1).await?;
        found.into_iter().next().ok_or(Failure::NotFound)
    }

    /// The API keys that were made, revoked ones too, in an order that tells nothing, after the one with this name.
    pub async fn list_api_keys(
        &self,
        partition: &Partition,
        after: Option<ApiKeyId>,
        limit: usize,
    ) -> Result<Vec<ApiKeyRecord>, Failure> {
        let after = match after {
            Some(id) => Some(self.view_api_key(partition, id).await?.key()),
            None => None,
        };
        self.list(partition, None, after, limit).await
    }

    /// Whether somebody can ask for everything in this account: an administrator's key is in force.
    pub async fn has_administrator(&self, partition: &Partition) -> Result<bool, Failure> {
        let mut after = None;
        loop {
            let page = self.list::<ApiKeyRecord>(partition, None, after, KEYS_PER_PAGE).await?;
            if page.iter().any(|key| key.allows(ApiScope::Admin)) {
                return Ok(true);
            }
            after = page.last().map(Record::key);
            if page.len() < KEYS_PER_PAGE {
                return Ok(false);
            }
        }
    }

    /// The API key whose text this is, if it is one in force.
    pub async fn authenticate_api_key(
        &self,
        partition: &Partition,
        secret: &str,
    ) -> Result<HeldKey, Failure> {
        let key = ApiKey::parse(secret).map_err(|_| Failure::Unauthenticated)?;
        let hash = key.hash(self.suite(), &self.pepper(partition));
        let mut reads = Reads::new(self, partition);
        let found = reads.find::<ApiKeyRecord>(hash.to_string()).await?;
        let record = found.filter(ApiKeyRecord::is_in_force).ok_or(Failure::Unauthenticated)?;
        Ok(HeldKey { record, standing: Standing { records: reads.seen(), until: None } })
    }

    /// Freezes all releases of the partition, and calls back what has not left. What is frozen already stays frozen for
    /// the first cause.
    pub async fn hold_tenant(&self, call: &Call, cause: &str) -> Result<Reply, Failure> {
        retry!({
            let event = OperatorEvent::TenantHeld { cause: cause.to_owned() };
            self.set_tenant_hold(call, Some(cause), event).await
        })
    }

    /// Lets releases of the partition go on.
    pub async fn resume_tenant(&self, call: &Call, cause: &str) -> Result<Reply, Failure> {
        retry!({
            let event = OperatorEvent::TenantResumed { cause: cause.to_owned() };
            self.set_tenant_hold(call, None, event).await
        })
    }

    async fn set_tenant_hold(
        &self,
        call: &Call,
        cause: Option<&str>,
        event: OperatorEvent,
    ) -> Result<Reply, Failure> {
        let mut reads = Reads::new(self, &call.partition);
        if let Some(reply) = self.earlier_reply(&mut reads, call).await? {
            return Ok(reply);
        }
        let tenant = reads.tenant().await?;
        let reply = Reply::default();
        let mut batch = reads.batch();
        match (tenant.hold.is_some(), cause) {
            (true, Some(_)) => return self.commit_taking_away(call, batch, reply).await,
            (false, None) => {}
            (_, cause) => {
                let hold =
                    cause.map(|cause| TenantHold { cause: cause.to_owned(), since: reads.now });
                batch.store(&TenantRecord { hold, ..tenant })?;
                batch.record(self, Stream::Operator, &Meta::by(call), Body::Operator(event));
            }
        }
        self.commit(call, batch, &reply).await?;
        Ok(reply)
    }

    /// What holds for the whole partition.
    pub async fn view_tenant(&self, partition: &Partition) -> Result<TenantRecord, Failure> {
        Ok(self.peek(partition, TenantRecord::KEY.to_owned()).await?.unwrap_or_default())
    }

    /// Notes the start of a server with the policies and roots it will judge by, and the key it will command with.
    pub async fn note_start(
        &self,
        partition: &Partition,
        version: &str,
        clock_offset_ms: u64,
    ) -> Result<(), Failure> {
        let policy = self.version_in_force(&mut Reads::new(self, partition)).await?;
        let roots = self.parts.settings.attestation_roots.iter();
        let fingerprint = |root: &Vec<u8>| KeyThumbprint(self.suite().sha256(&[root]));
        let device_root = self.parts.certifier.root(&partition.tenant);
        let event = OperatorEvent::Started {
            version: version.to_owned(),
            policy,
            attestation_roots: roots.map(fingerprint).collect(),
            device_root: device_root
                .as_ref()
                .map(fingerprint)
                .ok_or(Failure::Internal("an account without a root for its devices"))?,
            command_key: self.command_key(&partition.tenant)?,
            clock_offset_ms,
        };
        let mut batch = Batch::new(partition.clone(), self.now());
        batch.record(self, Stream::Operator, &Meta::system(), Body::Operator(event));
        if policy == self.parts.policies.version() {
            batch.store(&PolicyRecord::of(&self.parts.policies))?;
        }
        self.append(batch, None).await?;
        Ok(())
    }

    fn command_key(&self, tenant: &TenantId) -> Result<CommandKey, Failure> {
        let key = self.parts.keyring.command_key(self.suite(), tenant);
        match key.and_then(|key| self.suite().public_key(&key)) {
            Ok(PublicKey::Ed25519(key)) => Ok(CommandKey(*key.as_bytes())),
            Ok(PublicKey::P256(_)) | Err(_) => Err(Failure::Internal("a command key that is none")),
        }
    }
}

/// API keys that are looked at together.
const KEYS_PER_PAGE: usize = 100;
