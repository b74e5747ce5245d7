//! Orders come in and are amended. The store asks; what it names of people and cars goes sealed into the vault, and only
//! commitments go on (M-ORD-1, M-ORD-2, M-ORD-5).

use carhop_kernel::digest::{BasketHash, OrderDigest};
use carhop_kernel::id::{CustomerId, DeviceId, OrderId, SessionId, VenueId};
use carhop_kernel::order::{
    ColdChain, Compartment, FuelGrade, HandoffType, LegTerms, OrderVersion, PlaceKind, Sensitivity,
    Service, Terms, Value,
};
use carhop_kernel::session::{Action, Event, open};
use carhop_kernel::time::Window;
use carhop_proofs::commitment::{canonical, commit};

use crate::app::{App, fresh};
use crate::batch::{Batch, Body, Meta, Stream, Timer, TimerSubject};
use crate::call::{Call, Reply};
use crate::failure::Failure;
use crate::judge::Ask;
use crate::reads::{Reads, retry};
use crate::records::{DeviceRecord, OrderRecord, SessionHead, StopRecord, VenueRecord};
use crate::vault::Personal;

/// What a store sends.
#[derive(Clone, Debug)]
pub struct NewOrder {
    /// The store's own reference of the recipient; the same reference is the same customer.
    pub recipient: String,
    /// The name the driver may see.
    pub recipient_name: String,
    /// The plate.
    pub plate: String,
    /// The vehicle identification number.
    pub vin: Option<String>,
    /// Colour and make, for people.
    pub vehicle: String,
    /// Where.
    pub venue: VenueId,
    /// What kind of place that is.
    pub place_kind: PlaceKind,
    /// Which bay, if known.
    pub bay: Option<String>,
    /// When.
    pub window: Window,
    /// How.
    pub handoff: HandoffType,
    /// The services in order.
    pub legs: Vec<NewLeg>,
    /// What it is worth.
    pub value: Value,
    /// How delicate it is.
    pub sensitivity: Sensitivity,
    /// Whether an age proof is needed.
    pub age_gated: bool,
    /// Temperature limits.
    pub cold_chain: Option<ColdChain>,
    /// The payment pre-authorisation.
    pub payment: Option<String>,
}

/// One service of a new order.
#[derive(Clone, Debug)]
pub enum NewLeg {
    /// Goods into a compartment.
    Goods {
        /// Which compartment.
        compartment: Compartment,
        /// The lines of the basket.
        basket: Vec<String>,
        /// The lock.
        device: DeviceId,
    },
    /// Fuel into the tank.
    Fuel {
        /// Which grade.
        grade: FuelGrade,
        /// At most, in millilitres.
        limit_ml: u32,
        /// The pump.
        device: DeviceId,
    },
}

impl App {
    /// Takes an order and opens its session.
    pub async fn create_order(&self, call: &Call, ask: &NewOrder) -> Result<Reply, Failure> {
        retry!(self.try_create_order(call, ask).await)
    }

    async fn try_create_order(&self, call: &Call, ask: &NewOrder) -> Result<Reply, Failure> {
        let mut reads = Reads::new(self, &call.partition);
        if let Some(reply) = self.earlier_reply(&mut reads, call).await? {
            return Ok(reply);
        }
        let (order, session) = (fresh!(self, OrderId), fresh!(self, SessionId));
        let version = self.order_version(&mut reads, ask, order, 1).await?;
        let customer = self.customer_of(call, &ask.recipient);
        let sealing = self.sealing(&mut reads, customer).await?;
        let requested = Event::SessionRequested {
            session,
            tenant: call.partition.tenant.clone(),
            market: call.partition.market.clone(),
            order: version.0.clone(),
        };
        let opened = open(&requested).ok_or(Failure::Internal("a session that does not open"))?;
        let mut batch = reads.batch();
        let stop = StopRecord {
            session,
            customer,
            bound: None,
            intent: None,
            stated_at: None,
            vehicle: None,
            plate_misses: 0,
            stated_misses: 0,
            tag_misses: 0,
            age_proof: false,
        };
        batch.record(
            self,
            Stream::Session(session),
            &Meta::by(call),
            Body::Session(Box::new(requested)),
        );
        batch.store(&SessionHead::of(&opened, batch.at))?;
        batch.store(&OrderRecord { order, session })?;
        batch.store(&stop)?;
        self.seal_personal(&mut batch, &sealing, order, &version.1)?;
        batch.timers.push(window_timer(&batch, session, opened.order.terms.window));
        let reply = Reply { order: Some(order), session: Some(session), ..Reply::default() };
        self.commit(call, batch, &reply).await?;
        Ok(reply)
    }

