//! Every operation of the description, asked by those who must learn and change nothing, and with bodies and
//! paths that nobody means. The operations come from the description itself: a new one is asked as well, and
//! fails until this file knows a good body and ids for it (M-PRV-3, style habit 12).

use serde_json::{Value, json};

use crate::stop::{Stop, order, venue};
use crate::world::{Answer, By, World, uuid};

/// One operation of the description.
struct Operation {
    method: String,
    path: String,
    /// The name of the schema of its body, if it takes one.
    body: Option<String>,
}

/// Every operation.
fn operations() -> Vec<Operation> {
    let described: Value = serde_json::from_str(&carhop_server::openapi_json()).unwrap();
    let mut found = Vec::new();
    for (path, item) in described["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let name = schema["$ref"].as_str().unwrap_or_default().rsplit('/').next().unwrap();
            let body = schema.is_object().then(|| name.to_owned());
            found.push(Operation { method: method.to_uppercase(), path: path.clone(), body });
        }
    }
    assert!(found.len() > 40, "only {} operations", found.len());
    found
}

/// What there is to ask about, or what there is not.
struct Ids {
    session: String,
    order: String,
    device: String,
    driver: String,
    venue: String,
    decision: String,
    key: String,
    member: String,
}

impl Ids {
    /// What one tenant has. A refused wish leaves a decision.
    async fn existing(world: &World, stop: &Stop) -> Self {
        let (admin, ask) = (By::Key(&world.admin), json!({ "driver": stop.driver }));
        let invited = json!({ "name": "x", "role": "support" });
        let invited = world.ask(admin, "POST", "/v1/staff", Some(invited)).await.expect(201);
        let refused = world.ask(admin, "POST", &stop.path("assignments"), Some(ask)).await;
        let ask = json!({ "name": "of nobody", "scopes": ["audit"] });
        let made = world.ask(admin, "POST", "/v1/api-keys", Some(ask)).await;
        Self {
            session: stop.session.clone(),
            order: stop.order.clone(),
            device: stop.lock.clone(),
            driver: stop.driver.clone(),
            venue: "lot-1".to_owned(),
            decision: refused.expect(409).text("decision"),
            key: made.expect(201).text("id"),
            member: invited.text("member"),
        }
    }

    /// What nobody has.
    fn unknown() -> Self {
        let [session, order, device, driver, decision, key, member] =
            ["hs", "ord", "dev", "drv", "dec", "key", "stf"]
                .map(|prefix| format!("{prefix}_{NO_ID}"));
        Self { session, order, device, driver, venue: "lot-9".to_owned(), decision, key, member }
    }

    /// The path of the operation with these.
    fn fill(&self, path: &str) -> String {
        let filled = path
            .replace("{session}", &self.session)
            .replace("{order}", &self.order)
            .replace("{device}", &self.device)
            .replace("{subject}", &format!("device:{}", self.device))
            .replace("{driver}", &self.driver)
            .replace("{venue}", &self.venue)
            .replace("{decision}", &self.decision)
            .replace("{key}", &self.key)
            .replace("{member}", &self.member)
            .replace("{release}", &format!("act_{NO_ID}"))
            .replace("{leg}", "0");
        assert!(!filled.contains('{'), "{path}: say here which ids there are");
        filled
    }
}

