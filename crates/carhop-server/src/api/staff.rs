//! The operator's staff: an administrator invites, lists and removes; a member sees who they are and signs out (M-IDN-1).
//!
//! How members register and sign in is in `passkeys`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use carhop_app::MemberView;
use carhop_app::records::{ApiScope, StaffEnding, StaffRole};
use carhop_kernel::id::StaffId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::passkeys::relying_party;
use super::{Answer, Nothing, Page, Part, answered, code_of, name_of};
use crate::http::auth::Caller;
use crate::http::body::{Ask, Asked, Named};
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::server::Server;

/// Somebody to be invited.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InvitationAsk {
    /// Their name for people.
    name: String,
    /// `dispatcher`, `support`, `auditor` or `administrator`.
    #[schema(value_type = String)]
    role: StaffRole,
}

/// Somebody who was invited.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvitedView {
    #[schema(value_type = String)]
    member: StaffId,
    name: String,
    role: String,
    invitation: InvitationView,
}

/// An invitation, shown once.
#[derive(Serialize, ToSchema)]
struct InvitationView {
    secret: String,
    /// The console with the secret in its fragment, which no server and no preview of the link gets to see.
    url: String,
    expires_at: Time,
}

/// A member of staff.
#[derive(Serialize, ToSchema)]
#[schema(as = Member)]
pub(crate) struct ListedMember {
    #[schema(value_type = String)]
    member: StaffId,
    name: String,
    /// `dispatcher`, `support`, `auditor` or `administrator`.
    role: String,
    /// `invited`, `active`, `suspended` or `removed`.
    state: &'static str,
    invited_at: Time,
    registered_at: Option<Time>,
    last_sign_in_at: Option<Time>,
    /// Since when they are not staff any more.
    ended_at: Option<Time>,
}

/// Why somebody is removed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemovalAsk {
    cause: String,
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
#[schema(as = SignedInMember)]
pub(crate) struct SelfView {
    #[schema(value_type = String)]
    member: StaffId,
    name: String,
    role: String,
    scopes: Vec<String>,
    /// First instant at which the sign-in is over.
    expires_at: Time,
}

/// Whose sign-in has ended.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedOutView {
    #[schema(value_type = String)]
    member: StaffId,
}

impl From<MemberView> for ListedMember {
    fn from(view: MemberView) -> Self {
        let record = view.record;
        let state = match (&record.ended, &record.registered_at) {
            (Some(ended), _) => match ended.how {
                StaffEnding::Removed => "removed",
                StaffEnding::Suspended => "suspended",
            },
            (None, Some(_)) => "active",
            (None, None) => "invited",
        };
        Self {
            member: record.member,
            name: record.name,
            role: code_of(&record.role),
            state,
            invited_at: record.invited_at.into(),
            registered_at: record.registered_at.map(Time::from),
            last_sign_in_at: view.used_at.map(Time::from),
            ended_at: record.ended.map(|ended| ended.at.into()),
        }
    }
}

/// Invites somebody to the staff.
#[utoipa::path(post, path = "/v1/staff", tag = "staff", request_body = InvitationAsk,
    responses((status = 201, body = InvitedView)))]
pub(crate) async fn invite(
    State(server): State<Arc<Server>>,
    caller: Caller,
    ask: Ask<InvitationAsk>,
) -> Result<(StatusCode, Json<InvitedView>), Problem> {
    let call = caller.key(ApiScope::Admin)?;
    name_of("name", &ask.value.name)?;
    // Nobody is invited who could not register.
    relying_party(&server)?;
    let (record, made) = server.app.invite_staff(&call, &ask.value.name, ask.value.role).await?;
    let origin = server.relying_party.as_ref().and_then(|place| place.origins.first());
    let is_meant_without_name = server.partitions.first() == Some(&call.partition);
    let account = if is_meant_without_name {
        String::new()
    } else {
        format!("&account={}/{}", call.partition.tenant, call.partition.market)
    };
    let origin = origin.map_or("", String::as_str);
    let invited = InvitedView {
        member: record.member,
        name: record.name,
        role: code_of(&record.role),
        invitation: InvitationView {
            url: format!("{origin}/console#invitation={}{account}", made.secret),
            secret: made.secret,
            expires_at: made.expires_at.into(),
        },
    };
    Ok((StatusCode::CREATED, Json(invited)))
}

/// Lists the staff, those who were removed as well.
#[utoipa::path(get, path = "/v1/staff", tag = "staff", params(Part),
    responses((status = 200, body = Page<ListedMember>)))]
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Asked(part): Asked<Part>,
) -> Answer<Page<ListedMember>> {
    let call = caller.key(ApiScope::Admin)?;
    let limit = part.limit();
    let found = server.app.list_staff(&call.partition, part.after, limit + 1).await?;
    let listed = found.into_iter().map(ListedMember::from).collect();
    Ok(Json(Page::of(listed, limit, |one: &ListedMember| one.member.to_string())))
}

/// Removes a member of staff: their invitation, passkey and sign-ins are dead at once.
#[utoipa::path(post, path = "/v1/staff/{member}/removals", tag = "staff",
    request_body = RemovalAsk,
    params(("member" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = ListedMember)))]
pub(crate) async fn remove(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(member): Named<StaffId>,
    ask: Ask<RemovalAsk>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.key(ApiScope::Admin)?, &ask)?;
    name_of("cause", &ask.value.cause)?;
    let reply = server.app.remove_staff(&call, member, &ask.value.cause).await?;
    let view = server.app.view_staff(&call.partition, member).await?;
    Ok(answered(&reply, Json(ListedMember::from(view))))
}

/// Says who is signed in.
#[utoipa::path(get, path = "/v1/staff/me", tag = "staff",
    responses((status = 200, body = SelfView)))]
pub(crate) async fn myself(caller: Caller) -> Answer<SelfView> {
    let (member, ..) = caller.signed_in()?;
    Ok(Json(SelfView {
        member: member.record.member,
        name: member.record.name.clone(),
        role: code_of(&member.record.role),
        scopes: scopes_of(member.record.role),
        expires_at: member.expires_at.into(),
    }))
}

/// Ends the sign-in that the caller calls with.
#[utoipa::path(post, path = "/v1/staff/sign-outs", tag = "staff", request_body = Nothing,
    responses((status = 200, body = SignedOutView)))]
pub(crate) async fn sign_out(
    State(server): State<Arc<Server>>,
    caller: Caller,
    _: Ask<Nothing>,
) -> Answer<SignedOutView> {
    let (member, key, secret) = caller.signed_in()?;
    server.app.sign_out_staff(&caller.partition, secret, key).await?;
    Ok(Json(SignedOutView { member: member.record.member }))
}

/// The names of what comes with a role.
pub(super) fn scopes_of(role: StaffRole) -> Vec<String> {
    role.scopes().iter().map(code_of).collect()
}
