//! What options and arguments accept, and what is said to whoever gave something else.
//!
//! Whether what is named exists is the server's to say.

use carhop_app::records::TrustSubject;
use carhop_kernel::device::DeviceClass;
use carhop_kernel::digest::FirmwareDigest;

/// A class of devices.
pub(crate) fn class(text: &str) -> Result<DeviceClass, String> {
    text.parse().map_err(|_| format!("a class is one of {}", classes()))
}

/// What can be revoked.
pub(crate) fn subject(text: &str) -> Result<String, String> {
    let forms = || {
        format!(
            "give `device:dev_\u{2026}`, `class:` and one of {}, or `firmware:` and 64 hexadecimal digits",
            classes()
        )
    };
    text.parse::<TrustSubject>().map(|subject| subject.to_string()).map_err(|_| forms())
}

/// The digest of a firmware image.
pub(crate) fn firmware(text: &str) -> Result<String, String> {
    let read = text.parse::<FirmwareDigest>().map(|digest| digest.to_string());
    read.map_err(|_| {
        "give the SHA-256 of the image as 64 hexadecimal digits in small letters".to_owned()
    })
}

/// An origin that is reached over TLS.
pub(crate) fn origin(text: &str) -> Result<String, String> {
    with_scheme(text, "https")
        .ok_or_else(|| "give `https://host:port`; nothing else is spoken".to_owned())
}

/// The origin of the listener for devices.
pub(crate) fn gateway(text: &str) -> Result<String, String> {
    with_scheme(text, "wss")
        .ok_or_else(|| "give `wss://host:port`; nothing else is spoken".to_owned())
}

fn with_scheme(text: &str, scheme: &str) -> Option<String> {
    let rest = text.strip_prefix(scheme)?.strip_prefix("://")?.trim_end_matches('/');
    let is_host = !rest.is_empty() && !rest.contains(['/', '?', '#', '@', ' ']);
    is_host.then(|| format!("{scheme}://{rest}"))
}

fn classes() -> String {
    DeviceClass::ALL.map(|class| format!("`{}`", class.name())).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_accepted_is_answered_with_what_is() {
        let digest = "a1".repeat(32);
        for (found, accepted) in [
            (class("lock").map(drop), Ok(())),
            (class("door").map(drop), Err("`lock`, `pump`")),
            (subject("class:lock").map(drop), Ok(())),
            (subject(&format!("firmware:{digest}")).map(drop), Ok(())),
            (subject("lock").map(drop), Err("`class:` and one of `handset`")),
            (subject("device:7").map(drop), Err("`device:dev_")),
            (firmware(&digest).map(drop), Ok(())),
            (firmware("v1.2").map(drop), Err("64 hexadecimal digits")),
            (origin("https://localhost:8443/").map(drop), Ok(())),
            (origin("http://localhost:8443").map(drop), Err("`https://host:port`")),
            (origin("localhost:8443").map(drop), Err("`https://host:port`")),
            (origin("https://").map(drop), Err("`https://host:port`")),
            (gateway("wss://localhost:8444").map(drop), Ok(())),
            (gateway("https://localhost:8444").map(drop), Err("`wss://host:port`")),
        ] {
            match (found, accepted) {
                (Ok(()), Ok(())) => {}
                (Err(said), Err(part)) => assert!(said.contains(part), "{said}"),
                (found, accepted) => panic!("{found:?}, not {accepted:?}"),
            }
        }
    }
}
