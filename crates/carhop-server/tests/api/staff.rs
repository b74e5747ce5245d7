//! Staff register a passkey, sign in with it and are removed; and everything that must not let anybody in (M-IDN-1, M-THR,
//! `design.md` §5). The authenticator is software, its signatures are real.

use carhop_proofs::suite::SigningKey;
use carhop_server::keys::fresh_key;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::authenticator::{Authenticator, PRESENT, VERIFIED, bytes};
use crate::stop::{Stop, venue};
use crate::world::{Answer, By, World, text};

/// Somebody with a browser and an authenticator.
struct Person {
    member: String,
    invitation: String,
    authenticator: Authenticator,
    key: SigningKey,
    token: String,
}

impl Person {
    async fn invited(world: &World, role: &str) -> Self {
        let ask = json!({ "name": "Ada", "role": role });
        let made = world.ask(By::Key(&world.admin), "POST", "/v1/staff", Some(ask)).await;
        let made = made.expect(201);
        let invitation = made.body["invitation"]["secret"].as_str().unwrap().to_owned();
        let url = format!("{}/console#invitation={invitation}", world.base());
        assert_eq!(made.body["invitation"]["url"], *url);
        Self {
            member: made.text("member"),
            invitation,
            authenticator: Authenticator::new(&world.base()),
            key: fresh_key(),
            token: String::new(),
        }
    }

    async fn registered(world: &World, role: &str) -> Self {
        let mut person = Self::invited(world, role).await;
        let made = person.register(world).await.expect(201);
        assert_eq!((made.text("role"), made.text("token_type")), (role.into(), "DPoP".into()));
        person.token = made.text("token");
        person
    }

    fn by(&self) -> By<'_> {
        By::Token(&self.key, &self.token)
    }

    async fn creation(&self, world: &World) -> Value {
        let ask = Some(json!({ "invitation": self.invitation }));
        world.ask(By::Proof(&self.key), "POST", REGISTRATION_CHALLENGES, ask).await.expect(201).body
    }

    async fn register(&mut self, world: &World) -> Answer {
        let options = self.creation(world).await;
        let ask = self.made(&options);
        world.ask(By::Proof(&self.key), "POST", REGISTRATIONS, Some(ask)).await
    }

    fn made(&mut self, options: &Value) -> Value {
        let mut ask = self.authenticator.make(options);
        ask["invitation"] = self.invitation.clone().into();
        ask
    }

    async fn request(&self, world: &World) -> Value {
        let by = By::Proof(&self.key);
        world.ask(by, "POST", SIGN_IN_CHALLENGES, Some(json!({}))).await.expect(201).body
    }

    async fn sign_in(&mut self, world: &World) -> Answer {
        let options = self.request(world).await;
        let ask = self.authenticator.sign(&options);
        world.ask(By::Proof(&self.key), "POST", SIGN_INS, Some(ask)).await
    }
}

const REGISTRATION_CHALLENGES: &str = "/v1/staff/registrations/challenges";
const REGISTRATIONS: &str = "/v1/staff/registrations";
const SIGN_IN_CHALLENGES: &str = "/v1/staff/sign-ins/challenges";
const SIGN_INS: &str = "/v1/staff/sign-ins";
const ME: &str = "/v1/staff/me";

/// Refused like anybody who is not known, and told nothing.
fn unknown(answer: &Answer, why: &str) {
    assert_eq!((answer.status, &answer.body["code"]), (401, &"unauthenticated".into()), "{why}");
    assert!(answer.body.get("detail").is_none(), "{why}");
}

async fn events(world: &World) -> Vec<Value> {
    let page = world.ask(By::Key(&world.admin), "GET", "/v1/events?limit=100", None).await;
    page.expect(200).body["data"].as_array().unwrap().clone()
}

/// The types of the events about staff, when they have their positions.
async fn staff_events(world: &World, wanted: usize) -> Vec<String> {
    loop {
        let told = events(world).await.into_iter();
        let kinds = told.map(|event| event["type"].as_str().unwrap().to_owned());
        let staff: Vec<_> =
            kinds.filter_map(|kind| Some(kind.strip_prefix("carhop.staff.")?.to_owned())).collect();
        if staff.len() >= wanted {
            return staff;
        }
        tokio::task::yield_now().await;
    }
}

