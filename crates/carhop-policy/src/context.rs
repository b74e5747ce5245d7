//! Facts as Cedar sees them: a request whose context has the shape of `policies/schema.cedarschema`.
//!
//! Values are built natively, not through JSON text, and words become enumerated entities, so that the validator
//! refuses a policy with a misspelt one. Nothing is judged here.

use carhop_kernel::verdict::Rung;
use cedar_policy::{
    Context, EntityId, EntityTypeName, EntityUid, ParseErrors, Request, RestrictedExpression,
    Schema,
};
use serde::Serialize;
use serde_json::Value as Json;
use thiserror::Error;

use crate::facts::{
    ActuatorFacts, Facts, HandsetFacts, LegFacts, OrderFacts, PlaceFact, PlaceFacts, TokenFacts,
    VehicleFacts,
};

/// The entity types of the schema, parsed once.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    action: EntityTypeName,
    actor: EntityTypeName,
    stop: EntityTypeName,
    phase: EntityTypeName,
    hold_cause: EntityTypeName,
    window: EntityTypeName,
    risk: EntityTypeName,
    rung: EntityTypeName,
    services: EntityTypeName,
    handoff: EntityTypeName,
    place_kind: EntityTypeName,
    sensitivity: EntityTypeName,
    scope: EntityTypeName,
    compartment: EntityTypeName,
    assurance: EntityTypeName,
    vehicle_match: EntityTypeName,
    place_method: EntityTypeName,
    place_answer: EntityTypeName,
    presence: EntityTypeName,
    tier: EntityTypeName,
}

