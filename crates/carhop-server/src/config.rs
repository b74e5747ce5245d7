//! The operator's settings: one TOML file over embedded defaults. An unknown key refuses to start and is named with its
//! line.
//!
//! It reads no environment and opens nothing the settings name; that is the wiring's business.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use carhop_app::record::Partition;
use carhop_kernel::device::DeviceClass;
use carhop_kernel::digest::FirmwareDigest;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::basemap::{Basemap, Unusable};

/// Everything an operator can set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the journal and the keys lie.
    pub data_dir: PathBuf,
    /// Tenants and markets served, as `tenant/market`; the first one is meant where a caller names none.
    pub accounts: Vec<String>,
    /// Where people, stores and partners connect: HTTPS without client certificates.
    #[serde(deserialize_with = "address")]
    pub public_address: SocketAddr,
    /// Where devices connect: HTTPS with a client certificate.
    #[serde(deserialize_with = "address")]
    pub device_address: SocketAddr,
    /// DNS names and IP addresses the server certificate is good for.
    pub server_names: Vec<String>,
    /// Origins under which clients reach the server, such as `https://carhop.example`; made from the names and ports
    /// if empty.
    pub origins: Vec<String>,
    /// Issuer written into scannable codes, at most 24 bytes.
    pub issuer: String,
    /// A folder with policies for accounts that have not activated any; the shipped ones if there is none.
    pub policies: Option<PathBuf>,
    /// Certificates (DER) of the roots that may vouch for a device's integrity.
    pub attestation_roots: Vec<PathBuf>,
    /// Firmware that may run: `class` and SHA-256 `digest`.
    pub firmware: Vec<Firmware>,
    /// Map tiles for the staff's map; a town that does not exist if there are none.
    pub map: Option<Basemap>,
    /// How much is let in.
    pub limits: Limits,
    /// What only a demo has; nothing in a file can set it.
    #[serde(skip)]
    pub demo: Option<Window>,
}

/// A demo's pages as somebody sees them on the machine that it runs on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Where they are served without TLS: browsers trust their own machine, and they would not trust the demo's
    /// certificate.
    pub address: SocketAddr,
    /// Degrees north and east where a driver's page says that it stands, wherever the visitor is.
    pub stands_at: [f64; 2],
}

/// Firmware that may run on devices of a class (M-DEV-2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Firmware {
    /// On which class of device.
    pub class: DeviceClass,
    /// SHA-256 of it, as 64 hexadecimal digits.
    pub digest: FirmwareDigest,
}

/// How much is let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests per second of one network, that is of one IPv4 address or one IPv6 /64, whatever they show.
    pub network_requests_per_second: u32,
    /// Requests per second of one known caller to one route.
    pub requests_per_second: u32,
    /// Connections at the same time, per listener.
    pub connections_max: u32,
    /// Connections of one network at the same time, per listener.
    pub network_connections_max: u32,
    /// Requests that are worked on at the same time, besides those that freeze or end something.
    pub requests_at_once: u32,
    /// Releases that are worked on at the same time.
    pub releases_at_once: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: "carhop-data".into(),
            accounts: vec!["local/local".into()],
            public_address: SocketAddr::from(([127, 0, 0, 1], 8443)),
            device_address: SocketAddr::from(([127, 0, 0, 1], 8444)),
            server_names: vec!["localhost".into(), "127.0.0.1".into()],
            origins: Vec::new(),
            issuer: "carhop".into(),
            policies: None,
            attestation_roots: Vec::new(),
            firmware: Vec::new(),
            map: None,
            limits: Limits::default(),
            demo: None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            network_requests_per_second: 1_000,
            requests_per_second: 100,
            connections_max: 10_000,
            network_connections_max: 1_000,
            requests_at_once: 1_024,
            releases_at_once: 128,
        }
    }
}

