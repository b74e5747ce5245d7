//! Venues: zones and tags as GeoJSON, stored, shown and tried before (M-GEO-1, M-GEO-5, RFC 7946).

use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use carhop_app::records::{ApiScope, VenueRecord};
use carhop_app::{Tried, VenueAsk};
use carhop_kernel::geofence::{Bay, Fence, FenceLimits, Glance, Polygon, Zone, ZoneKind};
use carhop_kernel::id::VenueId;
use carhop_kernel::order::Scope;
use geojson::{Feature, FeatureCollection, GeoJson, GeometryValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Answer, Page, Part, answered, code_of, name_of, tagged};
use crate::http::auth::Caller;
use crate::http::body::{Ask, Asked, Named};
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::server::Server;

/// A venue.
#[derive(Serialize, ToSchema)]
pub(crate) struct VenueView {
    #[schema(value_type = String)]
    id: VenueId,
    name: String,
    /// Grows with every change of the zones.
    version: u32,
    /// Services that some zone permits.
    services: Vec<String>,
    /// How many tags hang there; what they carry is not shown.
    tags: usize,
    /// The GeoJSON it was made from, without its tags.
    geojson: Value,
}

/// A drawing to be tried.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrialAsk {
    /// GeoJSON, as a venue is stored.
    geojson: Value,
    /// For which service, such as `grocery_handoff`.
    #[schema(value_type = String)]
    service: Scope,
}

/// What the drawing makes of recent positions.
#[derive(Serialize, ToSchema)]
pub(crate) struct TrialView {
    /// At most 200, those of today first.
    fixes: Vec<TriedView>,
}

/// A recent position.
#[derive(Serialize, ToSchema)]
struct TriedView {
    /// `driver` or `vehicle`.
    party: String,
    latitude: f64,
    longitude: f64,
    /// Radius in metres, as the device reported it.
    accuracy_m: f64,
    /// When, by the reporting device's clock.
    fixed_at: Time,
    /// What the zones in force make of it: `inside`, `outside` or `uncertain`; none where there are none yet.
    in_force: Option<String>,
    /// What the drawing makes of it.
    draft: String,
    /// Probability of being where the drawing permits the service.
    probability: f64,
    /// To the edge of the nearest zone that permits it, negative inside.
    distance_m: Option<f64>,
}

/// What a feature says about its zone, besides what is for people.
#[derive(Deserialize)]
struct ZoneProperties {
    kind: ZoneKind,
    services: Vec<Scope>,
    tags: Option<Vec<Tag>>,
    name: Option<String>,
}

/// What a tag carries, and the bay it hangs in.
#[derive(Deserialize)]
#[serde(untagged)]
enum Tag {
    Code(String),
    InBay { code: String, bay: Bay },
}

/// Stores a venue. The body is a GeoJSON Feature or FeatureCollection of polygons; each feature's properties name its
/// `kind` (`delivery`, `parking`, `exclusion`, `service_point`, `fuelling`, `indoor`), its `services`
/// (`grocery_handoff`, `locker_access`, `cold_release`, `fuel_authorisation`) and the `tags` that hang there, each a secret
/// of 10 to 64 bytes; where no feature names `tags`, those that hang there already stay. With `If-Match` it replaces only the
/// version whose `ETag` that is; otherwise the answer is *412*.
#[utoipa::path(put, path = "/v1/venues/{venue}", tag = "venues", request_body = Value,
    params(("venue" = String, Path), ("Idempotency-Key" = String, Header),
        ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = VenueView)))]
pub(crate) async fn store(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(venue): Named<VenueId>,
    headers: HeaderMap,
    ask: Ask<Value>,
) -> Result<Response, Problem> {
    let call = caller.key(ApiScope::Venues)?;
    let base_version = headers.get(header::IF_MATCH).map(version_of).transpose()?;
    // Storing the same again changes nothing that matters, so PUT does not demand an idempotency key.
    let call = if caller.has_idempotency_key() { caller.once(call, &ask)? } else { call };
    let drawn = VenueAsk { base_version, ..read(venue.clone(), ask.value)? };
    let reply = server.app.store_venue(&call, drawn).await?;
    let stored = server.app.view_venue(&call.partition, &venue).await?;
    Ok(answered(&reply, shown(stored)))
}