    /// Replaces an order's critical terms; everything bound to the old version is void (M-ORD-2).
    pub async fn amend_order(
        &self,
        call: &Call,
        order: OrderId,
        base_version: u32,
        ask: &NewOrder,
    ) -> Result<Reply, Failure> {
        retry!(self.try_amend_order(call, order, base_version, ask).await)
    }

    async fn try_amend_order(
        &self,
        call: &Call,
        order: OrderId,
        base_version: u32,
        ask: &NewOrder,
    ) -> Result<Reply, Failure> {
        let mut reads = Reads::new(self, &call.partition);
        if let Some(reply) = self.earlier_reply(&mut reads, call).await? {
            return Ok(reply);
        }
        let id = reads.load::<OrderRecord>(order.to_string()).await?.session;
        let stop = self.read_stop(&mut reads, id).await?;
        let (version, personal) =
            self.order_version(&mut reads, ask, order, base_version.saturating_add(1)).await?;
        let customer = self.customer_of(call, &ask.recipient);
        let sealing = self.sealing(&mut reads, customer).await?;
        let window = version.terms.window;
        let action = Action::AmendOrder { order: version };
        let record = StopRecord {
            customer,
            bound: stop.record.bound.filter(|_| stop.record.customer == customer),
            intent: None,
            stated_at: None,
            vehicle: None,
            age_proof: false,
            ..stop.record.clone()
        };
        self.apply(call, &reads, &stop, action, Ask::default(), |batch| {
            batch.store(&record)?;
            self.seal_personal(batch, &sealing, order, &personal)?;
            batch.timers.push(window_timer(batch, id, window));
            Ok(())
        })
        .await
    }

    /// The pseudonym of the store's recipient: the same reference is the same customer, and nobody can turn it back.
    fn customer_of(&self, call: &Call, recipient: &str) -> CustomerId {
        let key = self.parts.keyring.pseudonym(self.suite(), &call.partition.tenant);
        let digest = self.suite().hmac_sha256(&key, &[recipient.as_bytes()]);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        CustomerId::from_bytes(bytes)
    }

    async fn order_version(
        &self,
        reads: &mut Reads<'_>,
        ask: &NewOrder,
        order: OrderId,
        version: u32,
    ) -> Result<(OrderVersion, Personal), Failure> {
        reads
            .find::<VenueRecord>(ask.venue.to_string())
            .await?
            .ok_or_else(|| Failure::invalid("place.venue", "no such venue"))?;
        let personal = self.personal_of(ask)?;
        let mut legs = Vec::with_capacity(ask.legs.len());
        for leg in &ask.legs {
            legs.push(self.leg_terms(reads, leg).await?);
        }
        let terms = Terms {
            recipient: commit(self.suite(), &personal.salt, personal.recipient.as_bytes()),
            vehicle: commit(self.suite(), &personal.salt, &vehicle_bytes(&personal)),
            venue: ask.venue.clone(),
            place_kind: ask.place_kind,
            window: ask.window,
            handoff: ask.handoff,
            legs,
            value: ask.value,
            sensitivity: ask.sensitivity,
            age_gated: ask.age_gated,
            cold_chain: ask.cold_chain,
            payment: personal
                .payment
                .as_ref()
                .map(|payment| commit(self.suite(), &personal.salt, payment.as_bytes())),
        };
        terms.check().map_err(|error| Failure::invalid("order", error.to_string()))?;
        if terms.window.end <= reads.now {
            return Err(Failure::invalid("window", "the window is over already"));
        }
        let digest = canonical(self.suite(), "carhop.order.v1", &personal.salt, &terms)
            .map_err(|_| Failure::Internal("terms without a canonical form"))?;
        let digest = OrderDigest(digest);
        Ok((OrderVersion { order, version, digest, terms }, personal))
    }

