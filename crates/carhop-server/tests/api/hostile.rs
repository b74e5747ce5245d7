//! What attackers are known to send, by kind, and what each is answered (M-THR, M-TOK-5, M-GEO-1). Every table begins
//! with what is sound, so that none is refused for another reason than its own.
//!
//! Headers, paths and methods by hand stand in `raw`; the parsers themselves are held in `tests/hostile`.

use base64ct::{Base64UrlUnpadded, Encoding};
use carhop_proofs::suite::{AwsLc, Suite};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stop::{Stop, venue};
use crate::world::{Answer, By, World, read, text, uuid};

/// Who makes the signature of a forged proof, and over what.
#[derive(Clone, Copy)]
enum Signed {
    /// The key it names.
    ByItsKey,
    /// Nobody.
    Not,
    /// HMAC-SHA-256 under the public key, as a library would check that lets the header choose.
    ByThePublicKey,
    /// As long as RSA's.
    ByNoise,
}

/// What is put in place of what.
type Change<'a> = (&'a str, &'a str);
const NOTHING: Change<'static> = ("", "");

#[tokio::test]
async fn a_proof_of_possession_is_es256_over_one_meaning_or_none() {
    let (world, mut wrong) = (World::start().await, Vec::new());
    let stop = Stop::requested(&world).await;
    for (what, in_header, in_claims, signed, expected) in FORGERIES {
        let (in_header, in_claims, signed) = (*in_header, *in_claims, *signed);
        let proof = forged(&world, &stop, (in_header, in_claims), signed).await;
        let answer =
            show(&world, &format!("DPoP {}", stop.customer_token), Some(&proof), &stop).await;
        wrong.extend(differs(what, &answer, expected));
    }
    for length in [10_000, 40_000] {
        let padded = format!("{{\"pad\":\"{}\",", "x".repeat(length));
        let proof = forged(&world, &stop, (("{", &padded), NOTHING), Signed::ByItsKey).await;
        let answer =
            show(&world, &format!("DPoP {}", stop.customer_token), Some(&proof), &stop).await;
        wrong.extend(differs(&format!("{length} bytes"), &answer, UNAUTHENTICATED));
    }
    assert_eq!(wrong, [""; 0]);
    world.stop().await;
}

#[tokio::test]
async fn a_token_is_looked_up_and_never_read() {
    let (world, mut wrong) = (World::start().await, Vec::new());
    let stop = Stop::requested(&world).await;
    let (admin, customer) = (&world.admin, &stop.customer_token);
    let other = if admin.ends_with('0') { '1' } else { '0' };
    let part = |value: Value| text(value.to_string().as_bytes());
    let claims = part(json!({ "sub": "admin", "scope": "admin", "exp": 4_102_444_800_u64 }));
    let jwt = |algorithm: &str, signature: &str| {
        format!("{}.{claims}.{signature}", part(json!({ "alg": algorithm, "typ": "JWT" })))
    };
    for (what, header, expected) in [
        ("sound", format!("Bearer {admin}"), "200"),
        ("scheme in small letters", format!("bearer {admin}"), "200"),
        ("JWT, alg none", format!("Bearer {}", jwt("none", "")), UNAUTHENTICATED),
        ("JWT, HS256", format!("Bearer {}", jwt("HS256", &text(&[0; 32]))), UNAUTHENTICATED),
        ("JWT, RS256", format!("Bearer {}", jwt("RS256", &text(&[0; 256]))), UNAUTHENTICATED),
        ("JWT, ES256", format!("Bearer {}", jwt("ES256", &text(&[0; 64]))), UNAUTHENTICATED),
        ("JWT as bound token", format!("DPoP {}", jwt("none", "")), UNAUTHENTICATED),
        ("key as bound token", format!("DPoP {admin}"), UNAUTHENTICATED),
        ("bound token as key", format!("Bearer {customer}"), UNAUTHENTICATED),
        ("bound token without proof", format!("DPoP {customer}"), UNAUTHENTICATED),
        ("one letter off", format!("Bearer {}{other}", &admin[..admin.len() - 1]), UNAUTHENTICATED),
        ("in other letters", format!("Bearer {}", admin.to_uppercase()), UNAUTHENTICATED),
        ("two in one", format!("Bearer {admin}, Bearer {admin}"), UNAUTHENTICATED),
        ("with what follows", format!("Bearer {admin}\tx"), UNAUTHENTICATED),
        ("nothing", "Bearer".to_owned(), UNAUTHENTICATED),
        ("Basic", format!("Basic {}", text(admin.as_bytes())), UNAUTHENTICATED),
        ("60 kB", format!("Bearer {}", "A".repeat(60_000)), UNAUTHENTICATED),
    ] {
        let answer = show(&world, &header, None, &stop).await;
        wrong.extend(differs(what, &answer, expected));
    }
    assert_eq!(wrong, [""; 0]);
    world.stop().await;
}