/// What makes an authenticator another than it should be.
type Spoil = fn(&mut Authenticator);

#[tokio::test]
async fn a_passkey_is_made_once_and_signs_in_without_a_name() {
    let world = World::start().await;
    let mut person = Person::invited(&world, "dispatcher").await;
    let options = person.creation(&world).await;
    assert_eq!(options["rp"], json!({ "id": "localhost", "name": "Carhop" }));
    let selection = &options["authenticatorSelection"];
    assert_eq!(
        (&selection["residentKey"], &selection["userVerification"]),
        (&"required".into(), &"required".into())
    );
    let made = person.register(&world).await.expect(201);
    person.token = made.text("token");
    let me = world.ask(person.by(), "GET", ME, None).await.expect(200);
    assert_eq!((me.text("member"), me.text("role")), (person.member.clone(), "dispatcher".into()));
    assert_eq!(me.body["scopes"], json!(["staff", "fleet", "venues"]));
    unknown(&person.register_again(&world).await, "a used invitation");

    // Another browser of theirs, and a name nowhere.
    person.key = fresh_key();
    person.authenticator.counter = 1;
    let options = person.request(&world).await;
    assert_eq!((&options["allowCredentials"], &options["rpId"]), (&json!([]), &"localhost".into()));
    let signed = person.sign_in(&world).await.expect(201);
    let earlier = std::mem::replace(&mut person.token, signed.text("token"));
    world.ask(person.by(), "GET", "/v1/sessions", None).await.expect(200);
    let log = world.ask(By::Key(&world.admin), "GET", "/v1/audit/log?limit=1000", None).await;
    let log = log.expect(200).body.to_string();
    for secret in ["Ada", &earlier, &person.token, &person.invitation] {
        assert!(!log.contains(secret), "the log tells {secret}");
    }
    let told = staff_events(&world, 4).await;
    assert_eq!(told, ["invited.v1", "registered.v1", "signed_in.v1", "signed_in.v1"]);
    world.stop().await;
}

impl Person {
    /// With an invitation that was used before.
    async fn register_again(&self, world: &World) -> Answer {
        let ask = Some(json!({ "invitation": self.invitation }));
        world.ask(By::Proof(&fresh_key()), "POST", REGISTRATION_CHALLENGES, ask).await
    }
}

#[tokio::test]
async fn a_sign_in_that_is_not_whole_lets_nobody_in() {
    let world = World::start().await;
    let mut person = Person::registered(&world, "administrator").await;
    let good = person.authenticator.clone();
    let spoil: [(&str, Spoil); 7] = [
        ("another origin", |it| it.origin = "https://localhost:1".to_owned()),
        ("a look-alike", |it| it.origin.push_str(".evil.example")),
        ("another relying party", |it| it.relying_party = "evil.example".to_owned()),
        ("nobody verified", |it| it.flags = PRESENT),
        ("nobody there", |it| it.flags = VERIFIED),
        ("another key", |it| it.key = fresh_key()),
        ("another credential", |it| it.credential = vec![7; 16]),
    ];
    for (why, spoil) in spoil {
        spoil(&mut person.authenticator);
        unknown(&person.sign_in(&world).await, why);
        person.authenticator = good.clone();
    }
    person.authenticator.user_handle = text(&[0; 16]);
    unknown(&person.sign_in(&world).await, "another's handle");
    person.authenticator = good.clone();
    let options = person.request(&world).await;
    let ask = person.authenticator.sign(&options);
    for member in ["authenticator_data", "client_data", "signature"] {
        let mut spoilt = ask.clone();
        let mut said = bytes(&ask[member]);
        let last = said.len() - 1;
        said[last] ^= 1;
        spoilt[member] = text(&said).into();
        let answer = world.ask(By::Proof(&person.key), "POST", SIGN_INS, Some(spoilt)).await;
        unknown(&answer, member);
    }
    person.authenticator = good;
    person.sign_in(&world).await.expect(201);
    world.stop().await;
}

