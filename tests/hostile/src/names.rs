//! Ids, names, digests and codes as texts: each value has one text.

use std::fmt::Display;
use std::str::FromStr;

use carhop_kernel::device::DeviceClass;
use carhop_kernel::digest::{EvidenceHash, KeyThumbprint, hex_decode};
use carhop_kernel::geofence::Bay;
use carhop_kernel::id::{DeviceId, OrderId, SessionId, TenantId, VenueId};
use carhop_kernel::reason::Reason;

use crate::{Cost, Target};

/// The targets of this module.
pub const TARGETS: &[&Target] =
    &[&Target { name: "name", seeds: names, law: name, cost: Cost::SMALL }];

fn names() -> Vec<Vec<u8>> {
    let mut texts: Vec<String> = vec![
        SessionId::from_bytes([0x5a; 16]).to_string(),
        OrderId::from_bytes([0; 16]).to_string(),
        DeviceId::from_bytes([0xff; 16]).to_string(),
        EvidenceHash([0xab; 32]).to_string(),
        "mobilitynet:los-altos-library".to_owned(),
        "B-17".to_owned(),
    ];
    texts.extend(Reason::ALL.iter().map(ToString::to_string));
    texts.extend(DeviceClass::ALL.iter().map(ToString::to_string));
    texts.into_iter().map(String::into_bytes).collect()
}

fn name(input: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(input) else { return false };
    assert_eq!(hex_decode::<32>(text).map(KeyThumbprint), text.parse().ok());
    [
        reads_back::<SessionId>(text),
        reads_back::<OrderId>(text),
        reads_back::<DeviceId>(text),
        reads_back::<EvidenceHash>(text),
        reads_back::<TenantId>(text),
        reads_back::<VenueId>(text),
        reads_back::<Bay>(text),
        reads_back::<Reason>(text),
        reads_back::<DeviceClass>(text),
    ]
    .contains(&true)
}

fn reads_back<T: FromStr + Display>(text: &str) -> bool {
    let Ok(value) = text.parse::<T>() else { return false };
    assert_eq!(value.to_string(), text);
    true
}
