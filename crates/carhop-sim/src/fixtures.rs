//! The people and things of a stop: a venue, a lock, a pump, a driver with a handset, a store, its staff, and the orders
//! they place. Everything is set up through the use cases, as an operator would.

use carhop_agent::simulated::Person;
use carhop_app::records::VenueRecord;
use carhop_app::{Call, Idempotency, NewLeg, NewOrder};
use carhop_kernel::actor::{Actor, StaffBy};
use carhop_kernel::device::DeviceClass;
use carhop_kernel::digest::{FirmwareDigest, KeyThumbprint};
use carhop_kernel::geofence::{
    Accuracy, Bay, Confidence, Fence, FenceLimits, Fix, FixSource, Polygon, Position, Zone,
    ZoneKind,
};
use carhop_kernel::id::{ApiKeyId, DeviceId, DriverId, RequestId, VenueId};
use carhop_kernel::order::{
    Compartment, Currency, FuelGrade, HandoffType, PlaceKind, Scope, Sensitivity, Value,
};
use carhop_kernel::time::Window;
use carhop_proofs::eat::Component;
use carhop_proofs::jwk::thumbprint;
use carhop_proofs::pki::{Serial, csr};
use carhop_proofs::suite::{RustCrypto, SigningKey, Suite};

use crate::SimError;
use crate::world::metal::{Integrity, Parts};
use crate::world::{FIRMWARE, START, World};

/// A driver with a handset.
#[derive(Clone, Debug)]
pub struct Driver {
    /// Who.
    pub driver: DriverId,
    /// On which device.
    pub device: DeviceId,
    /// The key it proves.
    pub key: KeyThumbprint,
    /// What signs for its integrity.
    pub integrity: Integrity,
}

/// Everybody and everything.
#[derive(Clone, Debug)]
pub struct Cast {
    /// A lock on a trunk.
    pub lock: DeviceId,
    /// A pump.
    pub pump: DeviceId,
    /// The lock's certified key, for scenes in which somebody has stolen it.
    pub lock_key: SigningKey,
    /// The pump's, for scenes in which it says what no pump would.
    pub pump_key: SigningKey,
    /// Who brings the goods.
    pub driver: Driver,
    /// The store's key.
    pub store: ApiKeyId,
    /// The staff's key.
    pub staff: ApiKeyId,
}

impl Cast {
    /// Sets everything up; lock and pump are connected and attested.
    pub async fn assemble(world: &World) -> Result<Self, SimError> {
        let store = ApiKeyId::generate(START, world.draw());
        let staff = ApiKeyId::generate(START, world.draw());
        let by_staff = call(world, Actor::Staff { by: StaffBy::Key(staff) });
        world.app.store_venue(&by_staff, venue(Services::All)?).await?;
        let (lock, lock_parts) = enrol(world, &by_staff, DeviceClass::Lock).await?;
        let lock_key = lock_parts.key.clone();
        world.metal.add_lock(lock_parts)?;
        let (pump, pump_parts) = enrol(world, &by_staff, DeviceClass::Pump).await?;
        let pump_key = pump_parts.key.clone();
        world.metal.add_pump(pump_parts, FILLS_UP)?;
        let driver = hire(world, staff).await?;
        for device in [lock, pump] {
            world.connect(device).await?;
        }
        Ok(Self { lock, pump, lock_key, pump_key, driver, store, staff })
    }

    /// A call of the store.
    pub fn by_store(&self, world: &World) -> Call {
        call(world, Actor::Store { key: self.store })
    }

    /// A call of the staff.
    pub fn by_staff(&self, world: &World) -> Call {
        call(world, Actor::Staff { by: StaffBy::Key(self.staff) })
    }
}

impl Driver {
    /// A call of the driver, over mutual TLS.
    pub fn call(&self, world: &World) -> Call {
        let actor = Actor::Driver { driver: self.driver, device: self.device };
        Call { key: Some(self.key), mutual_tls: true, ..call(world, actor) }
    }

