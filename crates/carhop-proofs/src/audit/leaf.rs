//! One leaf of the log: deterministic CBOR, written once when the event gets its position and never
//! again.

use alloc::string::String;
use alloc::vec::Vec;

use carhop_kernel::digest::{Commitment, EvidenceHash, KeyThumbprint, PolicyVersion, SecretHash};
use carhop_kernel::id::{MarketId, TenantId};
use carhop_kernel::time::Timestamp;

use crate::cbor::{CborError, Reader, Writer};

/// Why a leaf cannot be written or is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// Not the deterministic encoding of a leaf, or longer than [`LEAF_LENGTH_MAX`].
    #[error("the bytes are not an audit leaf")]
    Malformed(#[from] CborError),
    /// A version that this code does not know.
    #[error("the audit leaf has an unknown version")]
    Version,
    /// A text that is empty or longer than [`TEXT_LENGTH_MAX`], or no name where one must be.
    #[error("a text of the audit leaf is empty, too long or no name")]
    Text,
    /// More than [`REASONS_MAX`] reasons.
    #[error("the audit leaf has too many reasons")]
    Reasons,
}

/// What the log says about one event. Everything else that is known of it lies in the stored event,
/// to which `body_hash` commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// When it was recorded.
    pub time: Timestamp,
    /// The operator whose log this is.
    pub tenant: TenantId,
    /// The market whose log this is.
    pub market: MarketId,
    /// Its place in the log, counted from zero.
    pub position: u64,
    /// The stream it happened in.
    pub stream: String,
    /// Its place in that stream.
    pub sequence: u64,
    /// The stable name of what happened.
    pub event: String,
    /// SHA-256 of the stored event.
    pub body_hash: [u8; 32],
    /// Who did it, by pseudonym.
    pub actor: String,
    /// Fingerprint of the acting device's certificate or key.
    pub device: Option<KeyThumbprint>,
    /// The random handle of the order concerned.
    pub order: Option<[u8; 16]>,
    /// The state the session was in and the one it came to.
    pub states: Option<(String, String)>,
    /// What the fence said.
    pub fence: Option<String>,
    /// The stored hash of the token that was used.
    pub token: Option<SecretHash>,
    /// The outside proof that was judged.
    pub evidence: Option<EvidenceHash>,
    /// The policies in force.
    pub policy: Option<PolicyVersion>,
    /// The outcome, if something was decided.
    pub decision: Option<String>,
    /// Why, as stable codes in order of precedence.
    pub reasons: Vec<String>,
    /// Commits to the personal values of the event.
    pub commitment: Option<Commitment>,
}

impl Leaf {
    /// The bytes whose hash enters the tree.
    pub fn encode(&self) -> Result<Vec<u8>, LeafError> {
        self.check()?;
        let mut leaf = Writer::new();
        leaf.map(REQUIRED_ENTRIES + self.optional_entries());
        leaf.int(KEY_VERSION).uint(VERSION).int(KEY_TIME).uint(self.time.unix_ms());
        leaf.int(KEY_TENANT).text(self.tenant.as_str());
        leaf.int(KEY_MARKET).text(self.market.as_str());
        leaf.int(KEY_POSITION).uint(self.position);
        leaf.int(KEY_STREAM).text(&self.stream).int(KEY_SEQUENCE).uint(self.sequence);
        leaf.int(KEY_EVENT).text(&self.event).int(KEY_BODY_HASH).bytes(&self.body_hash);
        leaf.int(KEY_ACTOR).text(&self.actor).int(KEY_REASONS).array(self.reasons.len());
        for reason in &self.reasons {
            leaf.text(reason);
        }
        write_bytes(&mut leaf, KEY_DEVICE, self.device.as_ref().map(|device| &device.0[..]));
        write_bytes(&mut leaf, KEY_ORDER, self.order.as_ref().map(|order| &order[..]));
        if let Some((from, to)) = &self.states {
            leaf.int(KEY_STATES).array(2).text(from).text(to);
        }
        write_text(&mut leaf, KEY_FENCE, self.fence.as_deref());
        write_bytes(&mut leaf, KEY_TOKEN, self.token.as_ref().map(|token| &token.0[..]));
        write_bytes(&mut leaf, KEY_EVIDENCE, self.evidence.as_ref().map(|hash| &hash.0[..]));
        write_bytes(&mut leaf, KEY_POLICY, self.policy.as_ref().map(|policy| &policy.0[..]));
        write_text(&mut leaf, KEY_DECISION, self.decision.as_deref());
        write_bytes(&mut leaf, KEY_COMMITMENT, self.commitment.as_ref().map(|made| &made.0[..]));
        let bytes = leaf.finish();
        if bytes.len() > LEAF_LENGTH_MAX {
            return Err(CborError::TooLong.into());
        }
        Ok(bytes)
    }