/// A body that the operation takes.
fn body(operation: &Operation, world: &World, stop: &Stop) -> Option<Value> {
    let schema = operation.body.as_deref()?;
    let last = operation.path.rsplit('/').next().unwrap();
    Some(match (schema, last) {
        ("OrderAsk", _) => order(world, &stop.lock),
        ("", "{venue}") => venue(),
        ("DriverAsk", _) => json!({ "name": "x", "device": stop.handset }),
        ("TicketAsk", _) => json!({ "class": "lock", "name": "x" }),
        ("EnrolmentAsk", _) => json!({ "ticket": "cht_x", "csr": "AA" }),
        ("RenewalAsk", _) => json!({ "csr": "AA" }),
        ("RevocationAsk", _) => json!({ "cause": "lost" }),
        ("ResolutionAsk", _) => json!({ "outcome": "not_executed", "basis": "inspected" }),
        ("KeyAsk", _) => json!({ "name": "x", "scopes": ["audit"] }),
        ("RedemptionAsk", _) => json!({ "secret": "cht_x" }),
        ("AttestationAsk", _) => json!({ "challenge": "AA", "eat": "AA" }),
        ("AssignmentAsk", _) => json!({ "driver": stop.driver }),
        ("BindingAsk" | "PlateAsk", _) => json!({ "plate": "8ABC123" }),
        ("ApprovalAsk", _) => json!({ "presence": true }),
        ("PositionsAsk", _) => json!({ "fixes": [{
            "latitude": 37.336, "longitude": -121.888, "accuracy_m": 5.0,
            "fixed_at": "2026-11-21T04:00:00.000Z", "source": "gnss",
        }] }),
        ("TagAsk", _) => json!({ "code": "x" }),
        ("ProofAsk", _) => json!({ "code": "123456" }),
        ("ReleaseAsk", _) => json!({ "leg": 0 }),
        ("ExchangeAsk", _) => json!({
            "subject_token": "chv_x", "audience": stop.lock,
            "authorization_details": [{ "type": "urn:carhop:handoff:v1", "actions": ["grocery_handoff"] }],
        }),
        ("InvitationAsk", _) => json!({ "name": "x", "role": "auditor" }),
        ("RemovalAsk", _) => json!({ "cause": "left" }),
        ("ChallengeAsk", _) => json!({ "invitation": "cht_x" }),
        ("RegistrationAsk", _) => json!({
            "invitation": "cht_x", "authenticator_data": "AA", "client_data": "AA",
        }),
        ("SignInAsk", _) => json!({
            "credential": "AA", "user_handle": "AA", "authenticator_data": "AA",
            "client_data": "AA", "signature": "AA",
        }),
        ("CauseAsk", _) => json!({ "cause": "recall" }),
        ("PolicyAsk", _) => json!({ "files": [{ "name": "rungs.txt", "text": "" }] }),
        ("ClearanceAsk", _) => json!({ "of": "tamper", "cause": "looked" }),
        ("WithdrawalAsk", _) => json!({ "subject": "class:till", "cause": "leaked" }),
        ("TrialAsk", _) => json!({ "geojson": venue(), "service": "grocery_handoff" }),
        ("DisputeAsk", _) => json!({ "about": "missing" }),
        ("DisputeDecisionAsk", _) => json!({ "outcome": "upheld" }),
        ("TokenAsk", _) => json!({ "token": "chs_x" }),
        ("Nothing" | "RelocationAsk", _) => json!({}),
        _ => panic!("{} {}: say here what it takes", operation.method, operation.path),
    })
}

