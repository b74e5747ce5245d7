//! The operator's staff: invited by an administrator, recognised by what a sign-in gave them, removed at once (M-IDN-1,
//! `design.md` §5). How they register and sign in stands in `passkey`.

use carhop_kernel::actor::{Actor, StaffBy};
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::id::{StaffId, TicketId};
use carhop_kernel::time::Timestamp;
use carhop_proofs::token::{StaffToken, Ticket};

use crate::app::{App, fresh};
use crate::batch::{Body, Meta, OperatorEvent, SignOut, Stream};
use crate::call::{Call, Reply, Standing};
use crate::customer::Secret;
use crate::failure::Failure;
use crate::reads::{Reads, retry};
use crate::record::Partition;
use crate::records::{
    PasskeyRecord, Purpose, StaffEnd, StaffEnding, StaffRecord, StaffRole, StaffTokenRecord,
    TicketRecord,
};

/// A member of staff who has signed in.
#[derive(Clone, Debug)]
pub struct Member {
    /// Who.
    pub record: StaffRecord,
    /// When their sign-in ends.
    pub expires_at: Timestamp,
    /// What their right to call rests on.
    pub standing: Standing,
}

/// A member of staff as a list shows them.
#[derive(Clone, Debug)]
pub struct MemberView {
    /// Who.
    pub record: StaffRecord,
    /// When their passkey was last used.
    pub used_at: Option<Timestamp>,
}

impl App {
    /// Names a member of staff and makes the invitation they register with, once.
    pub async fn invite_staff(
        &self,
        call: &Call,
        name: &str,
        role: StaffRole,
    ) -> Result<(StaffRecord, Secret), Failure> {
        let reads = Reads::new(self, &call.partition);
        let member = fresh!(self, StaffId);
        let record = StaffRecord {
            member,
            name: name.to_owned(),
            role,
            invited_at: reads.now,
            registered_at: None,
            passkey: None,
            ended: None,
        };
        let ticket = Ticket::mint(&self.random());
        let expires_at = reads.now.plus_ms(INVITATION_MS);
        let mut batch = reads.batch();
        let event = OperatorEvent::StaffInvited { member, role, expires_at };
        batch.record(self, Stream::Operator, &Meta::by(call), Body::Operator(event));
        batch.store(&record)?;
        batch.store(&TicketRecord {
            hash: ticket.hash(self.suite(), &self.pepper(&call.partition)),
            id: fresh!(self, TicketId),
            purpose: Purpose::StaffInvitation { member },
            expires_at,
            used: false,
        })?;
        self.append_for(call, batch, None).await?;
        Ok((record, Secret { secret: ticket.expose().to_owned(), expires_at, session: None }))
    }

    /// Removes a member of staff: invitation, passkey and tokens are dead from this append on, and what they have asked
    /// for and was not appended yet never is. Who was removed stays so for the first cause.
    pub async fn remove_staff(
        &self,
        call: &Call,
        member: StaffId,
        cause: &str,
    ) -> Result<Reply, Failure> {
        retry!({
            let mut reads = Reads::new(self, &call.partition);
            if let Some(reply) = self.earlier_reply(&mut reads, call).await? {
                return Ok(reply);
            }
            let record = reads.load::<StaffRecord>(member.to_string()).await?;
            let reply = Reply { made: Some(member.to_string()), ..Reply::default() };
            if record.ended.is_some_and(|ended| ended.how == StaffEnding::Removed) {
                return self.commit_taking_away(call, reads.batch(), reply).await;
            }
            let mut batch = reads.batch();
            let event = OperatorEvent::StaffRemoved { member, why: cause.to_owned() };
            batch.record(self, Stream::Operator, &Meta::by(call), Body::Operator(event));
            let ended = Some(StaffEnd { how: StaffEnding::Removed, at: reads.now });
            batch.store(&StaffRecord { ended, ..record })?;
            self.commit(call, batch, &reply).await?;
            Ok(reply)
        })
    }

