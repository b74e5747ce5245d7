//! Passkeys of the staff: made with an invitation, and the way in from then on (M-IDN-1, WebAuthn Level 3).
//!
//! What a browser's `navigator.credentials` takes is answered in that interface's own words, and so in camel case.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use carhop_app::{PasskeyChallenge, SignIn, SignedIn};
use carhop_kernel::id::StaffId;
use carhop_proofs::webauthn::{
    ALGORITHMS, CREDENTIAL_LENGTH_MAX, RelyingParty, SHOWN_LENGTH_MAX, SIGNATURE_LENGTH_MAX, Shown,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::staff::scopes_of;
use super::{Nothing, bytes_of, code_of, text_of};
use crate::http::auth::Anyone;
use crate::http::body::Ask;
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::server::Server;

/// Whoever wants to register.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChallengeAsk {
    /// The invitation's secret.
    invitation: String,
}

/// What a browser makes a passkey from: `PublicKeyCredentialCreationOptionsJSON`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreationOptions {
    /// base64url.
    challenge: String,
    rp: RelyingPartyView,
    user: UserView,
    pub_key_cred_params: Vec<AlgorithmView>,
    /// How long the challenge can be answered, in milliseconds.
    timeout: u64,
    authenticator_selection: SelectionView,
    /// Always `none`.
    attestation: &'static str,
    /// Always empty.
    exclude_credentials: [String; 0],
}

#[derive(Serialize, ToSchema)]
#[schema(as = RelyingParty)]
struct RelyingPartyView {
    /// The domain that the passkey will be bound to.
    id: String,
    name: &'static str,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PasskeyUser)]
struct UserView {
    /// base64url.
    id: String,
    name: String,
    display_name: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PasskeyAlgorithm)]
struct AlgorithmView {
    /// Always `public-key`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// COSE algorithm.
    alg: i64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PasskeySelection)]
struct SelectionView {
    /// Always `required`: the passkey is found without a name.
    resident_key: &'static str,
    /// Always `true`.
    require_resident_key: bool,
    /// Always `required`.
    user_verification: &'static str,
}

/// What a browser looks for a passkey with: `PublicKeyCredentialRequestOptionsJSON`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestOptions {
    /// base64url.
    challenge: String,
    rp_id: String,
    /// How long the challenge can be answered, in milliseconds.
    timeout: u64,
    /// Always `required`.
    user_verification: &'static str,
    /// Always empty: any passkey of this domain may answer.
    allow_credentials: [String; 0],
}

/// A passkey that a browser has made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegistrationAsk {
    /// The invitation's secret.
    invitation: String,
    /// The response's `authenticatorData`, base64url.
    authenticator_data: String,
    /// The response's `clientDataJSON`, base64url.
    client_data: String,
}

/// A passkey that signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInAsk {
    /// The credential's `rawId`, base64url.
    credential: String,
    /// The response's `userHandle`, base64url.
    user_handle: String,
    /// The response's `authenticatorData`, base64url.
    authenticator_data: String,
    /// The response's `clientDataJSON`, base64url.
    client_data: String,
    /// base64url.
    signature: String,
}

/// What a sign-in gives: a token for the key that was proven, for a working day.
#[derive(Serialize, ToSchema)]
pub(crate) struct StaffToken {
    #[schema(value_type = String)]
    member: StaffId,
    name: String,
    /// `dispatcher`, `support`, `auditor` or `administrator`.
    role: String,
    scopes: Vec<String>,
    /// Shown once.
    token: String,
    /// Always `DPoP`.
    token_type: &'static str,
    expires_at: Time,
}

/// Gives whoever holds an invitation a challenge to make a passkey with.
#[utoipa::path(post, path = "/v1/staff/registrations/challenges", tag = "staff",
    request_body = ChallengeAsk, params(("DPoP" = String, Header)),
    responses((status = 201, body = CreationOptions)))]
pub(crate) async fn registration_challenge(
    State(server): State<Arc<Server>>,
    Anyone(caller): Anyone,
    ask: Ask<ChallengeAsk>,
) -> Result<(StatusCode, Json<CreationOptions>), Problem> {
    let key = caller.proven_key()?;
    let place = relying_party(&server)?;
    let invitation = &ask.value.invitation;
    let (record, given) =
        server.app.challenge_registration(&caller.partition, invitation, key).await?;
    let options = CreationOptions {
        challenge: text_of(&given.challenge),
        rp: RelyingPartyView { id: place.id.clone(), name: PRODUCT },
        user: UserView {
            id: text_of(record.member.as_bytes()),
            name: record.name.clone(),
            display_name: record.name,
        },
        pub_key_cred_params: ALGORITHMS.map(|alg| AlgorithmView { kind: "public-key", alg }).into(),
        timeout: given.life_ms,
        authenticator_selection: SelectionView {
            resident_key: "required",
            require_resident_key: true,
            user_verification: "required",
        },
        attestation: "none",
        exclude_credentials: [],
    };
    Ok((StatusCode::CREATED, Json(options)))
}