    /// Reads a leaf back; nothing but the exact bytes of an encoded one passes.
    pub fn decode(bytes: &[u8]) -> Result<Self, LeafError> {
        let mut leaf = Reader::new(bytes, LEAF_LENGTH_MAX)?;
        leaf.map()?;
        leaf.key(KEY_VERSION)?;
        if leaf.uint()? != VERSION {
            return Err(LeafError::Version);
        }
        let read = Self {
            time: Timestamp::from_unix_ms(required(&mut leaf, KEY_TIME, Reader::uint)?),
            tenant: name(required(&mut leaf, KEY_TENANT, Reader::text)?)?,
            market: name(required(&mut leaf, KEY_MARKET, Reader::text)?)?,
            position: required(&mut leaf, KEY_POSITION, Reader::uint)?,
            stream: required(&mut leaf, KEY_STREAM, text)?,
            sequence: required(&mut leaf, KEY_SEQUENCE, Reader::uint)?,
            event: required(&mut leaf, KEY_EVENT, text)?,
            body_hash: required(&mut leaf, KEY_BODY_HASH, Reader::fixed)?,
            actor: required(&mut leaf, KEY_ACTOR, text)?,
            reasons: required(&mut leaf, KEY_REASONS, reasons)?,
            device: optional(&mut leaf, KEY_DEVICE, Reader::fixed)?.map(KeyThumbprint),
            order: optional(&mut leaf, KEY_ORDER, Reader::fixed)?,
            states: optional(&mut leaf, KEY_STATES, states)?,
            fence: optional(&mut leaf, KEY_FENCE, text)?,
            token: optional(&mut leaf, KEY_TOKEN, Reader::fixed)?.map(SecretHash),
            evidence: optional(&mut leaf, KEY_EVIDENCE, Reader::fixed)?.map(EvidenceHash),
            policy: optional(&mut leaf, KEY_POLICY, Reader::fixed)?.map(PolicyVersion),
            decision: optional(&mut leaf, KEY_DECISION, text)?,
            commitment: optional(&mut leaf, KEY_COMMITMENT, Reader::fixed)?.map(Commitment),
        };
        leaf.finish()?;
        read.check()?;
        Ok(read)
    }

    fn optional_entries(&self) -> usize {
        let present = [
            self.device.is_some(),
            self.order.is_some(),
            self.states.is_some(),
            self.fence.is_some(),
            self.token.is_some(),
            self.evidence.is_some(),
            self.policy.is_some(),
            self.decision.is_some(),
            self.commitment.is_some(),
        ];
        present.into_iter().filter(|&present| present).count()
    }

    fn check(&self) -> Result<(), LeafError> {
        if self.reasons.len() > REASONS_MAX {
            return Err(LeafError::Reasons);
        }
        let states = self.states.iter().flat_map(|(from, to)| [from, to]);
        let mut texts = [&self.stream, &self.event, &self.actor]
            .into_iter()
            .chain(&self.fence)
            .chain(&self.decision)
            .chain(&self.reasons)
            .chain(states);
        if texts.all(|text| (1..=TEXT_LENGTH_MAX).contains(&text.len())) {
            Ok(())
        } else {
            Err(LeafError::Text)
        }
    }
}

/// Longest leaf in bytes: entry bundles of the tiles give its length in 16 bits (standards §7).
pub const LEAF_LENGTH_MAX: usize = 65_535;
/// Longest text in a leaf, in bytes.
pub const TEXT_LENGTH_MAX: usize = 128;
/// Most reasons in a leaf.
pub const REASONS_MAX: usize = 64;