    /// Attests the handset afresh.
    pub async fn attest(&self, world: &World) -> Result<(), SimError> {
        let call = self.call(world);
        let (challenge, _) = world.app.challenge_device(&call).await?;
        let token = self.integrity.attest(&challenge)?;
        world.app.attest_handset(&call, &challenge, &token).await?;
        Ok(())
    }
}

/// A driver with a handset of their own, not attested yet.
pub async fn hire(world: &World, staff: ApiKeyId) -> Result<Driver, SimError> {
    let by_staff = call(world, Actor::Staff { by: StaffBy::Key(staff) });
    let (device, parts) = enrol(world, &by_staff, DeviceClass::Handset).await?;
    let named = world.app.name_driver(&by_staff, "Dana", device).await?;
    let driver = named.made.and_then(|made| made.parse().ok());
    let driver = driver.ok_or_else(|| SimError::world("a driver without a name"))?;
    Ok(Driver { driver, device, key: key_of(&parts.key)?, integrity: parts.integrity })
}

/// A call of `actor`, without a key.
pub fn call(world: &World, actor: Actor) -> Call {
    Call {
        partition: world.partition.clone(),
        actor,
        key: None,
        stop: None,
        mutual_tls: false,
        request: RequestId::generate(world.now(), world.draw()),
        idempotency: None,
        standing: None,
    }
}

/// The same call, recognisable when it is repeated.
pub fn once(call: Call, slot: &str, fingerprint: u8) -> Call {
    let slot = slot.to_owned();
    let idempotency = Some(Idempotency { slot, fingerprint: [fingerprint; 32] });
    Call { idempotency, ..call }
}

/// The thumbprint of a key.
pub fn key_of(key: &SigningKey) -> Result<KeyThumbprint, SimError> {
    key_of_suite(&RustCrypto, key)
}

/// The same by another cryptography.
pub(crate) fn key_of_suite(suite: &dyn Suite, key: &SigningKey) -> Result<KeyThumbprint, SimError> {
    let public = suite.public_key(key).map_err(SimError::world)?;
    Ok(thumbprint(&RustCrypto, &public))
}

/// The name of the venue.
pub(crate) fn venue_id() -> Result<VenueId, SimError> {
    VENUE.parse().map_err(SimError::world)
}

/// Which services a venue permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Services {
    /// Groceries and fuel.
    All,
    /// Groceries alone.
    Groceries,
}

/// A lot of two hundred metres, with one tag.
pub fn venue(services: Services) -> Result<VenueRecord, SimError> {
    let delivery =
        Zone { kind: ZoneKind::Delivery, polygon: lot()?, services: vec![Scope::GroceryHandoff] };
    let fuelling = Zone {
        kind: ZoneKind::Fuelling,
        polygon: lot()?,
        services: vec![Scope::FuelAuthorisation],
    };
    let zones = match services {
        Services::All => vec![delivery, fuelling],
        Services::Groceries => vec![delivery],
    };
    let venue = venue_id()?;
    let fence = Fence::new(venue, 1, zones, FenceLimits::default()).map_err(SimError::world)?;
    Ok(VenueRecord {
        venue: fence.venue().clone(),
        name: "Library".to_owned(),
        fence,
        tags: vec![(TAG.to_owned(), "b7".parse::<Bay>().ok())],
        geojson: serde_json::Value::Null,
    })
}

/// A fix at the car, `east_m` metres east of it.
pub fn fix(world: &World, east_m: f64) -> Result<Fix, SimError> {
    let accuracy = Accuracy::new(5.0, Confidence::ANDROID).map_err(SimError::world)?;
    Ok(Fix {
        position: near_car(east_m, 0.0)?,
        accuracy,
        fixed_at: world.now(),
        received_at: world.now(),
        speed: None,
        source: FixSource::Gnss,
        mock: false,
    })
}