#[tokio::test]
async fn a_registration_that_is_not_whole_makes_nobody_staff() {
    let world = World::start().await;
    let mut person = Person::invited(&world, "administrator").await;
    let good = person.authenticator.clone();
    let spoil: [(&str, Spoil); 4] = [
        ("another origin", |it| it.origin = "https://localhost:1".to_owned()),
        ("another relying party", |it| it.relying_party = "evil.example".to_owned()),
        ("nobody verified", |it| it.flags = PRESENT),
        ("nobody there", |it| it.flags = VERIFIED),
    ];
    for (why, spoil) in spoil {
        spoil(&mut person.authenticator);
        unknown(&person.register(&world).await, why);
        person.authenticator = good.clone();
    }
    let options = person.request(&world).await;
    let ask = person.made(&options);
    let answer = world.ask(By::Proof(&person.key), "POST", REGISTRATIONS, Some(ask)).await;
    unknown(&answer, "a challenge for signing in");
    let other = Person::invited(&world, "support").await;
    let options = person.creation(&world).await;
    let mut ask = person.made(&options);
    ask["invitation"] = other.invitation.clone().into();
    let answer = world.ask(By::Proof(&person.key), "POST", REGISTRATIONS, Some(ask)).await;
    unknown(&answer, "a challenge for another invitation");
    // None of it has used the invitation up.
    person.register(&world).await.expect(201);
    let mut second = other;
    second.authenticator.credential = person.authenticator.credential.clone();
    unknown(&second.register(&world).await, "the name of another's credential");
    world.stop().await;
}

#[tokio::test]
async fn a_challenge_is_answered_once_in_time_and_by_the_browser_it_was_given_to() {
    let world = World::start().await;
    let mut person = Person::registered(&world, "support").await;
    let options = person.request(&world).await;
    let ask = person.authenticator.sign(&options);
    let thief = fresh_key();
    let stolen = world.ask(By::Proof(&thief), "POST", SIGN_INS, Some(ask.clone())).await;
    unknown(&stolen, "another browser");
    let by = By::Proof(&person.key);
    world.ask(by, "POST", SIGN_INS, Some(ask.clone())).await.expect(201);
    unknown(&world.ask(by, "POST", SIGN_INS, Some(ask)).await, "a second time");
    let foreign = world.ask(by, "POST", SIGN_IN_CHALLENGES, Some(json!({}))).await.expect(201);
    let mut made_up = bytes(&foreign.body["challenge"]);
    made_up[0] ^= 1;
    let ask = person.authenticator.sign(&json!({ "challenge": text(&made_up) }));
    unknown(&world.ask(by, "POST", SIGN_INS, Some(ask)).await, "one that was made up");
    let options = person.request(&world).await;
    let ask = person.authenticator.sign(&options);
    world.clock.skip_ms(5 * 60 * 1000);
    let by = By::Proof(&person.key);
    unknown(&world.ask(by, "POST", SIGN_INS, Some(ask)).await, "too late");
    world.stop().await;
}

#[tokio::test]
async fn a_copied_passkey_is_found_by_its_counter_and_shuts_both_out() {
    let world = World::start().await;
    let mut person = Person::registered(&world, "dispatcher").await;
    person.authenticator.counter = 5;
    person.token = person.sign_in(&world).await.expect(201).text("token");
    let mut copy = person.authenticator.clone();
    std::mem::swap(&mut copy, &mut person.authenticator);
    unknown(&person.sign_in(&world).await, "the copy");
    unknown(&world.ask(person.by(), "GET", ME, None).await, "what the first was given");
    person.authenticator.counter = 6;
    unknown(&person.sign_in(&world).await, "the first");
    let listed = world.ask(By::Key(&world.admin), "GET", "/v1/staff", None).await.expect(200);
    assert_eq!(listed.body["data"][0]["state"], "suspended");
    assert!(staff_events(&world, 5).await.contains(&"suspended.v1".to_owned()));
    world.stop().await;
}

