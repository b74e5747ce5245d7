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
    let many = (0..201)
        .map(|n| format!("@id(\"p{n}\") permit (principal, action, resource);"))
        .collect::<Vec<_>>()
        .join("\n");
    assert!(with("more.cedar", &many).err().unwrap().contains("policies"));
}

#[test]
fn another_schema_than_the_shipped_one_is_not_even_read() {
    let schema = shipped("schema.cedarschema");
    let endless = format!("type Endless = {}Long;", "Set<".repeat(3_000));
    for text in ["", &schema.replacen("token?: {", "token: {", 1), &format!("{schema}//"), &endless]
    {
        let error = with("schema.cedarschema", text).err().unwrap();
        assert!(error.contains("is not the shipped one"), "{error}");
    }
}

/// Each of these overflowed the stack of whoever read it.
#[test]
fn a_policy_without_end_is_refused_before_it_is_read() {
    let rows = [
        (format!("{}false{}", "(".repeat(150), ")".repeat(150)), "nests deeper"),
        (format!("{}1{} == 1", "[".repeat(2_000), "]".repeat(2_000)), "nests deeper"),
        (format!("{} false", "if true then true else ".repeat(150)), "nests deeper"),
        (format!("{} false", "true || ".repeat(3_000)), "operators"),
        (format!("{} false", "true && ".repeat(401)), "operators"),
        (format!("context{} == 1", ".a".repeat(3_000)), "operators"),
    ];
    for (condition, why) in rows {
        let policy = format!(
            "@id(\"x\") @reason(\"manual_hold\")\n\
             forbid (principal, action in Action::\"release\", resource) when {{ {condition} }};"
        );
        let error = with("more.cedar", &policy).err().unwrap();
        assert!(error.contains(why), "{error}");
    }
}

/// What the scan lets through is read, checked and evaluated on a thread like those that serve.
#[test]
fn the_longest_and_deepest_policy_that_passes_decides() {
    let held = "context.tenant_hold";
    let rows = [
        format!("{}{held}{}", "(".repeat(31), ")".repeat(31)),
        format!("{}{held}", format!("if {held} then {held} else ").repeat(31)),
        format!("{}{held}", format!("{held} || ").repeat(41)),
        format!("{}{held}", format!("{held} && ").repeat(41)),
        format!("{}{}{held}{}", "(".repeat(31), format!("{held} || ").repeat(41), ")".repeat(31)),
    ];
    for condition in rows {
        let policy = format!(
            "@id(\"x\") @reason(\"manual_hold\")\n\
             forbid (principal, action in Action::\"release\", resource) when {{ {condition} }};"
        );
        let bundle = with("more.cedar", &policy).unwrap_or_else(|why| panic!("{condition}: {why}"));
        let mut facts = sample::well(PolicyAction::ReleaseCompartment);
        assert_eq!(reasons(&bundle, &facts), [], "{condition}");
        facts.tenant_hold = true;
        assert_eq!(reasons(&bundle, &facts), [Reason::ManualHold], "{condition}");
        let explained = explain(&bundle, &facts);
        let own = explained.policies.iter().find(|policy| policy.id == "x").unwrap();
        assert_eq!(own.outcome, PolicyOutcome::Determining, "{condition}");
    }
}

#[test]
fn nothing_stands_in_the_way_of_what_stops_something() {
    let departures =
        |name: &str, text: &str| with(name, text)?.departures().map_err(|error| error.to_string());
    let own = |rule: &str| format!("@id(\"own.rule\") {rule}");
    let stopping = "the policy `own.rule` applies to a hold";
    let rows = [
        "@reason(\"manual_hold\") forbid (principal, action, resource);",
        "@reason(\"manual_hold\") forbid (principal, action == Action::\"hold\", resource);",
        "@reason(\"manual_hold\") forbid (principal, action in [Action::\"revoke\"], resource);",
        "@reason(\"manual_hold\") forbid (principal, action == Action::\"relocate\", resource);",
        "@reason(\"manual_hold\") forbid (principal, action == Action::\"resolve_outcome\", resource);",
        // One that fails would deny as well.
        "permit (principal, action, resource);",
    ];
    for rule in rows {
        let error = departures("own.cedar", &own(rule)).unwrap_err();
        assert!(error.contains(stopping), "{rule}: {error}");
    }
    let narrower =
        "@reason(\"manual_hold\") forbid (principal, action == Action::\"resume\", resource);";
    assert_eq!(departures("own.cedar", &own(narrower)), Ok(Vec::new()));
    let flow = shipped("flow.cedar");
    let reworded = flow.replacen(
        "Actor::\"driver\", Actor::\"staff\", Actor::\"system\"",
        "Actor::\"staff\"",
        1,
    );
    assert_ne!(reworded, flow);
    let error = departures("flow.cedar", &reworded).unwrap_err();
    assert!(error.contains("the policy `hold.actor` applies to a hold"), "{error}");
    let unpermitted = flow.replacen("      Action::\"hold\",\n", "", 1);
    assert_ne!(unpermitted, flow);
    assert!(departures("flow.cedar", &unpermitted).is_err());
    let error = without("flow.cedar").unwrap().departures().unwrap_err().to_string();
    assert!(error.contains("no policy permits `hold`"), "{error}");
}

#[test]
fn one_byte_makes_another_version_and_the_order_of_files_does_not() {
    let version = super::shipped().version();
    for (name, text) in EMBEDDED.iter().filter(|(name, _)| *name != "schema.cedarschema") {
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
    let rungs = format!("# Ours.\n{}", shipped("rungs.txt"));
    assert_eq!(with("rungs.txt", &rungs).unwrap().departures().unwrap(), ["rungs.txt"]);
}