/// Why settings were refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot be read")]
    Unreadable(#[from] std::io::Error),
    /// Not TOML, an unknown key, or a value of the wrong kind; names line and key.
    #[error(transparent)]
    Malformed(#[from] toml::de::Error),
    /// A value that cannot be meant.
    #[error("`{key}`: {why}")]
    Invalid {
        /// Which setting.
        key: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

impl Config {
    /// Settings from a file. Whoever asks knows which one.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(&std::fs::read_to_string(path)?)
    }

    /// Settings from TOML text.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text)?;
        config.check()?;
        Ok(config)
    }

    /// Whether all values can be meant.
    pub fn check(&self) -> Result<(), ConfigError> {
        let invalid = |key, why: &str| Err(ConfigError::Invalid { key, why: why.to_owned() });
        if self.partitions()?.is_empty() {
            return invalid("accounts", "at least one is needed");
        }
        if self.server_names.is_empty() {
            return invalid("server_names", "at least one is needed");
        }
        if self.issuer.is_empty() || self.issuer.len() > ISSUER_LENGTH_MAX {
            return invalid("issuer", "one to 24 bytes");
        }
        if self.issuer.chars().any(|symbol| symbol.is_whitespace() || symbol == '+') {
            return invalid("issuer", "it names the logs, so no spaces and no `+`");
        }
        if self
            .origins
            .iter()
            .any(|origin| !origin.starts_with("https://") || origin.ends_with('/'))
        {
            return invalid("origins", "each starts with `https://` and has no path");
        }
        if self.device_address == self.public_address && self.public_address.port() != 0 {
            return invalid("device_address", "the same as `public_address`");
        }
        if let Some(Err(Unusable(key, why))) = self.map.as_ref().map(Basemap::check) {
            return invalid(key, why);
        }
        self.limits.check()
    }

    /// The tenants and markets served.
    pub fn partitions(&self) -> Result<Vec<Partition>, ConfigError> {
        let parsed = |text: &String| {
            parse_account(text).ok_or_else(|| ConfigError::Invalid {
                key: "accounts",
                why: format!("`{text}` is not a `tenant/market`"),
            })
        };
        self.accounts.iter().map(parsed).collect()
    }
}

/// Where to listen. Names are not looked up, so that it is certain which network is meant.
fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let wrong = |_| D::Error::custom("not an IP address with a port, such as `127.0.0.1:8443`");
    String::deserialize(deserializer)?.parse().map_err(wrong)
}

impl Limits {
    /// Only releases may be turned away altogether; a server without any of the others would be none.
    fn check(&self) -> Result<(), ConfigError> {
        let Self {
            network_requests_per_second,
            requests_per_second,
            connections_max,
            network_connections_max,
            requests_at_once,
            releases_at_once: _,
        } = *self;
        for (key, value) in [
            ("limits.network_requests_per_second", network_requests_per_second),
            ("limits.requests_per_second", requests_per_second),
            ("limits.connections_max", connections_max),
            ("limits.network_connections_max", network_connections_max),
            ("limits.requests_at_once", requests_at_once),
        ] {
            if value == 0 {
                return Err(ConfigError::Invalid { key, why: "at least 1".to_owned() });
            }
        }
        Ok(())
    }
}

/// A `tenant/market`.
pub(crate) fn parse_account(text: &str) -> Option<Partition> {
    let (tenant, market) = text.split_once('/')?;
    Some(Partition { tenant: tenant.parse().ok()?, market: market.parse().ok()? })
}

/// The reference of all settings, as Markdown.
pub fn markdown() -> String {
    let defaults = toml::Table::try_from(Config::default()).unwrap_or_default();
    let mut text = String::from(
        "# Settings\n\nOne TOML file, given with `--config`; a key that is not listed here refuses to start.\n\n\
         | Key | Default | Meaning |\n|---|---|---|\n",
    );
    for (key, meaning) in MEANINGS {
        let (outer, inner) = key.split_once('.').map_or((*key, None), |(a, b)| (a, Some(b)));
        let value = defaults.get(outer);
        let value = inner.map_or(value, |inner| value.and_then(|table| table.get(inner)));
        let default = value.map_or_else(|| "none".to_owned(), |value| format!("`{value}`"));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| `{key}` | {default} | {meaning} |");
    }
    text
}