    /// The staff, those who were removed as well, in the order of their invitations.
    pub async fn list_staff(
        &self,
        partition: &Partition,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<MemberView>, Failure> {
        let listed = self.list::<StaffRecord>(partition, None, after, limit).await?;
        let mut shown = Vec::with_capacity(listed.len());
        for record in listed {
            shown.push(self.shown(partition, record).await?);
        }
        Ok(shown)
    }

    /// One member of staff.
    pub async fn view_staff(
        &self,
        partition: &Partition,
        member: StaffId,
    ) -> Result<MemberView, Failure> {
        let record = self.peek::<StaffRecord>(partition, member.to_string()).await?;
        self.shown(partition, record.ok_or(Failure::NotFound)?).await
    }

    async fn shown(
        &self,
        partition: &Partition,
        record: StaffRecord,
    ) -> Result<MemberView, Failure> {
        let index = Some(("member", record.member.to_string()));
        let passkey = self.list::<PasskeyRecord>(partition, index, None, 1).await?.pop();
        Ok(MemberView { record, used_at: passkey.map(|passkey| passkey.used_at) })
    }

    /// The member of staff whose token this is, while it is alive and its key was proven. Shown by another key it has been
    /// stolen, and ends.
    pub async fn authenticate_staff(
        &self,
        partition: &Partition,
        secret: &str,
        key: KeyThumbprint,
    ) -> Result<Member, Failure> {
        let token = StaffToken::parse(secret).map_err(|_| Failure::Unauthenticated)?;
        let hash = token.hash(self.suite(), &self.pepper(partition));
        retry!({
            let mut reads = Reads::new(self, partition);
            let token = reads
                .find::<StaffTokenRecord>(hash.to_string())
                .await?
                .filter(|token| !token.ended && reads.now < token.expires_at)
                .ok_or(Failure::Unauthenticated)?;
            if token.key != key {
                self.end_staff_token(&reads, token, key, SignOut::KeyMismatch).await?;
                return Err(Failure::Unauthenticated);
            }
            let record = reads.find::<StaffRecord>(token.member.to_string()).await?;
            let record = record.filter(|record| record.ended.is_none());
            let record = record.ok_or(Failure::Unauthenticated)?;
            let expires_at = token.expires_at;
            let standing = Standing { records: reads.seen(), until: Some(expires_at) };
            Ok(Member { record, expires_at, standing })
        })
    }

    /// Ends the token that a member of staff calls with.
    pub async fn sign_out_staff(
        &self,
        partition: &Partition,
        secret: &str,
        key: KeyThumbprint,
    ) -> Result<(), Failure> {
        let token = StaffToken::parse(secret).map_err(|_| Failure::Unauthenticated)?;
        let hash = token.hash(self.suite(), &self.pepper(partition));
        retry!({
            let mut reads = Reads::new(self, partition);
            match reads.find::<StaffTokenRecord>(hash.to_string()).await? {
                Some(token) if !token.ended && token.key == key => {
                    self.end_staff_token(&reads, token, key, SignOut::Asked).await
                }
                Some(_) | None => Ok(()),
            }
        })
    }

    async fn end_staff_token(
        &self,
        reads: &Reads<'_>,
        token: StaffTokenRecord,
        key: KeyThumbprint,
        why: SignOut,
    ) -> Result<(), Failure> {
        let member = token.member;
        let meta = Meta { key: Some(key), token: Some(token.hash), ..Self::staff_meta(member) };
        let mut batch = reads.batch();
        let event = OperatorEvent::StaffSignedOut { member, why };
        batch.record(self, Stream::Operator, &meta, Body::Operator(event));
        batch.store(&StaffTokenRecord { ended: true, ..token })?;
        self.append(batch, None).await?;
        Ok(())
    }

    pub(crate) const fn staff_meta(member: StaffId) -> Meta {
        Meta::of(Actor::Staff { by: StaffBy::Member(member) })
    }
}

/// How long an invitation can be used: over a weekend.
const INVITATION_MS: u64 = 72 * 60 * 60 * 1000;
