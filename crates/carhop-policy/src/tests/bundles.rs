//! What a bundle is refused for, what names it, and what happens when its policies fail or say nothing.

use carhop_kernel::reason::Reason;
use carhop_kernel::verdict::PolicyAction;

use super::reasons;
use crate::bundle::EMBEDDED;
use crate::{Bundle, PolicyEffect, PolicyOutcome, explain, sample};

/// The shipped bundle with one file replaced or added.
fn with(name: &str, text: &str) -> Result<Bundle, String> {
    let mut files: Vec<_> = EMBEDDED.iter().copied().filter(|(file, _)| *file != name).collect();
    files.push((name, text));
    Bundle::load(&files).map_err(|error| error.to_string())
}

fn without(name: &str) -> Result<Bundle, String> {
    let files: Vec<_> = EMBEDDED.iter().copied().filter(|(file, _)| *file != name).collect();
    Bundle::load(&files).map_err(|error| error.to_string())
}

fn shipped(name: &str) -> &'static str {
    EMBEDDED.iter().find(|(file, _)| *file == name).unwrap().1
}

#[test]
fn a_careless_policy_is_refused() {
    let rows = [
        ("forbid (principal, action, resource)", "has no `@id`"),
        ("@id(\"Loud\") @reason(\"manual_hold\") forbid (principal, action, resource);", "@id"),
        ("@id(\"flow.permitted\") permit (principal, action, resource);", "has no `@id`"),
        ("@id(\"x\") forbid (principal, action, resource);", "@reason"),
        ("@id(\"x\") @reason(\"bad_mood\") forbid (principal, action, resource);", "@reason"),
        ("@id(\"x\") @reason(\"policy_error\") forbid (principal, action, resource);", "@reason"),
        ("@id(\"x\") @reason(\"manual_hold\") permit (principal, action, resource);", "@reason"),
        (
            "@id(\"x\") @resaon(\"manual_hold\") permit (principal, action, resource);",
            "unknown annotation `@resaon`",
        ),
        ("@id(\"x\") permit (principal == ?principal, action, resource);", "template"),
        (
            "@id(\"x\") permit (principal == Actor::\"drivr\", action, resource);",
            "do not fit the schema",
        ),
        (
            "@id(\"x\") permit (principal, action == Action::\"open_all\", resource);",
            "do not fit the schema",
        ),
        (
            "@id(\"x\") permit (principal, action, resource) when { context.mood == 1 };",
            "do not fit the schema",
        ),
        (
            "@id(\"x\") permit (principal, action, resource) when { context.token.age_ms > 1 };",
            "do not fit the schema",
        ),
        ("@id(\"x\") permit (principal, action, resource) when { true", "does not parse"),
    ];
    for (policy, expected) in rows {
        let text = if policy.ends_with("resource)") { format!("{policy};") } else { policy.into() };
        let error = with("more.cedar", &text).err().unwrap_or_default();
        assert!(error.contains(expected), "{policy}\n{error}");
    }
}

#[test]
fn a_bundle_has_its_files_and_no_others() {
    assert_eq!(without("schema.cedarschema").err().unwrap(), "`schema.cedarschema` is missing");
    assert_eq!(without("rungs.txt").err().unwrap(), "`rungs.txt` is missing");
    for name in ["readme.md", ".cedar", "../base.cedar", "Base.cedar", ""] {
        let error = with(name, "").err().unwrap_or_default();
        assert_eq!(error, format!("`{name}` is not a file of a bundle, or is there twice"));
    }
    let mut twice = EMBEDDED.to_vec();
    twice.push(EMBEDDED[2]);
    assert!(Bundle::load(&twice).is_err());
    let long = " ".repeat(1 << 20);
    assert!(with("more.cedar", &long).err().unwrap().contains("bytes"));
    let many = (0..1_001)
        .map(|n| format!("@id(\"p{n}\") permit (principal, action, resource);"))
        .collect::<Vec<_>>()
        .join("\n");
    assert!(with("more.cedar", &many).err().unwrap().contains("policies"));
}

#[test]
fn a_schema_that_does_not_describe_the_facts_is_refused() {
    let schema = shipped("schema.cedarschema");
    let rows = [
        ("  tenant_hold: Bool,\n", ""),
        ("  tenant_hold: Bool,\n", "  tenant_hold: Bool,\n  mood: Long,\n"),
        ("token?: {", "token: {"),
        ("\"plate_read\", \"tag\"", "\"tag\""),
        ("\"driver\", \"store\"", "\"store\""),
        ("hold, resume, revoke", "resume, revoke"),
    ];
    for (from, to) in rows {
        let text = schema.replacen(from, to, 1);
        assert_ne!(text, schema, "{from}");
        assert!(with("schema.cedarschema", &text).is_err(), "{from} -> {to}");
    }
}

#[test]
fn one_byte_makes_another_version_and_the_order_of_files_does_not() {
    let version = super::shipped().version();
    for (name, text) in EMBEDDED {
        let comment = if *name == "rungs.txt" { "#" } else { "//" };
        let changed = with(name, &format!("{text}{comment}")).unwrap();
        assert_ne!(changed.version(), version, "{name}");
    }
    let reversed: Vec<_> = EMBEDDED.iter().rev().copied().collect();
    assert_eq!(Bundle::load(&reversed).unwrap().version(), version);
    assert_ne!(with("more.cedar", "").unwrap().version(), version);
}

