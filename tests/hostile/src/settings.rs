//! What an operator writes: settings in TOML and a bundle of policies.

use carhop_policy::Bundle;
use carhop_server::config::Config;

use crate::{Cost, Target};

/// The targets of this module.
pub const TARGETS: &[&Target] = &[
    &Target { name: "settings", seeds: settings, law: setting, cost: Cost::TREE },
    &Target { name: "policies", seeds: policies, law: policy, cost: Cost::LARGE },
    &Target { name: "rungs", seeds: rungs, law: rung, cost: Cost::LARGE },
];

fn settings() -> Vec<Vec<u8>> {
    vec![EXAMPLE.as_bytes().to_vec(), Vec::new()]
}

/// Settings that are taken can be meant: every account is one, no limit is zero, and map tiles come from one origin that a
/// policy for pages cannot read as anything else.
fn setting(input: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(input) else { return false };
    let Ok(config) = Config::parse(text) else { return false };
    assert!(!config.partitions().unwrap().is_empty());
    assert!(config.limits.requests_per_second > 0 && config.limits.connections_max > 0);
    if let Some(map) = config.map {
        let is_plain = |symbol: u8| symbol.is_ascii_alphanumeric() || b"-.:/".contains(&symbol);
        assert!(map.origin().is_none_or(|origin| origin.bytes().all(is_plain)));
        assert!(["{z}", "{x}", "{y}"].iter().all(|place| map.tiles.contains(place)));
    }
    true
}

fn policies() -> Vec<Vec<u8>> {
    vec![GROCERY.as_bytes().to_vec()]
}

/// A bundle with any text as one of its policies is refused, or is another version than the shipped one
/// unless the text is the same.
fn policy(input: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(input) else { return false };
    let mut files = SHIPPED.to_vec();
    files.push(("grocery.cedar", text));
    let Ok(bundle) = Bundle::load(&files) else { return false };
    let shipped = Bundle::embedded().unwrap();
    let is_shipped = text == GROCERY;
    assert_eq!(bundle.version() == shipped.version(), is_shipped);
    true
}

fn rungs() -> Vec<Vec<u8>> {
    vec![SHIPPED[1].1.as_bytes().to_vec()]
}

/// The same for the table of rungs.
fn rung(input: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(input) else { return false };
    let mut files = SHIPPED.to_vec();
    files[1].1 = text;
    files.push(("grocery.cedar", GROCERY));
    let Ok(bundle) = Bundle::load(&files) else { return false };
    let shipped = Bundle::embedded().unwrap();
    assert_eq!(bundle.version() == shipped.version(), text == SHIPPED[1].1);
    true
}

const GROCERY: &str = include_str!("../../../policies/grocery.cedar");
const SHIPPED: [(&str, &str); 6] = [
    ("schema.cedarschema", include_str!("../../../policies/schema.cedarschema")),
    ("rungs.txt", include_str!("../../../policies/rungs.txt")),
    ("base.cedar", include_str!("../../../policies/base.cedar")),
    ("flow.cedar", include_str!("../../../policies/flow.cedar")),
    ("fuel.cedar", include_str!("../../../policies/fuel.cedar")),
    ("ladder.cedar", include_str!("../../../policies/ladder.cedar")),
];

const EXAMPLE: &str = r#"
data_dir = "carhop-data"
accounts = ["acme/austin", "local/local"]
public_address = "127.0.0.1:8443"
device_address = "[::1]:8444"
server_names = ["localhost", "127.0.0.1"]
origins = ["https://carhop.example"]
issuer = "carhop.example"
policies = "policies"
attestation_roots = ["attesters.crt"]
firmware = [{ class = "lock", digest = "0101010101010101010101010101010101010101010101010101010101010101" }]

[limits]
requests_per_second = 100
connections_max = 10000

[map]
tiles = "https://tiles.example:8443/{z}/{x}/{y}.png?key=a%20b"
attribution = "© the town"
"#;
