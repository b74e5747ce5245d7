//! Passkeys of the staff: one is registered with an invitation, and signs in from then on without a name (M-IDN-1,
//! `design.md` §5). Whoever fails learns nothing, not even what was wrong.
//!
//! What a passkey proves is judged in `carhop_proofs::webauthn`; what the staff may do, by `staff` and whoever asks.

use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::id::StaffId;
use carhop_kernel::time::Timestamp;
use carhop_proofs::token::{StaffToken, Ticket};
use carhop_proofs::webauthn::Purpose as ChallengePurpose;
use carhop_proofs::webauthn::{
    Asserted, CHALLENGE_LENGTH, CredentialKey, RelyingParty, Shown, challenge_of, make_challenge,
    verify_assertion, verify_challenge, verify_registration,
};

use crate::app::App;
use crate::batch::{Batch, Body, Meta, OperatorEvent, Spend, Stream};
use crate::failure::Failure;
use crate::ports::AppendError;
use crate::reads::{Reads, retry};
use crate::record::Partition;
use crate::records::{
    PasskeyRecord, Purpose, StaffEnd, StaffEnding, StaffRecord, StaffTokenRecord, TicketRecord,
};

/// A challenge to answer with a passkey.
#[derive(Clone, Debug)]
pub struct PasskeyChallenge {
    /// What is to be signed.
    pub challenge: [u8; CHALLENGE_LENGTH],
    /// How long it can be answered, in milliseconds.
    pub life_ms: u64,
}

/// A sign-in as it comes from outside.
#[derive(Clone, Copy, Debug)]
pub struct SignIn<'a> {
    /// The name of the credential.
    pub credential: &'a [u8],
    /// Whose it is, in its own words.
    pub user_handle: &'a [u8],
    /// What browser and authenticator say.
    pub shown: Shown<'a>,
    /// The credential's signature.
    pub signature: &'a [u8],
}

/// What a sign-in gives.
#[derive(Debug)]
pub struct SignedIn {
    /// Who.
    pub record: StaffRecord,
    /// The token's text; shown once.
    pub token: String,
    /// First instant at which it is dead.
    pub expires_at: Timestamp,
}

impl App {
    /// A challenge for whoever holds a live invitation to register a passkey with, and who that is.
    pub async fn challenge_registration(
        &self,
        partition: &Partition,
        invitation: &str,
        key: KeyThumbprint,
    ) -> Result<(StaffRecord, PasskeyChallenge), Failure> {
        let mut reads = Reads::new(self, partition);
        let (_, member) = self.invited(&mut reads, invitation).await?;
        let purpose = ChallengePurpose::Registration { invitation };
        Ok((member, self.challenge(partition, purpose, key)))
    }

    /// A challenge to sign in with. Asking is free and leaves nothing behind.
    pub fn challenge_sign_in(&self, partition: &Partition, key: KeyThumbprint) -> PasskeyChallenge {
        self.challenge(partition, ChallengePurpose::SignIn, key)
    }

    /// Registers a passkey with an invitation, and signs its owner in. Works once.
    pub async fn register_passkey(
        &self,
        partition: &Partition,
        relying_party: &RelyingParty,
        invitation: &str,
        key: KeyThumbprint,
        shown: Shown<'_>,
    ) -> Result<SignedIn, Failure> {
        retry!({
            let mut reads = Reads::new(self, partition);
            let (ticket, member) = self.invited(&mut reads, invitation).await?;
            let purpose = ChallengePurpose::Registration { invitation };
            let (challenge, spend) = self.answered(&reads, purpose, key, shown)?;
            let made = verify_registration(self.suite(), shown, relying_party, &challenge)
                .map_err(|_| Failure::Unauthenticated)?;
            let credential = KeyThumbprint(self.suite().sha256(&[&made.credential]));
            // Nobody takes over the name of another's credential.
            if reads.find::<PasskeyRecord>(credential.to_string()).await?.is_some() {
                return Err(Failure::Unauthenticated);
            }
            let cose = made.key.to_cose();
            let passkey = KeyThumbprint(self.suite().sha256(&[&cose]));
            let member =
                StaffRecord { registered_at: Some(reads.now), passkey: Some(passkey), ..member };
            let mut batch = reads.batch();
            batch.spends.push(spend);
            batch.store(&TicketRecord { used: true, ..ticket })?;
            batch.store(&member)?;
            batch.store(&PasskeyRecord {
                credential,
                member: member.member,
                key: cose,
                counter: made.counter,
                can_be_copied: made.can_be_copied,
                used_at: reads.now,
            })?;
            let event = OperatorEvent::StaffRegistered { member: member.member, passkey };
            let meta = by_member(member.member, key);
            batch.record(self, Stream::Operator, &meta, Body::Operator(event));
            self.sign_in(batch, member, key).await
        })
    }