#[tokio::test]
async fn a_coordinate_is_a_finite_number_on_the_globe() {
    let (world, mut wrong) = (World::start().await, Vec::new());
    let stop = Stop::assigned(&world).await;
    let zone = venue().to_string();
    let fix = json!({ "fixes": [{
        "latitude": 37.336, "longitude": -121.888, "accuracy_m": 5.0,
        "fixed_at": "2026-11-21T04:00:00.000Z", "source": "gnss",
    }] });
    let (fix, admin) = (fix.to_string(), By::Key(&world.admin));
    let driver = By::Certificate(&stop.handset_client);
    for (longitude, expected) in [
        ("-121.889", "200"),
        ("NaN", AS_A_WHOLE),
        ("Infinity", AS_A_WHOLE),
        ("-Infinity", AS_A_WHOLE),
        ("1e400", AS_A_WHOLE),
        ("-1e400", AS_A_WHOLE),
        ("0x79", AS_A_WHOLE),
        ("0121.889", AS_A_WHOLE),
        ("+121.889", AS_A_WHOLE),
        ("121.", AS_A_WHOLE),
        ("1e308", INVALID),
        ("180.0000001", INVALID),
        ("18446744073709551616", INVALID),
        ("\"-121.889\"", INVALID),
        ("\"NaN\"", INVALID),
        ("null", INVALID),
        ("[-121.889]", INVALID),
        ("{}", INVALID),
        ("true", INVALID),
    ] {
        let body = zone.replacen("-121.889,37.337", &format!("{longitude},37.337"), 1);
        let answer = world.ask_as(admin, "PUT", "/v1/venues/lot-1", Some(&body), &uuid()).await;
        wrong.extend(differs(&format!("zone at {longitude}"), &answer, expected));
        let body = fix.replacen("-121.888", longitude, 1);
        let answer =
            world.ask_as(driver, "POST", &stop.path("positions"), Some(&body), &uuid()).await;
        wrong.extend(differs(&format!("fix at {longitude}"), &answer, expected));
    }
    assert_eq!(wrong, [""; 0]);
    world.stop().await;
}

#[tokio::test]
async fn a_polygon_has_no_more_vertices_than_are_drawn_by_hand() {
    let (world, mut wrong) = (World::start().await, Vec::new());
    for (vertices, expected, why) in [
        (512, "200", ""),
        (513, INVALID, "vertices"),
        (10_000, INVALID, "vertices"),
        (100_000, TOO_LARGE, ""),
        (2, INVALID, ""),
        (0, INVALID, ""),
    ] {
        let body = circle(vertices).to_string();
        let by = By::Key(&world.admin);
        let answer = world.ask_as(by, "PUT", "/v1/venues/lot-1", Some(&body), &uuid()).await;
        wrong.extend(differs(&format!("{vertices} vertices"), &answer, expected));
        let detail = answer.body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(why), "{vertices} vertices: {detail}");
    }
    assert_eq!(wrong, [""; 0]);
    world.stop().await;
}