#[tokio::test]
async fn who_is_removed_is_out_at_once_and_stays_out() {
    let world = World::start().await;
    let (mut person, mut late) =
        (Person::registered(&world, "dispatcher").await, Person::invited(&world, "support").await);
    let options = late.creation(&world).await;
    world.ask(person.by(), "GET", "/v1/sessions", None).await.expect(200);
    // Somebody looks at a stream meanwhile.
    let url = format!("{}/v1/events/stream", world.base());
    let proof = world.proof(&person.key, "GET", &url, Some(&person.token)).await;
    let request = world.client().get(&url).header("dpop", proof);
    let request = request.header("authorization", format!("DPoP {}", person.token));
    let mut stream = request.send().await.unwrap().bytes_stream();
    assert!(stream.next().await.unwrap().is_ok());
    for member in [&person.member, &late.member] {
        let path = format!("/v1/staff/{member}/removals");
        let ask = json!({ "cause": "left" });
        let removed = world.ask(By::Key(&world.admin), "POST", &path, Some(ask)).await.expect(200);
        assert_eq!(removed.text("state"), "removed");
    }
    unknown(&world.ask(person.by(), "GET", "/v1/sessions", None).await, "a token");
    unknown(&person.sign_in(&world).await, "a passkey");
    let ask = late.made(&options);
    let answer = world.ask(By::Proof(&late.key), "POST", REGISTRATIONS, Some(ask)).await;
    unknown(&answer, "an invitation");
    // It ends by itself: nothing else would end this test.
    while stream.next().await.is_some_and(|part| part.is_ok()) {}
    let world = world.restart().await;
    person.authenticator.origin = world.base();
    unknown(&person.sign_in(&world).await, "after a restart");
    world.stop().await;
}

#[tokio::test]
async fn a_sign_in_ends_with_the_day_with_a_sign_out_and_with_its_theft() {
    let world = World::start().await;
    let mut person = Person::registered(&world, "support").await;
    let out = world.ask(person.by(), "POST", "/v1/staff/sign-outs", Some(json!({}))).await;
    assert_eq!(out.expect(200).text("member"), person.member);
    unknown(&world.ask(person.by(), "GET", ME, None).await, "signed out");
    person.token = person.sign_in(&world).await.expect(201).text("token");
    let thief = fresh_key();
    unknown(&world.ask(By::Token(&thief, &person.token), "GET", ME, None).await, "a thief");
    unknown(&world.ask(person.by(), "GET", ME, None).await, "what was stolen");
    let told = staff_events(&world, 6).await;
    assert_eq!(told.iter().filter(|kind| *kind == "signed_out.v1").count(), 2, "{told:?}");
    person.token = person.sign_in(&world).await.expect(201).text("token");
    world.ask(By::Key(&person.token), "GET", ME, None).await.expect(401);
    world.ask(person.by(), "GET", ME, None).await.expect(200);
    world.clock.skip_ms(8 * 60 * 60 * 1000);
    unknown(&world.ask(person.by(), "GET", ME, None).await, "the next day");
    world.stop().await;
}

#[tokio::test]
async fn another_tenants_staff_is_nobody_here() {
    let world = World::start().await;
    let mut person = Person::registered(&world, "administrator").await;
    let foreign = By::ForeignToken(&person.key, &person.token);
    for (method, path) in [("GET", ME), ("GET", "/v1/sessions"), ("GET", "/v1/staff")] {
        unknown(&world.ask(foreign, method, path, None).await, path);
    }
    let options = person.request(&world).await;
    let ask = person.authenticator.sign(&options);
    let by = By::ForeignProof(&person.key);
    unknown(&world.ask(by, "POST", SIGN_INS, Some(ask)).await, "a passkey");
    let ask = Some(json!({ "invitation": Person::invited(&world, "support").await.invitation }));
    unknown(&world.ask(by, "POST", REGISTRATION_CHALLENGES, ask).await, "an invitation");
    let listed = world.ask(By::ForeignKey(&world.foreign_admin), "GET", "/v1/staff", None).await;
    assert_eq!(listed.expect(200).body["data"], json!([]));
    let ask = json!({ "name": "Bo", "role": "support" });
    let made =
        world.ask(By::ForeignKey(&world.foreign_admin), "POST", "/v1/staff", Some(ask)).await;
    let url = made.expect(201).body["invitation"]["url"].as_str().unwrap().to_owned();
    assert!(url.ends_with("&account=other/oslo"), "{url}");
    world.stop().await;
}