    /// Signs a member of staff in by their passkey. One that counts backwards has been copied by somebody: nobody signs in
    /// with it any more.
    pub async fn sign_in_by_passkey(
        &self,
        partition: &Partition,
        relying_party: &RelyingParty,
        key: KeyThumbprint,
        by: SignIn<'_>,
    ) -> Result<SignedIn, Failure> {
        retry!({
            let mut reads = Reads::new(self, partition);
            let purpose = ChallengePurpose::SignIn;
            let (challenge, spend) = self.answered(&reads, purpose, key, by.shown)?;
            let (member, passkey) = self.owner(&mut reads, &by).await?;
            let public = CredentialKey::parse(self.suite(), &passkey.key)
                .map_err(|_| Failure::Internal("a passkey that cannot be read"))?;
            let credential = (&public, passkey.can_be_copied);
            let (shown, signature) = (by.shown, by.signature);
            let signed = verify_assertion(
                self.suite(),
                shown,
                signature,
                credential,
                relying_party,
                &challenge,
            );
            let signed = signed.map_err(|_| Failure::Unauthenticated)?;
            let mut batch = reads.batch();
            batch.spends.push(spend);
            if has_counted_back(&passkey, signed) {
                return Err(self.suspend(batch, member, key).await);
            }
            batch.store(&PasskeyRecord {
                counter: signed.counter,
                used_at: reads.now,
                ..passkey
            })?;
            self.sign_in(batch, member, key).await
        })
    }

    fn challenge(
        &self,
        partition: &Partition,
        purpose: ChallengePurpose<'_>,
        key: KeyThumbprint,
    ) -> PasskeyChallenge {
        let expires_at = self.now().plus_ms(CHALLENGE_MS);
        let secret = self.challenge_key(partition);
        let challenge =
            make_challenge(self.suite(), &secret, purpose, &key, expires_at, self.random());
        PasskeyChallenge { challenge, life_ms: CHALLENGE_MS }
    }

    /// The challenge that a browser has answered, if it was given for this, with what makes it work once.
    fn answered(
        &self,
        reads: &Reads<'_>,
        purpose: ChallengePurpose<'_>,
        key: KeyThumbprint,
        shown: Shown<'_>,
    ) -> Result<(Vec<u8>, Spend), Failure> {
        let challenge = challenge_of(shown.client_data).map_err(|_| Failure::Unauthenticated)?;
        let secret = self.challenge_key(&reads.partition);
        let until = verify_challenge(self.suite(), &secret, purpose, &key, &challenge, reads.now)
            .map_err(|_| Failure::Unauthenticated)?;
        let nonce = self.suite().sha256(&[&challenge]);
        Ok((challenge, Spend { space: "passkey", nonce, until }))
    }

    fn challenge_key(&self, partition: &Partition) -> [u8; 32] {
        self.parts.keyring.challenge(self.suite(), &partition.tenant)
    }

    /// A live invitation, and whom it is for.
    async fn invited(
        &self,
        reads: &mut Reads<'_>,
        invitation: &str,
    ) -> Result<(TicketRecord, StaffRecord), Failure> {
        let secret = Ticket::parse(invitation).map_err(|_| Failure::Unauthenticated)?;
        let hash = secret.hash(self.suite(), &self.pepper(&reads.partition));
        let ticket = reads.find::<TicketRecord>(hash.to_string()).await?;
        let live = |ticket: &TicketRecord| !ticket.used && reads.now < ticket.expires_at;
        let ticket = ticket.filter(live).ok_or(Failure::Unauthenticated)?;
        let Purpose::StaffInvitation { member } = ticket.purpose else {
            return Err(Failure::Unauthenticated);
        };
        let member = reads.find::<StaffRecord>(member.to_string()).await?;
        let member = member.filter(|member| member.ended.is_none() && member.passkey.is_none());
        Ok((ticket, member.ok_or(Failure::Unauthenticated)?))
    }