#[tokio::test]
async fn a_tag_that_could_be_guessed_is_refused() {
    let world = World::start().await;
    for (length, status) in [(0, 400), (1, 400), (9, 400), (10, 200), (64, 200), (65, 400)] {
        let mut venue = crate::stop::venue();
        venue["properties"]["tags"] = serde_json::json!(["x".repeat(length)]);
        let by = By::Key(&world.admin);
        let answer = world.ask(by, "PUT", "/v1/venues/lot-1", Some(venue)).await;
        assert_eq!(answer.status, status, "{length} bytes");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_body_is_one_shallow_object_of_bounded_size() {
    let (world, mut wrong) = (World::start().await, Vec::new());
    let nested = |depth: usize| {
        format!("{{\"name\":{}1{},\"scopes\":[]}}", "[".repeat(depth), "]".repeat(depth))
    };
    let objects = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    let padded =
        |length: usize| format!("{{\"name\":\"{}\",\"scopes\":[\"audit\"]}}", "x".repeat(length));
    let many = |count: usize| {
        let members: Vec<_> = (0..count).map(|number| format!("\"m{number}\":0")).collect();
        format!("{{{}}}", members.join(","))
    };
    for (what, body, expected) in [
        ("sound", padded(1), "201"),
        ("nested 17 deep", nested(17), AS_A_WHOLE),
        ("nested 10,000 deep", nested(10_000), AS_A_WHOLE),
        ("objects 10,000 deep", objects(10_000), AS_A_WHOLE),
        ("a megabyte deep", nested(500_000), TOO_LARGE),
        ("a megabyte of text", padded(1_000_000), TOO_LARGE),
        ("a thousand members", many(1_000), INVALID),
        (
            "a member twice",
            "{\"name\":\"a\",\"scopes\":[\"audit\"],\"name\":\"b\"}".to_owned(),
            AS_A_WHOLE,
        ),
        (
            "escaped twice",
            "{\"name\":\"a\",\"scopes\":[\"audit\"],\"n\\u0061me\":\"b\"}".to_owned(),
            AS_A_WHOLE,
        ),
        ("lone surrogate", "{\"name\":\"\\ud800\",\"scopes\":[\"audit\"]}".to_owned(), AS_A_WHOLE),
        (
            "prototype",
            "{\"__proto__\":{},\"name\":\"a\",\"scopes\":[\"audit\"]}".to_owned(),
            INVALID,
        ),
    ] {
        let by = By::Key(&world.admin);
        let answer = world.ask_as(by, "POST", "/v1/api-keys", Some(&body), &uuid()).await;
        wrong.extend(differs(what, &answer, expected));
    }
    assert_eq!(wrong, [""; 0]);
    world.stop().await;
}

#[tokio::test]
async fn an_attestation_is_the_one_form_of_its_cbor() {
    let (world, mut wrong) = (World::start().await, Vec::new());
    let stop = Stop::assigned(&world).await;
    let by = By::Certificate(&stop.handset_client);
    for (what, eat) in [
        ("nothing", &b""[..]),
        ("a key twice", b"\xd2\x84\x45\xa2\x01\x28\x01\x28\xa0\x41\xa0\x40"),
        ("HMAC", b"\xd2\x84\x43\xa1\x01\x05\xa0\x41\xa0\x40"),
        ("RS256", b"\xd2\x84\x45\xa1\x01\x39\x01\x00\xa0\x41\xa0\x40"),
        ("endless map", b"\xd2\x84\x43\xbf\x01\x28\xff\xa0\x41\xa0\x40"),
        ("endless text", b"\x5f\x41\x00\xff"),
        ("longer than there is", b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff"),
        ("deep", &[0x81; 10_000]),
    ] {
        let path = "/v1/attestations/challenges";
        let given = world.ask(by, "POST", path, Some(json!({}))).await.expect(201);
        let ask = json!({ "challenge": given.body["challenge"], "eat": text(eat) });
        let answer = world.ask(by, "POST", "/v1/attestations", Some(ask)).await;
        wrong.extend(differs(what, &answer, INVALID));
    }
    assert_eq!(wrong, [""; 0]);
    world.stop().await;
}

/// What is wrong with the answer to a row of a table, if anything is.
fn differs(what: &str, answer: &Answer, expected: &str) -> Option<String> {
    let found = said(answer);
    (found != expected)
        .then(|| format!("{what}: {found}, not {expected}: {}", answer.body["detail"]))
}

/// Status and code of an answer, with a mark where a body has no meaning at all.
fn said(answer: &Answer) -> String {
    if let Some(code) = answer.body["code"].as_str() {
        assert_eq!(answer.body["type"], format!("/problems/{code}"));
    }
    match (answer.status, answer.body["code"].as_str(), answer.body["param"].as_str()) {
        (status @ (200 | 201), None, _) => status.to_string(),
        (400, Some("invalid_request"), None) => AS_A_WHOLE.to_owned(),
        (status, code, _) => format!("{status} {}", code.unwrap_or_default()),
    }
}

/// Shows this credential to the list of sessions, or to the one session where it comes with a proof.
async fn show(world: &World, credential: &str, proof: Option<&str>, stop: &Stop) -> Answer {
    let path = if proof.is_some() { session_path(stop) } else { "/v1/sessions".to_owned() };
    let url = format!("{}{path}", world.base());
    let request = world.client().request(Method::GET, url).header("authorization", credential);
    let request = proof.into_iter().fold(request, |request, proof| request.header("dpop", proof));
    read(request.send().await.unwrap()).await
}

fn session_path(stop: &Stop) -> String {
    format!("/v1/sessions/{}", stop.session)
}

/// A fresh proof of the customer's key for the customer's session, changed and signed like this.
async fn forged(
    world: &World,
    stop: &Stop,
    changes: (Change<'_>, Change<'_>),
    signed: Signed,
) -> String {
    let url = format!("{}{}", world.base(), session_path(stop));
    let sound = world.proof(&stop.customer_key, "GET", &url, Some(&stop.customer_token)).await;
    let parts: Vec<String> = sound
        .split('.')
        .take(2)
        .map(|part| String::from_utf8(Base64UrlUnpadded::decode_vec(part).unwrap()).unwrap())
        .collect();
    let change = |text: &str, (from, to): Change<'_>| {
        assert!(text.contains(from), "{text} has no {from}");
        if from.is_empty() { text.to_owned() } else { text.replacen(from, to, 1) }
    };
    let (header, claims) = (change(&parts[0], changes.0), change(&parts[1], changes.1));
    let input = format!("{}.{}", text(header.as_bytes()), text(claims.as_bytes()));
    let signature = match signed {
        Signed::ByItsKey => AwsLc.sign(&stop.customer_key, input.as_bytes()).unwrap().to_vec(),
        Signed::Not => Vec::new(),
        Signed::ByThePublicKey => {
            let public = AwsLc.public_key(&stop.customer_key).unwrap();
            AwsLc.hmac_sha256(public.as_bytes(), &[input.as_bytes()]).to_vec()
        }
        Signed::ByNoise => vec![7; 256],
    };
    format!("{input}.{}", text(&signature))
}

/// A zone like a circle, its first vertex repeated at the end.
fn circle(vertices: u32) -> Value {
    let corners = vertices.saturating_sub(1).max(1);
    let corner = |number: u32| {
        let angle = f64::from(number % corners) * std::f64::consts::TAU / f64::from(corners);
        [-121.888 + angle.cos() / 100.0, 37.336 + angle.sin() / 100.0]
    };
    let mut zone = venue();
    zone["geometry"]["coordinates"] = json!([(0..vertices).map(corner).collect::<Vec<_>>()]);
    zone
}

const UNAUTHENTICATED: &str = "401 unauthenticated";
const INVALID: &str = "400 invalid_request";
/// Refused as a whole, before any member is looked at.
const AS_A_WHOLE: &str = "400 invalid_request as a whole";
const TOO_LARGE: &str = "413 payload_too_large";

/// What is changed in the header and in the claims of a sound proof, who signs it, and the answer.
const FORGERIES: &[(&str, Change<'_>, Change<'_>, Signed, &str)] = &[
    ("sound", NOTHING, NOTHING, Signed::ByItsKey, "200"),
    ("alg none", ("ES256", "none"), NOTHING, Signed::Not, UNAUTHENTICATED),
    ("alg None", ("ES256", "None"), NOTHING, Signed::Not, UNAUTHENTICATED),
    ("ES256 without a signature", NOTHING, NOTHING, Signed::Not, UNAUTHENTICATED),
    ("HS256", ("ES256", "HS256"), NOTHING, Signed::ByThePublicKey, UNAUTHENTICATED),
    ("ES256 by HMAC", NOTHING, NOTHING, Signed::ByThePublicKey, UNAUTHENTICATED),
    ("RS256", ("ES256", "RS256"), NOTHING, Signed::ByNoise, UNAUTHENTICATED),
    ("ES256K", ("ES256", "ES256K"), NOTHING, Signed::ByItsKey, UNAUTHENTICATED),
    ("secp256k1", ("P-256", "secp256k1"), NOTHING, Signed::ByItsKey, UNAUTHENTICATED),
    ("ES384", ("ES256", "ES384"), NOTHING, Signed::ByItsKey, UNAUTHENTICATED),
    ("EdDSA", ("ES256", "EdDSA"), NOTHING, Signed::ByItsKey, UNAUTHENTICATED),
    ("another type", ("dpop+jwt", "JWT"), NOTHING, Signed::ByItsKey, UNAUTHENTICATED),
    ("critical", ("{", "{\"crit\":[\"b64\"],"), NOTHING, Signed::ByItsKey, UNAUTHENTICATED),
    ("algorithm twice", ("{", "{\"alg\":\"none\","), NOTHING, Signed::ByItsKey, UNAUTHENTICATED),
    (
        "private key",
        ("\"jwk\":{", "\"jwk\":{\"d\":\"AA\","),
        NOTHING,
        Signed::ByItsKey,
        UNAUTHENTICATED,
    ),
    ("symmetric key", ("\"EC\"", "\"oct\""), NOTHING, Signed::ByItsKey, UNAUTHENTICATED),
    ("method twice", NOTHING, ("{", "{\"htm\":\"GET\","), Signed::ByItsKey, UNAUTHENTICATED),
    ("token twice", NOTHING, ("{", "{\"ath\":\"x\","), Signed::ByItsKey, UNAUTHENTICATED),
    ("method escaped", NOTHING, ("\"htm\"", "\"\\u0068tm\""), Signed::ByItsKey, "200"),
    (
        "escaped and plain",
        NOTHING,
        ("{", "{\"\\u0068tm\":\"GET\","),
        Signed::ByItsKey,
        UNAUTHENTICATED,
    ),
    (
        "time as text",
        NOTHING,
        ("\"iat\":", "\"iat\":1e400,\"was\":"),
        Signed::ByItsKey,
        UNAUTHENTICATED,
    ),
];