/// Cedar skips a policy that fails; here that denies, even where everything else permits.
#[test]
fn a_policy_that_fails_denies() {
    let overflow = "context has token && context.token.age_ms * 9223372036854775807 > 0";
    for effect in ["permit", "@reason(\"token_too_old\") forbid"] {
        let text =
            format!("@id(\"fails\") {effect} (principal, action, resource) when {{ {overflow} }};");
        let bundle = with("more.cedar", &text).unwrap();
        let mut facts = sample::well(PolicyAction::ReleaseCompartment);
        assert_eq!(reasons(&bundle, &facts), [Reason::PolicyError], "{effect}");
        facts.vehicle.moving = true;
        assert_eq!(reasons(&bundle, &facts), [Reason::VehicleMoving, Reason::PolicyError]);
        let explained = explain(&bundle, &facts);
        let failed = explained.policies.iter().find(|policy| policy.id == "fails").unwrap();
        assert_eq!(failed.outcome, PolicyOutcome::Failed);
    }
}

#[test]
fn what_no_policy_permits_is_denied_with_a_reason_of_its_own() {
    let bundle = without("fuel.cedar").unwrap();
    let fuel = sample::well(PolicyAction::DispenseFuel);
    assert_eq!(reasons(&bundle, &fuel), [Reason::PolicyDefaultDeny]);
    let empty = Bundle::load(&EMBEDDED[..2]).unwrap();
    for action in PolicyAction::ALL {
        assert_eq!(reasons(&empty, &sample::well(*action)), [Reason::PolicyDefaultDeny]);
    }
}

#[test]
fn an_explanation_names_the_policies_that_decided() {
    let bundle = super::shipped();
    let mut facts = sample::well(PolicyAction::ReleaseCompartment);
    let decisive = |facts: &crate::Facts| {
        let explained = explain(&bundle, facts);
        let policies = explained.policies.into_iter();
        let decisive = policies.filter(|policy| policy.outcome == PolicyOutcome::Determining);
        decisive.map(|policy| (policy.id, policy.effect)).collect::<Vec<_>>()
    };
    assert_eq!(decisive(&facts), [("grocery.permitted".to_owned(), PolicyEffect::Permit)]);
    facts.hold = Some(carhop_kernel::session::HoldCause::Staff);
    facts.intent_approved = false;
    assert_eq!(
        decisive(&facts),
        [
            ("intent.approved".to_owned(), PolicyEffect::Forbid),
            ("release.not_held".to_owned(), PolicyEffect::Forbid)
        ]
    );
    let ids: Vec<_> = explain(&bundle, &facts).policies.into_iter().map(|p| p.id).collect();
    assert!(ids.iter().all(|id| !id.starts_with("fuel.")), "only policies of the action are asked");
}

#[test]
fn facts_read_back_as_they_were_stored_and_nothing_else_is_read() {
    for action in PolicyAction::ALL {
        let facts = sample::well(*action);
        let stored = serde_json::to_string(&facts).unwrap();
        assert_eq!(serde_json::from_str::<crate::Facts>(&stored).unwrap(), facts);
        let more = stored.replacen('{', "{\"mood\":1,", 1);
        assert!(serde_json::from_str::<crate::Facts>(&more).is_err());
    }
}

#[test]
fn policies_may_depart_from_what_shipped_only_by_name_and_never_where_it_protects_lock_and_pump() {
    assert_eq!(super::shipped().departures().unwrap(), Vec::<String>::new());
    let departures = |name: &str, from: &str, to: &str| {
        let text = shipped(name).replacen(from, to, 1);
        assert_ne!(text, shipped(name), "{from}");
        with(name, &text)?.departures().map_err(|error| error.to_string())
    };
    let found = |ids: &[&str]| Ok(ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
    let protected = |id: &str| {
        Err(format!("the requirement `{id}` protects lock and pump and stays as it was shipped"))
    };
    let rows = [
        // Comments, layout and permits are no requirements; more requirements only narrow.
        ("base.cedar", "// Holds.", "// What is held.\n", found(&[])),
        ("base.cedar", "when { context has hold ||", "when {\n  context has hold ||", found(&[])),
        (
            "fuel.cedar",
            "permit (principal, action",
            "permit (principal == Actor::\"driver\", action",
            found(&[]),
        ),
        ("grocery.cedar", "> 45000", "> 60000", found(&["grocery.token_young"])),
        ("grocery.cedar", "grocery.age_proven", "own.age_proven", found(&["grocery.age_proven"])),
        (
            "ladder.cedar",
            "\"rung_too_low\"",
            "\"vehicle_not_matched\"",
            found(&["ladder.known_vehicle"]),
        ),
        ("base.cedar", "context has hold || ", "", protected("release.not_held")),
        (
            "base.cedar",
            "@id(\"vehicle.at_rest\")",
            "@id(\"vehicle.rests\")",
            protected("vehicle.at_rest"),
        ),
        ("base.cedar", "\"window_closed\"", "\"window_not_open\"", protected("window.not_over")),
        ("fuel.cedar", "> 30000", "> 30001", protected("fuel.token_young")),
    ];
    for (name, from, to, expected) in rows {
        assert_eq!(departures(name, from, to), expected, "{name}: {from} -> {to}");
    }
    assert_eq!(without("ladder.cedar").unwrap().departures().unwrap().len(), 7);
    for name in ["base.cedar", "fuel.cedar"] {
        assert!(without(name).unwrap().departures().is_err(), "{name}");
    }
    let schema = departures("schema.cedarschema", "\n", "\n// Ours.\n").unwrap_err();
    assert!(schema.contains("not the shipped one"), "{schema}");
}