/// What each setting means, for the generated reference; a test keeps it complete.
pub(crate) const MEANINGS: &[(&str, &str)] = &[
    (
        "accounts",
        "Tenants and markets served, as `tenant/market`. The first one is meant where a caller names none.",
    ),
    (
        "attestation_roots",
        "Files with the certificates (DER) of the roots that may vouch for a device's integrity.",
    ),
    ("data_dir", "Where the journal and the keys lie."),
    ("device_address", "Where devices connect: HTTPS with a client certificate."),
    (
        "firmware",
        "Firmware that may run: a list of `{ class, digest }`, the digest as 64 hexadecimal digits.",
    ),
    ("issuer", "Issuer written into scannable codes, at most 24 bytes."),
    ("limits.connections_max", "Connections at the same time, per listener."),
    (
        "limits.network_connections_max",
        "Connections of one network at the same time, per listener.",
    ),
    (
        "limits.network_requests_per_second",
        "Requests per second of one network, that is of one IPv4 address or one IPv6 /64, whatever they show. \
         Raise it where many stores share one address.",
    ),
    (
        "limits.releases_at_once",
        "Releases that are worked on at the same time; more are turned away with 503. With 0 all are.",
    ),
    (
        "limits.requests_at_once",
        "Requests that are worked on at the same time, besides those that freeze or end something, which always get in.",
    ),
    ("limits.requests_per_second", "Requests per second of one known caller to one route."),
    (
        "map.attribution",
        "Whom to name beside the map, as one line of text: whoever makes the tiles asks for it.",
    ),
    (
        "map.tiles",
        "Address of the tiles that the console's map lies on, with `{z}`, `{x}` and `{y}` in it: `https://…`, or a path of \
         this server's own origin. Without it the map shows a town that does not exist, and asks nobody.",
    ),
    (
        "origins",
        "Origins under which clients reach the server; made from the names and ports if empty.",
    ),
    (
        "policies",
        "A folder with policies for accounts that have not activated any; the shipped ones if there is none.",
    ),
    (
        "public_address",
        "Where people, stores and partners connect: HTTPS without client certificates.",
    ),
    ("server_names", "DNS names and IP addresses the server certificate is good for."),
];

/// Longest issuer of a scannable code, in bytes (standards §1).
const ISSUER_LENGTH_MAX: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_refused_with_its_name_and_line() {
        for text in ["a = 1", "data_dir = \"x\"\n[limits]\nburst = 3", "[[firmware]]\nklass = 1"] {
            let error = Config::parse(text).unwrap_err().to_string();
            let line = format!("line {}", text.lines().count());
            assert!(error.contains("unknown field") && error.contains(&line), "{error}");
        }
    }

    #[test]
    fn values_that_cannot_be_meant_are_refused_by_name() {
        for (text, key) in [
            ("accounts = []", "accounts"),
            ("accounts = [\"Acme\"]", "accounts"),
            ("server_names = []", "server_names"),
            ("origins = [\"http://a\"]", "origins"),
            ("origins = [\"https://a/\"]", "origins"),
            ("issuer = \"\"", "issuer"),
            ("device_address = \"127.0.0.1:8443\"", "device_address"),
            ("public_address = \"localhost:8443\"", "127.0.0.1:8443"),
            ("[limits]\nconnections_max = 0", "limits.connections_max"),
            ("[map]\ntiles = \"http://a/{z}/{x}/{y}\"\nattribution = \"a\"", "map.tiles"),
            ("[map]\ntiles = \"/{z}/{x}/{y}\"\nattribution = \"\"", "map.attribution"),
            ("[map]\ntiles = \"/{z}/{x}/{y}\"", "attribution"),
        ] {
            let error = Config::parse(text).unwrap_err().to_string();
            assert!(error.contains(&format!("`{key}`")), "{text}: {error}");
        }
        assert_eq!(Config::parse("").unwrap(), Config::default());
    }

    #[test]
    fn every_setting_is_explained() {
        let defaults = toml::Table::try_from(Config::default()).unwrap();
        let mut keys = ["map.attribution", "map.tiles", "policies"].map(str::to_owned).to_vec();
        for (key, value) in defaults {
            if let toml::Value::Table(table) = value {
                keys.extend(table.keys().map(|inner| format!("{key}.{inner}")));
            } else {
                keys.push(key);
            }
        }
        keys.sort();
        let explained: Vec<_> = MEANINGS.iter().map(|(key, _)| (*key).to_owned()).collect();
        assert_eq!(keys, explained);
    }
}