/// Says what a drawing would make of the last position of everybody who was at the venue today or yesterday, beside what the
/// zones in force make of it, and stores nothing. Whoever asks draws venues and may see stops, for it shows where people were.
/// Dwelling, motion and freshness, which no drawing changes, are left out.
#[utoipa::path(post, path = "/v1/venues/{venue}/trials", tag = "venues", request_body = TrialAsk,
    params(("venue" = String, Path)), responses((status = 200, body = TrialView)))]
pub(crate) async fn try_out(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(venue): Named<VenueId>,
    ask: Ask<TrialAsk>,
) -> Answer<TrialView> {
    caller.key(ApiScope::Venues)?;
    let call = caller.key(ApiScope::Staff)?;
    let TrialAsk { geojson, service } = ask.value;
    let VenueAsk { venue: drawn, .. } = read(venue.clone(), geojson)?;
    let tried = server.app.try_fence(&call.partition, &venue, &drawn.fence, service).await?;
    Ok(Json(TrialView { fixes: tried.into_iter().map(TriedView::from).collect() }))
}

/// Shows a venue.
#[utoipa::path(get, path = "/v1/venues/{venue}", tag = "venues",
    params(("venue" = String, Path)), responses((status = 200, body = VenueView)))]
pub(crate) async fn view(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(venue): Named<VenueId>,
) -> Result<Response, Problem> {
    let call = caller.any_key(LOOKERS)?;
    Ok(shown(server.app.view_venue(&call.partition, &venue).await?))
}

/// Lists venues by name.
#[utoipa::path(get, path = "/v1/venues", tag = "venues", params(Part),
    responses((status = 200, body = Page<VenueView>)))]
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Asked(part): Asked<Part>,
) -> Answer<Page<VenueView>> {
    let call = caller.any_key(LOOKERS)?;
    let limit = part.limit();
    let found = server.app.list_venues(&call.partition, part.after, limit + 1).await?;
    let found = found.into_iter().map(VenueView::from).collect();
    Ok(Json(Page::of(found, limit, |one: &VenueView| one.id.to_string())))
}

/// A venue with its version as `ETag`.
fn shown(venue: VenueRecord) -> Response {
    tagged(venue.fence.version().into(), Json(VenueView::from(venue)))
}

/// The version that `If-Match` names.
fn version_of(tag: &HeaderValue) -> Result<u32, Problem> {
    let tag = tag.to_str().unwrap_or_default();
    let bare = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    bare.and_then(|bare| bare.parse().ok())
        .ok_or_else(|| Problem::invalid("If-Match", "not the `ETag` of a venue"))
}

/// A venue from GeoJSON.
fn read(venue: VenueId, json: Value) -> Result<VenueAsk, Problem> {
    let wrong = |why: &dyn std::fmt::Display| Problem::invalid("geojson", why.to_string());
    let geojson = GeoJson::deserialize(&json).map_err(|error| wrong(&error))?;
    let (features, name) = match geojson {
        GeoJson::Feature(feature) => (vec![feature], None),
        GeoJson::FeatureCollection(FeatureCollection { features, foreign_members, .. }) => {
            let name = foreign_members.and_then(|members| members.get("name").cloned());
            (features, name.and_then(|name| name.as_str().map(str::to_owned)))
        }
        GeoJson::Geometry(_) => return Err(wrong(&"neither a Feature nor a FeatureCollection")),
    };
    let (mut zones, mut tags, mut label) = (Vec::new(), Vec::new(), name);
    let mut keeps_tags = true;
    for feature in features {
        let (drawn, properties) = zones_of(feature)?;
        zones.extend(drawn);
        label = label.or(properties.name);
        keeps_tags &= properties.tags.is_none();
        tags.extend(properties.tags.into_iter().flatten().map(|tag| match tag {
            Tag::Code(code) => (code, None),
            Tag::InBay { code, bay } => (code, Some(bay)),
        }));
    }
    if tags.len() > TAGS_MAX || tags.iter().any(|(code, _)| !TAG_LENGTHS.contains(&code.len())) {
        return Err(Problem::invalid("tags", "at most 1000 codes of 10 to 64 bytes"));
    }
    let fence = Fence::new(venue.clone(), 1, zones, FenceLimits::default())
        .map_err(|error| wrong(&error))?;
    let name = label.unwrap_or_else(|| venue.to_string());
    name_of("name", &name)?;
    let venue = VenueRecord { venue, name, fence, tags, geojson: without_tags(json) };
    Ok(VenueAsk { venue, keeps_tags, base_version: None })
}