/// What each role reaches: the rows are operations, the columns `dispatcher`, `support`, `auditor`, `administrator`.
#[tokio::test]
async fn a_role_reaches_as_far_as_its_scopes_and_no_further() {
    let world = World::start().await;
    let stop = Stop::assigned(&world).await;
    let mut people = Vec::new();
    for role in ["dispatcher", "support", "auditor", "administrator"] {
        people.push(Person::registered(&world, role).await);
    }
    let session = format!("/v1/sessions/{}", stop.session);
    let nothing = Some(json!({}));
    let ticket = Some(json!({ "class": "lock", "name": "x" }));
    let cause = Some(json!({ "cause": "x" }));
    let order = Some(crate::stop::order(&world, &stop.lock));
    let staff = Some(json!({ "name": "x", "role": "support" }));
    let key = Some(json!({ "name": "x", "scopes": ["audit"] }));
    for (method, path, ask, reached) in [
        ("GET", "/v1/sessions", None, [200; 4]),
        ("GET", &session, None, [200; 4]),
        ("GET", &format!("{session}/history"), None, [200; 4]),
        ("GET", &format!("{session}/decisions"), None, [200; 4]),
        ("GET", &format!("{session}/receipts"), None, [200; 4]),
        ("GET", "/v1/events", None, [200; 4]),
        ("GET", "/v1/audit/log", None, [200; 4]),
        ("GET", "/v1/audit/root", None, [200; 4]),
        ("GET", "/v1/devices", None, [200; 4]),
        ("GET", "/v1/revocations", None, [200; 4]),
        ("GET", "/v1/venues", None, [200; 4]),
        ("GET", "/v1/policy", None, [200; 4]),
        ("GET", "/v1/account", None, [200; 4]),
        ("GET", &format!("/v1/drivers/{}", stop.driver), None, [200; 4]),
        ("POST", &format!("{session}/links"), nothing.clone(), [201, 201, 403, 201]),
        ("POST", "/v1/account/holds", cause.clone(), [200, 200, 403, 200]),
        ("POST", "/v1/account/resumptions", cause, [200, 200, 403, 200]),
        ("POST", "/v1/devices/tickets", ticket, [201, 403, 403, 201]),
        ("PUT", "/v1/venues/lot-1", Some(venue()), [200, 403, 403, 200]),
        ("POST", "/v1/staff", staff, [403, 403, 403, 201]),
        ("GET", "/v1/staff", None, [403, 403, 403, 200]),
        ("POST", "/v1/api-keys", key, [403, 403, 403, 201]),
        ("POST", "/v1/orders", order, [403; 4]),
        ("GET", "/v1/driver/stops", None, [403; 4]),
        ("POST", &format!("{session}/recipient"), nothing.clone(), [403; 4]),
        ("POST", &format!("{session}/vehicle-tokens"), nothing, [403; 4]),
    ] {
        for (person, status) in people.iter().zip(reached) {
            let answer = world.ask(person.by(), method, path, ask.clone()).await;
            assert_eq!(answer.status, status, "{method} {path}: {:?}", answer.body);
        }
    }
    for (person, status) in people.iter().zip([200, 200, 403, 200]) {
        for path in [format!("{session}/holds"), format!("{session}/resumptions")] {
            world.ask(person.by(), "POST", &path, Some(json!({}))).await.expect(status);
        }
    }
    who_held_is_told(&world, &[&people[0], &people[1], &people[3]]).await;
    world.stop().await;
}

/// The log says of each hold who it was.
async fn who_held_is_told(world: &World, people: &[&Person]) {
    let held = loop {
        let log = world.ask(By::Key(&world.admin), "GET", "/v1/audit/log?limit=1000", None).await;
        let entries = log.expect(200).body["entries"].as_array().unwrap().clone().into_iter();
        let stored = entries.map(|entry| String::from_utf8(bytes(&entry["stored"])).unwrap());
        let held: Vec<_> = stored.filter(|stored| stored.contains("session_held")).collect();
        if held.len() == people.len() {
            break held;
        }
        tokio::task::yield_now().await;
    };
    for (stored, person) in held.iter().zip(people) {
        let by = format!("\"by\":{{\"member\":\"{}\"}}", person.member);
        assert!(stored.contains(&by), "{stored}: {by}");
    }
}