    async fn leg_terms(&self, reads: &mut Reads<'_>, leg: &NewLeg) -> Result<LegTerms, Failure> {
        let (device, class, service) = match leg {
            NewLeg::Goods { compartment, basket, device } => {
                let lines: Vec<&[u8]> =
                    basket.iter().flat_map(|line| [line.as_bytes(), b"\n"]).collect();
                let basket = BasketHash(self.suite().sha256(&lines));
                let service = Service::Goods { compartment: *compartment, basket };
                (*device, carhop_kernel::device::DeviceClass::Lock, service)
            }
            NewLeg::Fuel { grade, limit_ml, device } => {
                let service = Service::Fuel { grade: *grade, limit_ml: *limit_ml };
                (*device, carhop_kernel::device::DeviceClass::Pump, service)
            }
        };
        match reads.find::<DeviceRecord>(device.to_string()).await? {
            Some(found) if found.class == class => Ok(LegTerms { service, device }),
            Some(_) => Err(Failure::invalid("legs.device", "a device of another class")),
            None => Err(Failure::invalid("legs.device", "no such device")),
        }
    }

    fn personal_of(&self, ask: &NewOrder) -> Result<Personal, Failure> {
        Ok(Personal {
            recipient: bounded("recipient.reference", &ask.recipient)?,
            recipient_name: bounded("recipient.name", &ask.recipient_name)?,
            plate: normal_plate(&ask.plate)
                .ok_or_else(|| Failure::invalid("vehicle.plate", "not a plate"))?,
            vin: ask.vin.as_deref().map(|vin| bounded("vehicle.vin", vin)).transpose()?,
            vehicle: bounded("vehicle.description", &ask.vehicle)?,
            bay: ask.bay.as_deref().map(|bay| bounded("place.bay", bay)).transpose()?,
            payment: ask
                .payment
                .as_deref()
                .map(|payment| bounded("payment_reference", payment))
                .transpose()?,
            salt: self.random(),
        })
    }
}

/// A plate as it is compared: capital letters and digits only. `None` if nothing plate-like is left.
pub(crate) fn normal_plate(text: &str) -> Option<String> {
    let plate: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '.'))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let good = (2..=12).contains(&plate.len()) && plate.bytes().all(|b| b.is_ascii_alphanumeric());
    good.then_some(plate)
}

pub(crate) fn vehicle_bytes(personal: &Personal) -> Vec<u8> {
    [personal.plate.as_bytes(), b"\0", personal.vin.as_deref().unwrap_or("").as_bytes()].concat()
}

fn bounded(param: &'static str, text: &str) -> Result<String, Failure> {
    let good = !text.is_empty() && text.len() <= TEXT_LENGTH_MAX && is_plain(text);
    good.then(|| text.to_owned())
        .ok_or_else(|| Failure::invalid(param, "one to 200 bytes without control characters"))
}

/// Whether a text for people shows what it says: no control characters, and none that reorder, hide or tag what stands
/// around them (Unicode TR 36). Joiners stay: scripts and families need them.
pub fn is_plain(text: &str) -> bool {
    let deceives = |c: char| {
        matches!(c,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    !text.chars().any(|c| c.is_control() || deceives(c))
}

fn window_timer(batch: &Batch, session: SessionId, window: Window) -> Timer {
    let subject = TimerSubject::WindowEnd { session };
    Timer::new(batch.partition.clone(), subject, window.end)
}

/// Longest text that an order carries.
const TEXT_LENGTH_MAX: usize = 200;