fn zones_of(feature: Feature) -> Result<(Vec<Zone>, ZoneProperties), Problem> {
    let properties = Value::Object(feature.properties.unwrap_or_default());
    let properties = ZoneProperties::deserialize(properties)
        .map_err(|error| Problem::invalid("properties", error.to_string()))?;
    let polygons = match feature.geometry.map(|geometry| geometry.value) {
        Some(GeometryValue::Polygon { coordinates }) => vec![coordinates],
        Some(GeometryValue::MultiPolygon { coordinates }) => coordinates,
        Some(_) | None => {
            return Err(Problem::invalid("geometry", "neither a Polygon nor a MultiPolygon"));
        }
    };
    let mut zones = Vec::with_capacity(polygons.len());
    for rings in polygons {
        let rings: Option<Vec<Vec<[f64; 2]>>> = rings
            .iter()
            .map(|ring| ring.iter().map(|at| at.as_slice().first_chunk().copied()).collect())
            .collect();
        let rings = rings.ok_or_else(|| Problem::invalid("geometry", "a bad coordinate"))?;
        let polygon = Polygon::from_coordinates(&rings)
            .map_err(|error| Problem::invalid("geometry", error.to_string()))?;
        zones.push(Zone { kind: properties.kind, polygon, services: properties.services.clone() });
    }
    Ok((zones, properties))
}

/// What tags carry is a secret of the place.
fn without_tags(mut json: Value) -> Value {
    let strip = |feature: &mut Value| {
        if let Some(properties) = feature.get_mut("properties").and_then(Value::as_object_mut) {
            properties.remove("tags");
        }
    };
    strip(&mut json);
    if let Some(features) = json.get_mut("features").and_then(Value::as_array_mut) {
        features.iter_mut().for_each(strip);
    }
    json
}

impl From<Tried> for TriedView {
    fn from(Tried { party, fix, in_force, draft }: Tried) -> Self {
        let Glance { answer, probability, distance_m } = draft;
        Self {
            party: code_of(&party),
            latitude: fix.position.latitude_deg(),
            longitude: fix.position.longitude_deg(),
            accuracy_m: fix.accuracy.radius_m(),
            fixed_at: fix.fixed_at.into(),
            in_force: in_force.map(|glance| code_of(&glance.answer)),
            draft: code_of(&answer),
            probability,
            distance_m,
        }
    }
}

impl From<VenueRecord> for VenueView {
    fn from(record: VenueRecord) -> Self {
        Self {
            id: record.venue,
            name: record.name,
            version: record.fence.version(),
            services: record.fence.services().iter().map(code_of).collect(),
            tags: record.tags.len(),
            geojson: record.geojson,
        }
    }
}

/// Tags of one venue.
const TAGS_MAX: usize = 1000;
/// Bytes of what a tag carries: too many to be guessed in the few tries of a stop, or of many stops.
const TAG_LENGTHS: RangeInclusive<usize> = 10..=64;

/// Who may see where zones are.
const LOOKERS: &[ApiScope] =
    &[ApiScope::Venues, ApiScope::Staff, ApiScope::Orders, ApiScope::Audit];