/// Why facts could not be put before the policies. None of these happens with a bundle that loaded.
#[derive(Debug, Error)]
pub(crate) enum ContextError {
    #[error("a value is no word of the vocabulary")]
    Word,
    #[error(transparent)]
    Record(#[from] Box<cedar_policy::ExpressionConstructionError>),
    #[error(transparent)]
    Context(#[from] Box<cedar_policy::ContextCreationError>),
    #[error(transparent)]
    Request(#[from] Box<cedar_policy::RequestValidationError>),
}

type Expression = Result<RestrictedExpression, ContextError>;

impl Vocabulary {
    pub(crate) fn new() -> Result<Self, Box<ParseErrors>> {
        Ok(Self {
            action: "Action".parse()?,
            actor: "Actor".parse()?,
            stop: "Stop".parse()?,
            phase: "Phase".parse()?,
            hold_cause: "HoldCause".parse()?,
            window: "Window".parse()?,
            risk: "Risk".parse()?,
            rung: "Rung".parse()?,
            services: "Services".parse()?,
            handoff: "Handoff".parse()?,
            place_kind: "PlaceKind".parse()?,
            sensitivity: "Sensitivity".parse()?,
            scope: "Scope".parse()?,
            compartment: "Compartment".parse()?,
            assurance: "Assurance".parse()?,
            vehicle_match: "VehicleMatch".parse()?,
            place_method: "PlaceMethod".parse()?,
            place_answer: "PlaceAnswer".parse()?,
            presence: "Presence".parse()?,
            tier: "Tier".parse()?,
        })
    }

    /// The name of a Cedar action.
    pub(crate) fn action(&self, name: &str) -> EntityUid {
        uid(&self.action, name)
    }

    /// The question that these facts are about, checked against the schema if one is given.
    pub(crate) fn request(
        &self,
        facts: &Facts,
        rung: Rung,
        schema: Option<&Schema>,
    ) -> Result<Request, ContextError> {
        let context = Context::from_pairs(self.context(facts, rung)?).map_err(Box::new)?;
        let request = Request::new(
            uid(&self.actor, facts.actor.name()),
            self.action(facts.action.name()),
            uid(&self.stop, "stop"),
            context,
            schema,
        );
        Ok(request.map_err(Box::new)?)
    }

    fn context(
        &self,
        facts: &Facts,
        rung: Rung,
    ) -> Result<Vec<(String, RestrictedExpression)>, ContextError> {
        let mut fields = Fields::default();
        fields
            .word("phase", &self.phase, &facts.phase)?
            .flag("ended", facts.phase.is_end())
            .word("rung", &self.rung, &rung)?
            .maybe("leg", facts.leg.map(|leg| self.leg(leg)))?
            .some("order", self.order(&facts.order)?)
            .maybe("recipient", facts.recipient.map(|proof| word(&self.assurance, &proof)))?
            .word("risk", &self.risk, &facts.risk)?
            .flag("intent_approved", facts.intent_approved)
            .some("vehicle", self.vehicle(facts.vehicle)?)
            .some("place", self.places(facts.place)?)
            .word("window", &self.window, &facts.window)?
            .maybe("token", facts.token.map(token))?
            .maybe("presence", facts.presence.map(|method| word(&self.presence, &method)))?
            .maybe("proof_refused", facts.proof_refused.map(|reason| Ok(text(reason.code()))))?
            .some("handset", self.handset(facts.handset)?)
            .some("actuator", self.actuator(facts.actuator)?)
            .maybe("hold", facts.hold.map(|cause| word(&self.hold_cause, &cause)))?
            .flag("tenant_hold", facts.tenant_hold)
            .flag("age_proof", facts.age_proof);
        Ok(fields.0)
    }

    fn leg(&self, leg: LegFacts) -> Expression {
        let compartment = leg.compartment.map(|which| word(&self.compartment, &which));
        let mut fields = Fields::default();
        fields
            .word("scope", &self.scope, &leg.scope)?
            .flag("fuel", leg.is_fuel())
            .maybe("compartment", compartment)?;
        fields.record()
    }

    fn order(&self, order: &OrderFacts) -> Expression {
        let mut fields = Fields::default();
        fields
            .word("services", &self.services, &order.services)?
            .word("handoff", &self.handoff, &order.handoff)?
            .word("place_kind", &self.place_kind, &order.place_kind)?
            .word("sensitivity", &self.sensitivity, &order.sensitivity)?
            .some("value_minor", number(order.value.amount_minor))
            .some("currency", text(order.value.currency.code()))
            .flag("age_gated", order.age_gated)
            .flag("cold_chain", order.cold_chain);
        fields.record()
    }

    fn vehicle(&self, vehicle: VehicleFacts) -> Expression {
        let matched_by = vehicle.matched_by.map(|method| word(&self.vehicle_match, &method));
        let mut fields = Fields::default();
        fields
            .maybe("matched_by", matched_by)?
            .flag("mismatch", vehicle.mismatch)
            .flag("moving", vehicle.moving);
        fields.record()
    }

    fn places(&self, places: PlaceFacts) -> Expression {
        let mut fields = Fields::default();
        fields
            .maybe("driver", places.driver.map(|fact| self.place(fact)))?
            .maybe("vehicle", places.vehicle.map(|fact| self.place(fact)))?
            .flag("disagrees", places.disagrees)
            .flag("service_permitted", places.service_permitted);
        fields.record()
    }

    fn place(&self, fact: PlaceFact) -> Expression {
        let mut fields = Fields::default();
        fields.word("method", &self.place_method, &fact.method)?.word(
            "answer",
            &self.place_answer,
            &fact.answer,
        )?;
        fields.record()
    }

    fn handset(&self, handset: HandsetFacts) -> Expression {
        let mut fields = Fields::default();
        fields.flag("assigned", handset.assigned).flag("trusted", handset.trusted).word(
            "tier",
            &self.tier,
            &handset.tier,
        )?;
        fields.record()
    }

    fn actuator(&self, actuator: ActuatorFacts) -> Expression {
        let mut fields = Fields::default();
        fields
            .flag("trusted", actuator.trusted)
            .flag("frozen", actuator.frozen)
            .word("tier", &self.tier, &actuator.tier)?
            .flag("reachable", actuator.reachable);
        fields.record()
    }
}

fn token(token: TokenFacts) -> Expression {
    let mut fields = Fields::default();
    fields
        .maybe("flaw", token.flaw.map(|flaw| Ok(text(flaw.code()))))?
        .some("age_ms", number(token.age_ms));
    fields.record()
}

/// The fields of one record, in the order in which they were added.
#[derive(Default)]
struct Fields(Vec<(String, RestrictedExpression)>);

impl Fields {
    fn some(&mut self, name: &str, value: RestrictedExpression) -> &mut Self {
        self.0.push((name.to_owned(), value));
        self
    }

    fn maybe(&mut self, name: &str, value: Option<Expression>) -> Result<&mut Self, ContextError> {
        if let Some(value) = value {
            self.some(name, value?);
        }
        Ok(self)
    }

    fn flag(&mut self, name: &str, value: bool) -> &mut Self {
        self.some(name, RestrictedExpression::new_bool(value))
    }

    fn word(
        &mut self,
        name: &str,
        kind: &EntityTypeName,
        value: &impl Serialize,
    ) -> Result<&mut Self, ContextError> {
        Ok(self.some(name, word(kind, value)?))
    }

    fn record(self) -> Expression {
        Ok(RestrictedExpression::new_record(self.0).map_err(Box::new)?)
    }
}

/// A variant without fields by its one stable name, which is the one it is stored under.
fn word(kind: &EntityTypeName, value: &impl Serialize) -> Expression {
    match serde_json::to_value(value) {
        Ok(Json::String(name)) => Ok(RestrictedExpression::new_entity_uid(uid(kind, &name))),
        Ok(_) | Err(_) => Err(ContextError::Word),
    }
}

fn uid(kind: &EntityTypeName, name: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(name))
}

fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

/// Cedar counts in 64 bits with a sign; more than fits is as much as fits.
fn number(value: u64) -> RestrictedExpression {
    RestrictedExpression::new_long(i64::try_from(value).unwrap_or(i64::MAX))
}