    /// The passkey that signs in and its owner, who is still staff, with exactly this passkey.
    async fn owner(
        &self,
        reads: &mut Reads<'_>,
        by: &SignIn<'_>,
    ) -> Result<(StaffRecord, PasskeyRecord), Failure> {
        let name = KeyThumbprint(self.suite().sha256(&[by.credential]));
        let passkey = reads.find::<PasskeyRecord>(name.to_string()).await?;
        let theirs = |passkey: &PasskeyRecord| by.user_handle == passkey.member.as_bytes();
        let passkey = passkey.filter(theirs).ok_or(Failure::Unauthenticated)?;
        let key = KeyThumbprint(self.suite().sha256(&[&passkey.key]));
        let member = reads.find::<StaffRecord>(passkey.member.to_string()).await?;
        let member = member.filter(|one| one.ended.is_none() && one.passkey == Some(key));
        Ok((member.ok_or(Failure::Unauthenticated)?, passkey))
    }

    /// Appends a sign-in with what comes before it.
    async fn sign_in(
        &self,
        mut batch: Batch,
        record: StaffRecord,
        key: KeyThumbprint,
    ) -> Result<SignedIn, Failure> {
        let token = StaffToken::mint(&self.random());
        let (member, expires_at) = (record.member, batch.at.plus_ms(STAFF_TOKEN_MS));
        let hash = token.hash(self.suite(), &self.pepper(&batch.partition));
        let meta = Meta { token: Some(hash), ..by_member(member, key) };
        let event = OperatorEvent::StaffSignedIn { member, expires_at };
        batch.record(self, Stream::Operator, &meta, Body::Operator(event));
        batch.store(&StaffTokenRecord { hash, member, key, expires_at, ended: false })?;
        self.append_once(batch).await?;
        Ok(SignedIn { record, token: token.expose().to_owned(), expires_at })
    }

    /// Shuts a member of staff out whose passkey somebody else seems to have.
    async fn suspend(&self, mut batch: Batch, record: StaffRecord, key: KeyThumbprint) -> Failure {
        let member = record.member;
        let event = OperatorEvent::StaffSuspended { member };
        batch.record(self, Stream::Operator, &by_member(member, key), Body::Operator(event));
        let ended = Some(StaffEnd { how: StaffEnding::Suspended, at: batch.at });
        if let Err(error) = batch.store(&StaffRecord { ended, ..record }) {
            return error.into();
        }
        self.append_once(batch).await.err().unwrap_or(Failure::Unauthenticated)
    }

    /// Appends what a challenge led to. Who answers one twice is nobody.
    async fn append_once(&self, batch: Batch) -> Result<(), Failure> {
        match self.append(batch, None).await {
            Ok(_) => Ok(()),
            Err(AppendError::Spent) => Err(Failure::Unauthenticated),
            Err(error @ (AppendError::Conflict(_) | AppendError::Journal(_))) => Err(error.into()),
        }
    }
}

/// Authenticators that count count every signature; those that do not say zero for ever (WebAuthn Level 3 §6.1.1).
const fn has_counted_back(passkey: &PasskeyRecord, signed: Asserted) -> bool {
    (passkey.counter != 0 || signed.counter != 0) && signed.counter <= passkey.counter
}

fn by_member(member: StaffId, key: KeyThumbprint) -> Meta {
    Meta { key: Some(key), ..App::staff_meta(member) }
}

/// How long a challenge can be answered: a person looks for a key and touches it.
const CHALLENGE_MS: u64 = 5 * 60 * 1000;
/// How long a sign-in lasts: a working day.
const STAFF_TOKEN_MS: u64 = 8 * 60 * 60 * 1000;