/// An order for these legs, whose window is open now.
pub fn order(world: &World, legs: Vec<NewLeg>) -> Result<NewOrder, SimError> {
    Ok(NewOrder {
        recipient: "customer-17".to_owned(),
        recipient_name: "Robin".to_owned(),
        plate: PLATE.to_owned(),
        vin: None,
        vehicle: "blue estate".to_owned(),
        venue: venue_id()?,
        place_kind: PlaceKind::Lot,
        bay: Some("B7".to_owned()),
        window: Window { start: world.now(), end: world.now().plus_ms(WINDOW_MS) },
        handoff: HandoffType::Unattended,
        legs,
        value: Value { amount_minor: 4_200, currency: Currency::EUR },
        sensitivity: Sensitivity::Low,
        age_gated: false,
        cold_chain: None,
        payment: Some("pay-1".to_owned()),
    })
}

/// Goods into the trunk.
pub fn goods(lock: DeviceId) -> NewLeg {
    let basket = vec!["2 x bread".to_owned(), "1 x milk".to_owned()];
    NewLeg::Goods { compartment: Compartment::Trunk, basket, device: lock }
}

/// Up to thirty litres of fuel.
pub const fn fuel(pump: DeviceId) -> NewLeg {
    NewLeg::Fuel { grade: FuelGrade::Regular, limit_ml: 30_000, device: pump }
}

/// A device with its certificate, not connected and not attested yet.
pub async fn enrol(
    world: &World,
    by_staff: &Call,
    class: DeviceClass,
) -> Result<(DeviceId, Parts), SimError> {
    let (_, ticket) = world.app.ticket_device(by_staff, class, class.name()).await?;
    let key = world.draw_key()?;
    let request = csr(&RustCrypto, &key).map_err(SimError::world)?;
    let (device, certified) =
        world.app.enrol_device(&world.partition, &ticket.secret, &request).await?;
    let integrity = integrity(world, certified.fingerprint, FIRMWARE)?;
    Ok((device, Parts { device, key, integrity, issuer: world.command_key()? }))
}

/// What signs for the integrity of the device with this certificate, which runs this firmware.
pub fn integrity(
    world: &World,
    fingerprint: KeyThumbprint,
    measurement: FirmwareDigest,
) -> Result<Integrity, SimError> {
    let key = world.draw_key()?;
    let public = RustCrypto.public_key(&key).map_err(SimError::world)?;
    let serial = Serial::from_random(world.draw());
    let certificate = world
        .attestation_root
        .issue(&RustCrypto, &public, "device", serial, world.now(), ATTESTER_MS)
        .map_err(SimError::world)?;
    let (kind, version) = ("ARoT".to_owned(), "1.0.0".to_owned());
    let component = Component { kind, measurement, version, signer: [9; 32] };
    Ok(Integrity { key, certificate, components: vec![component], fingerprint })
}

fn lot() -> Result<Polygon, SimError> {
    let corners = [(-100.0, -100.0), (100.0, -100.0), (100.0, 100.0), (-100.0, 100.0)];
    let ring = corners.iter().chain(corners.first());
    let ring = ring.map(|(east_m, north_m)| near_car(*east_m, *north_m));
    Polygon::new(&[ring.collect::<Result<_, _>>()?]).map_err(SimError::world)
}

pub(crate) fn near_car(east_m: f64, north_m: f64) -> Result<Position, SimError> {
    let (latitude_deg, longitude_deg) = (37.379, -122.114);
    let north_deg = north_m / METRES_PER_DEGREE;
    let east_deg = east_m / (METRES_PER_DEGREE * 0.7946);
    Position::new(latitude_deg + north_deg, longitude_deg + east_deg).map_err(SimError::world)
}

const VENUE: &str = "los-altos:library";
/// The plate of the car.
pub const PLATE: &str = "7ABC123";
/// What the tag at the venue carries.
pub const TAG: &str = "tag-b7-9f2c";
/// Somebody who fills twenty litres in.
pub const FILLS_UP: Person =
    Person { lift_after_ms: Some(2_000), flow_ml_per_s: 600, wanted_ml: 20_000 };

const METRES_PER_DEGREE: f64 = 111_195.0;
const WINDOW_MS: u64 = 2 * 60 * 60 * 1_000;
const ATTESTER_MS: u64 = 24 * 60 * 60 * 1_000;