#[tokio::test]
async fn every_operation_turns_the_unauthenticated_away_and_tells_them_nothing() {
    let world = World::start().await;
    let stop = Stop::requested(&world).await;
    let ids = Ids::existing(&world, &stop).await;
    for operation in operations() {
        let Operation { method, path, .. } = &operation;
        let asked = body(&operation, &world, &stop);
        for by in [By::Nobody, By::Key("ch_live_wrong"), By::Token(&stop.handset_key, "chs_wrong")]
        {
            let answer = world.ask(by, method, &ids.fill(path), asked.clone()).await;
            assert_eq!(answer.status, 401, "{method} {path}: {:?}", answer.body);
            assert_eq!(answer.body["code"], "unauthenticated", "{method} {path}");
            assert!(answer.body.get("detail").is_none(), "{method} {path}");
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn no_operation_shows_or_changes_anything_of_another_tenant() {
    let world = World::start().await;
    let stop = Stop::requested(&world).await;
    let ids = Ids::existing(&world, &stop).await;
    let admin = By::Key(&world.admin);
    let before = world.ask(admin, "GET", &format!("/v1/sessions/{}", stop.session), None).await;
    let foreign = By::ForeignKey(&world.foreign_admin);
    for operation in operations() {
        let Operation { method, path, .. } = &operation;
        let asked = body(&operation, &world, &stop);
        // The other tenant's key under our account is no key at all.
        let by = By::Key(&world.foreign_admin);
        let answer = world.ask(by, method, &ids.fill(path), asked).await;
        assert_eq!(answer.status, 401, "{method} {path}: {:?}", answer.body);
    }
    // Whatever lists something lists nothing of ours; a stream has no end to wait for, and tells what a list does.
    let lists = operations().into_iter().filter(|operation| operation.method == "GET");
    let lists = lists.filter(|operation| !operation.path.contains('{'));
    let ours = [&stop.session, &stop.order, &stop.lock, &stop.handset];
    for Operation { path, .. } in lists.filter(|operation| operation.path != "/v1/events/stream") {
        let answer = world.ask(foreign, "GET", &path, None).await;
        let told = answer.body.to_string();
        assert!(!ours.iter().any(|id| told.contains(*id)), "{path}: {told}");
    }
    for list in ["/v1/sessions", "/v1/devices"] {
        let answer = world.ask(foreign, "GET", list, None).await.expect(200);
        assert_eq!(answer.body["data"], json!([]), "{list}");
    }
    let log = world.ask(foreign, "GET", "/v1/audit/log?limit=1000", None).await.expect(200);
    assert!(!log.body.to_string().contains(&stop.session));
    let after = world.ask(admin, "GET", &format!("/v1/sessions/{}", stop.session), None).await;
    assert_eq!(before.body, after.body);
    world.stop().await;
}

/// Whoever asks about what another tenant has is answered as if it were not there.
#[tokio::test]
async fn what_another_tenant_has_cannot_be_told_from_what_nobody_has() {
    let world = World::start().await;
    let stop = Stop::requested(&world).await;
    let (ours, nobodys) = (Ids::existing(&world, &stop).await, Ids::unknown());
    let foreign = By::ForeignKey(&world.foreign_admin);
    let (handset, key, chain) = world.enrol_by(foreign, By::ForeignNobody, "handset").await;
    let ask = json!({ "name": "Eve", "device": handset });
    world.ask(foreign, "POST", "/v1/drivers", Some(ask)).await.expect(201);
    let client = world.client_with(&key, &chain);
    for operation in operations().into_iter().filter(|operation| operation.path.contains('{')) {
        let Operation { method, path, .. } = &operation;
        // A venue's name is each tenant's own choice, and may be drawn and tried before it is stored.
        let chosen = [("PUT", "/v1/venues/{venue}"), ("POST", "/v1/venues/{venue}/trials")];
        if chosen.contains(&(method.as_str(), path.as_str())) {
            continue;
        }
        for by in [foreign, By::Certificate(&client)] {
            let asked = body(&operation, &world, &stop);
            let real = world.ask(by, method, &ours.fill(path), asked.clone()).await;
            let none = world.ask(by, method, &nobodys.fill(path), asked).await;
            assert!([403, 404].contains(&real.status), "{method} {path}: {:?}", real.body);
            assert_eq!(outside(real), outside(none), "{method} {path}");
        }
    }
    world.stop().await;
}

/// Bodies name things too.
#[tokio::test]
async fn no_body_tells_another_tenant_what_there_is() {
    let world = World::start().await;
    let stop = Stop::requested(&world).await;
    let foreign = By::ForeignKey(&world.foreign_admin);
    // A venue of the same name, so that their order is refused for our lock alone.
    world.ask(foreign, "PUT", "/v1/venues/lot-1", Some(venue())).await;
    let devices = [&stop.lock, &stop.handset];
    let mut bodies = 0;
    for operation in operations().into_iter().filter(|operation| !operation.path.contains('{')) {
        let Operation { method, path, .. } = &operation;
        let asked = match (path.as_str(), body(&operation, &world, &stop)) {
            ("/v1/revocations", Some(_)) => {
                json!({ "subject": format!("device:{}", stop.lock), "cause": "x" })
            }
            (_, Some(asked)) => asked,
            (_, None) => continue,
        };
        let nobodys = devices.iter().fold(asked.to_string(), |text, device| {
            text.replace(device.as_str(), &format!("dev_{NO_ID}"))
        });
        let nobodys = nobodys.replace(stop.driver.as_str(), &format!("drv_{NO_ID}"));
        let nobodys: Value = serde_json::from_str(&nobodys).unwrap();
        if nobodys == asked {
            continue;
        }
        let real = world.ask(foreign, method, path, Some(asked)).await;
        let none = world.ask(foreign, method, path, Some(nobodys)).await;
        assert!((400..500).contains(&real.status), "{method} {path}: {:?}", real.body);
        assert_eq!(outside(real), outside(none), "{method} {path}");
        bodies += 1;
    }
    assert!(bodies > 2, "{bodies} bodies");
    world.stop().await;
}

/// All of an answer that its asker sees, without what is different each time.
fn outside(mut answer: Answer) -> (u16, Vec<String>, Value) {
    answer.body.as_object_mut().unwrap().remove("trace_id");
    let new_each_time = ["date", "carhop-request-id", "dpop-nonce"];
    let headers = answer.headers.iter().filter(|(name, _)| !new_each_time.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| format!("{name}: {value:?}")).collect();
    (answer.status, headers, answer.body)
}

#[tokio::test]
async fn no_body_brings_an_operation_down() {
    let world = World::start().await;
    let stop = Stop::requested(&world).await;
    let ids = Ids::existing(&world, &stop).await;
    for operation in operations() {
        let Operation { method, path, .. } = &operation;
        let Some(good) = body(&operation, &world, &stop) else { continue };
        for hostile in hostile_bodies(&good) {
            let by = By::Key(&world.admin);
            let answer = world.ask_as(by, method, &ids.fill(path), Some(&hostile), &uuid()).await;
            let shown: String = hostile.chars().take(200).collect();
            // Any text may be asked about as a token, and then is none (RFC 7662 §2.2, RFC 7009 §2.2).
            if answer.status == 200 && operation.body.as_deref() == Some("TokenAsk") {
                assert_ne!(answer.body["active"], true, "{method} {path}: {shown}");
                continue;
            }
            let refused = (400..500).contains(&answer.status);
            assert!(refused, "{method} {path}: {} for {shown}", answer.status);
            assert_eq!(answer.headers["content-type"], "application/problem+json", "{shown}");
            assert!(answer.text("trace_id").starts_with("req_"), "{method} {path}");
        }
    }
    world.stop().await;
}

/// Bodies that mean nothing, and the good one with each member made into what it cannot be.
fn hostile_bodies(good: &Value) -> Vec<String> {
    let mut bodies: Vec<String> =
        ["", "{", "[]", "null", "\"x\"", "1e999", "{\"\\ud800\":1}", "\u{feff}{}"]
            .map(str::to_owned)
            .to_vec();
    bodies.push(format!("{{\"a\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000)));
    bodies.push(format!("{good} {good}"));
    let mut unknown = good.clone();
    unknown["is_admin"] = true.into();
    // A feature may carry members of its own (RFC 7946 §6.1).
    if good["type"] != "Feature" {
        bodies.push(unknown.to_string());
    }
    for (name, value) in good.as_object().unwrap() {
        let with = |value: &str| {
            let rest = good.as_object().unwrap().iter().filter(|(other, _)| *other != name);
            let rest = rest.map(|(name, value)| format!("\"{name}\":{value}"));
            let members: Vec<_> = [format!("\"{name}\":{value}")].into_iter().chain(rest).collect();
            format!("{{{}}}", members.join(","))
        };
        bodies.push(with(&format!("{value},\"{name}\":{value}")));
        let never = ["[[[[]]]]", "{\"a\":{}}", "-1e308", "\"\\u0000\"", "18446744073709551616"];
        bodies.extend(never.map(with));
    }
    bodies
}

#[tokio::test]
async fn no_path_brings_an_operation_down_or_leads_elsewhere() {
    let world = World::start().await;
    let long = "a".repeat(5_000);
    let tricks = [
        "%00",
        "%2e%2e",
        "%2e%2e%2fapi-keys",
        "..%2f..%2fetc%2fpasswd",
        "%ff%fe",
        "%0d%0aX:%20y",
        "hs_%30",
        "hs_0;admin=1",
        "*",
        "null",
        "-1",
        "%F0%9F%94%92",
        &long,
        "hs_FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
        "ord_00000000000070008000000000000000",
    ];
    for operation in operations().into_iter().filter(|operation| operation.path.contains('{')) {
        let Operation { method, path, .. } = &operation;
        let (before, rest) = path.split_once('{').unwrap();
        let (_, after) = rest.split_once('}').unwrap();
        let after = Ids::unknown().fill(after);
        for trick in tricks {
            let ask = (method != "GET").then(|| json!({}));
            let target = format!("{before}{trick}{after}");
            let answer = world.ask(By::Key(&world.admin), method, &target, ask).await;
            let refused = (400..500).contains(&answer.status);
            assert!(refused, "{method} {target:.99}: {}", answer.status);
        }
    }
    world.stop().await;
}

const NO_ID: &str = "00000000000070008000000000000000";