/// Registers a passkey and signs its owner in. Uses the invitation up.
#[utoipa::path(post, path = "/v1/staff/registrations", tag = "staff",
    request_body = RegistrationAsk, params(("DPoP" = String, Header)),
    responses((status = 201, body = StaffToken)))]
pub(crate) async fn register(
    State(server): State<Arc<Server>>,
    Anyone(caller): Anyone,
    ask: Ask<RegistrationAsk>,
) -> Result<(StatusCode, Json<StaffToken>), Problem> {
    let key = caller.proven_key()?;
    let place = relying_party(&server)?;
    let RegistrationAsk { invitation, authenticator_data, client_data } = &ask.value;
    let data = bounded("authenticator_data", authenticator_data, SHOWN_LENGTH_MAX)?;
    let client = bounded("client_data", client_data, SHOWN_LENGTH_MAX)?;
    let shown = Shown { authenticator_data: &data, client_data: &client };
    let partition = &caller.partition;
    let made = server.app.register_passkey(partition, place, invitation, key, shown).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Gives anybody a challenge to sign in with.
#[utoipa::path(post, path = "/v1/staff/sign-ins/challenges", tag = "staff",
    request_body = Nothing, params(("DPoP" = String, Header)),
    responses((status = 201, body = RequestOptions)))]
pub(crate) async fn sign_in_challenge(
    State(server): State<Arc<Server>>,
    Anyone(caller): Anyone,
    _: Ask<Nothing>,
) -> Result<(StatusCode, Json<RequestOptions>), Problem> {
    let key = caller.proven_key()?;
    let place = relying_party(&server)?;
    let PasskeyChallenge { challenge, life_ms } =
        server.app.challenge_sign_in(&caller.partition, key);
    let options = RequestOptions {
        challenge: text_of(&challenge),
        rp_id: place.id.clone(),
        timeout: life_ms,
        user_verification: "required",
        allow_credentials: [],
    };
    Ok((StatusCode::CREATED, Json(options)))
}

/// Signs a member of staff in by their passkey, for the key that was proven.
#[utoipa::path(post, path = "/v1/staff/sign-ins", tag = "staff", request_body = SignInAsk,
    params(("DPoP" = String, Header)), responses((status = 201, body = StaffToken)))]
pub(crate) async fn sign_in(
    State(server): State<Arc<Server>>,
    Anyone(caller): Anyone,
    ask: Ask<SignInAsk>,
) -> Result<(StatusCode, Json<StaffToken>), Problem> {
    let key = caller.proven_key()?;
    let place = relying_party(&server)?;
    let ask = &ask.value;
    let credential = bounded("credential", &ask.credential, CREDENTIAL_LENGTH_MAX)?;
    let user_handle = bounded("user_handle", &ask.user_handle, HANDLE_LENGTH_MAX)?;
    let data = bounded("authenticator_data", &ask.authenticator_data, SHOWN_LENGTH_MAX)?;
    let client = bounded("client_data", &ask.client_data, SHOWN_LENGTH_MAX)?;
    let signature = bounded("signature", &ask.signature, SIGNATURE_LENGTH_MAX)?;
    let by = SignIn {
        credential: &credential,
        user_handle: &user_handle,
        shown: Shown { authenticator_data: &data, client_data: &client },
        signature: &signature,
    };
    let made = server.app.sign_in_by_passkey(&caller.partition, place, key, by).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Whom passkeys are for here.
pub(super) fn relying_party(server: &Server) -> Result<&RelyingParty, Problem> {
    let none = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_relying_party");
    server.relying_party.as_ref().ok_or_else(none)
}

impl From<SignedIn> for StaffToken {
    fn from(made: SignedIn) -> Self {
        let SignedIn { record, token, expires_at } = made;
        Self {
            member: record.member,
            name: record.name,
            role: code_of(&record.role),
            scopes: scopes_of(record.role),
            token,
            token_type: "DPoP",
            expires_at: expires_at.into(),
        }
    }
}

/// Bytes from base64url that are no more than these.
fn bounded(param: &'static str, text: &str, length_max: usize) -> Result<Vec<u8>, Problem> {
    let bytes = bytes_of(param, text)?;
    if bytes.len() <= length_max { Ok(bytes) } else { Err(Problem::invalid(param, "too long")) }
}

/// What people see beside the name of the domain.
const PRODUCT: &str = "Carhop";
/// Longest user handle, in bytes (WebAuthn Level 3 §5.4.3).
const HANDLE_LENGTH_MAX: usize = 64;