fn write_bytes(leaf: &mut Writer, key: i64, value: Option<&[u8]>) {
    if let Some(value) = value {
        leaf.int(key).bytes(value);
    }
}

fn write_text(leaf: &mut Writer, key: i64, value: Option<&str>) {
    if let Some(value) = value {
        leaf.int(key).text(value);
    }
}

fn required<'a, T>(
    leaf: &mut Reader<'a>,
    key: i64,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, CborError>,
) -> Result<T, CborError> {
    leaf.key(key)?;
    read(leaf)
}

fn optional<'a, T>(
    leaf: &mut Reader<'a>,
    key: i64,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, CborError>,
) -> Result<Option<T>, CborError> {
    if leaf.optional_key(key) { read(leaf).map(Some) } else { Ok(None) }
}

fn text(leaf: &mut Reader<'_>) -> Result<String, CborError> {
    leaf.text().map(String::from)
}

fn name<T: core::str::FromStr>(text: &str) -> Result<T, LeafError> {
    text.parse().map_err(|_| LeafError::Text)
}

fn states(leaf: &mut Reader<'_>) -> Result<(String, String), CborError> {
    leaf.array_of(2)?;
    Ok((text(leaf)?, text(leaf)?))
}

fn reasons(leaf: &mut Reader<'_>) -> Result<Vec<String>, CborError> {
    (0..leaf.array()?).map(|_| text(leaf)).collect()
}

const VERSION: u64 = 1;
const REQUIRED_ENTRIES: usize = 11;
const KEY_VERSION: i64 = 0;
const KEY_TIME: i64 = 1;
const KEY_TENANT: i64 = 2;
const KEY_MARKET: i64 = 3;
const KEY_POSITION: i64 = 4;
const KEY_STREAM: i64 = 5;
const KEY_SEQUENCE: i64 = 6;
const KEY_EVENT: i64 = 7;
const KEY_BODY_HASH: i64 = 8;
const KEY_ACTOR: i64 = 9;
const KEY_REASONS: i64 = 10;
const KEY_DEVICE: i64 = 11;
const KEY_ORDER: i64 = 12;
const KEY_STATES: i64 = 13;
const KEY_FENCE: i64 = 14;
const KEY_TOKEN: i64 = 15;
const KEY_EVIDENCE: i64 = 16;
const KEY_POLICY: i64 = 17;
const KEY_DECISION: i64 = 18;
const KEY_COMMITMENT: i64 = 19;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use carhop_kernel::digest::write_hex;
    use proptest::prelude::*;

    use super::*;

    fn smallest() -> Leaf {
        Leaf {
            time: Timestamp::from_unix_ms(1_800_000_000_123),
            tenant: "acme".parse().unwrap(),
            market: "austin".parse().unwrap(),
            position: 7,
            stream: "hs_1".into(),
            sequence: 3,
            event: "lock.opened".into(),
            body_hash: [0xab; 32],
            actor: "dev_1".into(),
            device: None,
            order: None,
            states: None,
            fence: None,
            token: None,
            evidence: None,
            policy: None,
            decision: None,
            reasons: Vec::new(),
            commitment: None,
        }
    }

    fn fullest() -> Leaf {
        Leaf {
            device: Some(KeyThumbprint([1; 32])),
            order: Some([2; 16]),
            states: Some(("arrived".into(), "handoff_ready".into())),
            fence: Some("inside".into()),
            token: Some(SecretHash([3; 32])),
            evidence: Some(EvidenceHash([4; 32])),
            policy: Some(PolicyVersion([5; 32])),
            decision: Some("allow".into()),
            reasons: vec!["first".into(), "second".into()],
            commitment: Some(Commitment([6; 32])),
            ..smallest()
        }
    }

    #[test]
    fn the_bytes_of_a_leaf_never_change() {
        let mut shown = String::new();
        write_hex(&mut shown, &smallest().encode().unwrap()).unwrap();
        let golden = "ab0001011b000001a3185c507b026461636d6503666175737469\
                      6e0407056468735f310603076b6c6f636b2e6f70656e656408\
                      5820abababababababababababababababababababababababababababababababab\
                      09656465765f310a80";
        assert_eq!(shown, golden);
    }

    #[test]
    fn leaves_out_of_bounds_are_neither_written_nor_read() {
        let long = "a".repeat(TEXT_LENGTH_MAX + 1);
        let cases = [
            (Leaf { stream: String::new(), ..smallest() }, LeafError::Text),
            (Leaf { event: long.clone(), ..smallest() }, LeafError::Text),
            (Leaf { actor: long.clone(), ..smallest() }, LeafError::Text),
            (Leaf { fence: Some(long.clone()), ..smallest() }, LeafError::Text),
            (Leaf { decision: Some(String::new()), ..smallest() }, LeafError::Text),
            (Leaf { reasons: vec![long.clone()], ..smallest() }, LeafError::Text),
            (Leaf { states: Some(("a".into(), long)), ..smallest() }, LeafError::Text),
            (Leaf { reasons: vec!["a".into(); REASONS_MAX + 1], ..smallest() }, LeafError::Reasons),
        ];
        for (leaf, expected) in cases {
            assert_eq!(leaf.encode(), Err(expected), "{leaf:?}");
        }
        let long = Err(LeafError::Malformed(CborError::TooLong));
        assert_eq!(Leaf::decode(&vec![0; LEAF_LENGTH_MAX + 1]), long);
        let most = Leaf { reasons: vec!["a".repeat(TEXT_LENGTH_MAX); REASONS_MAX], ..fullest() };
        assert_eq!(Leaf::decode(&most.encode().unwrap()), Ok(most));
    }

    #[test]
    fn a_leaf_of_another_version_tenant_or_shape_is_refused() {
        let bytes = smallest().encode().unwrap();
        let mut version = bytes.clone();
        version[2] = 2;
        assert_eq!(Leaf::decode(&version), Err(LeafError::Version));
        let mut tenant = bytes.clone();
        let at = tenant.windows(4).position(|window| window == b"acme").unwrap();
        tenant[at] = b'A';
        assert_eq!(Leaf::decode(&tenant), Err(LeafError::Text));
        // One entry more, with a key beyond the known ones.
        let mut extra = bytes;
        extra[0] += 1;
        extra.extend([0x18, 0x20, 0x00]);
        assert_eq!(Leaf::decode(&extra), Err(LeafError::Malformed(CborError::Unexpected)));
    }

    #[test]
    fn every_bit_of_a_leaf_counts() {
        for leaf in [smallest(), fullest()] {
            let bytes = leaf.encode().unwrap();
            assert_eq!(Leaf::decode(&bytes).as_ref(), Ok(&leaf));
            for bit in 0..bytes.len() * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert_ne!(Leaf::decode(&flipped).as_ref(), Ok(&leaf), "{bit}");
            }
        }
    }

    proptest! {
        #[test]
        fn leaves_read_back(
            position: u64, sequence: u64, time_ms: u64, mask: u16, text in "\\PC{1,30}"
        ) {
            let (full, mut leaf) = (fullest(), smallest());
            let wanted = |bit: u32| mask >> bit & 1 == 1;
            (leaf.position, leaf.sequence) = (position, sequence);
            leaf.time = Timestamp::from_unix_ms(time_ms);
            leaf.stream = text;
            leaf.device = full.device.filter(|_| wanted(0));
            leaf.order = full.order.filter(|_| wanted(1));
            leaf.states = full.states.filter(|_| wanted(2));
            leaf.fence = full.fence.filter(|_| wanted(3));
            leaf.token = full.token.filter(|_| wanted(4));
            leaf.evidence = full.evidence.filter(|_| wanted(5));
            leaf.policy = full.policy.filter(|_| wanted(6));
            leaf.decision = full.decision.filter(|_| wanted(7));
            leaf.commitment = full.commitment.filter(|_| wanted(8));
            prop_assert_eq!(Leaf::decode(&leaf.encode().unwrap()), Ok(leaf));
        }

        #[test]
        fn arbitrary_bytes_never_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..100), cut in 0usize..200
        ) {
            let _ = Leaf::decode(&bytes);
            let mut leaf = fullest().encode().unwrap();
            leaf.truncate(cut);
            leaf.extend(bytes);
            let _ = Leaf::decode(&leaf);
        }
    }
}
