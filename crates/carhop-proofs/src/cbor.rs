//! Deterministic CBOR (RFC 8949 §4.2.1) of the few kinds of value that Carhop's formats use:
//! integers, byte and text strings, arrays, maps, tags, booleans and null.
//!
//! It has no floats, no indefinite lengths and no data model: a format is written with [`Writer`] in
//! the order of its keys and read back with [`Reader`] in the same order. What was not written that
//! way is refused before the first value is looked at.

use alloc::vec::Vec;

use minicbor::Decoder;
use minicbor::data::Type;

/// Why bytes were not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// More bytes than the format allows.
    #[error("the CBOR item is longer than its format allows")]
    TooLong,
    /// Nested deeper than [`DEPTH_MAX`].
    #[error("the CBOR item is nested too deeply")]
    TooDeep,
    /// Truncated, followed by more bytes, or not CBOR at all.
    #[error("the bytes are not exactly one CBOR item")]
    Malformed,
    /// An indefinite length, a long form where a short one fits, or keys out of order or repeated.
    #[error("the CBOR encoding is not deterministic")]
    NotDeterministic,
    /// A float, an unassigned simple value or `undefined`.
    #[error("the CBOR item has a kind of value that no format uses")]
    Unsupported,
    /// Sound CBOR that is not what the format has at this place.
    #[error("the CBOR item does not have the expected shape")]
    Unexpected,
}

/// Checks that `bytes` are exactly one deterministic item of at most `length_max` bytes.
pub fn check(bytes: &[u8], length_max: usize) -> Result<(), CborError> {
    if bytes.len() > length_max {
        return Err(CborError::TooLong);
    }
    let mut decoder = Decoder::new(bytes);
    let mut writer = Writer::with_capacity(bytes.len());
    transcribe(&mut decoder, &mut writer, DEPTH_MAX)?;
    if decoder.position() != bytes.len() {
        return Err(CborError::Malformed);
    }
    if writer.bytes == bytes { Ok(()) } else { Err(CborError::NotDeterministic) }
}

/// The first of several items that follow each other, which [`check`] may still refuse, and what comes after it.
pub fn split_first(bytes: &[u8]) -> Result<(&[u8], &[u8]), CborError> {
    let mut decoder = Decoder::new(bytes);
    decoder.skip()?;
    bytes.split_at_checked(decoder.position()).ok_or(CborError::Malformed)
}

/// Writes items in their shortest form. Map entries must be written in the bytewise order of their
/// encoded keys: 0, 1, …, −1, −2, …, then longer ones.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty writer.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty writer with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity) }
    }

    /// Opens a map of `length` entries; that many keys and values must follow.
    pub fn map(&mut self, length: usize) -> &mut Self {
        self.head(MAJOR_MAP, length as u64)
    }

    /// Opens an array of `length` items, which must follow.
    pub fn array(&mut self, length: usize) -> &mut Self {
        self.head(MAJOR_ARRAY, length as u64)
    }

    /// A tag; its item must follow.
    pub fn tag(&mut self, tag: u64) -> &mut Self {
        self.head(MAJOR_TAG, tag)
    }

    /// An unsigned integer.
    pub fn uint(&mut self, value: u64) -> &mut Self {
        self.head(MAJOR_UNSIGNED, value)
    }

    /// A signed integer.
    pub fn int(&mut self, value: i64) -> &mut Self {
        match u64::try_from(value) {
            Ok(value) => self.uint(value),
            // −1 − value, which two's complement writes as the inverted bits.
            Err(_) => self.head(MAJOR_NEGATIVE, (!value).cast_unsigned()),
        }
    }

    /// A byte string.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.head(MAJOR_BYTES, value.len() as u64);
        self.bytes.extend_from_slice(value);
        self
    }

    /// A text string.
    pub fn text(&mut self, value: &str) -> &mut Self {
        self.head(MAJOR_TEXT, value.len() as u64);
        self.bytes.extend_from_slice(value.as_bytes());
        self
    }

    /// `true` or `false`.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.bytes.push(if value { TRUE } else { FALSE });
        self
    }

    /// `null`.
    pub fn null(&mut self) -> &mut Self {
        self.bytes.push(NULL);
        self
    }

    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn head(&mut self, major: u8, argument: u64) -> &mut Self {
        let wide = argument.to_be_bytes();
        let (additional, tail): (u8, &[u8]) = match argument {
            0..=23 => (wide[7], &[]),
            24..=0xff => (24, &wide[7..]),
            0x100..=0xffff => (25, &wide[6..]),
            0x1_0000..=0xffff_ffff => (26, &wide[4..]),
            0x1_0000_0000.. => (27, &wide),
        };
        self.bytes.push(major << 5 | additional);
        self.bytes.extend_from_slice(tail);
        self
    }
}

/// Reads the items of one checked encoding in order.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    decoder: Decoder<'a>,
}

impl<'a> Reader<'a> {
    /// A reader over `bytes`, which must pass [`check`].
    pub fn new(bytes: &'a [u8], length_max: usize) -> Result<Self, CborError> {
        check(bytes, length_max)?;
        Ok(Self { decoder: Decoder::new(bytes) })
    }

    /// Enters a map and says how many entries it has.
    pub fn map(&mut self) -> Result<u64, CborError> {
        self.decoder.map().ok().flatten().ok_or(CborError::Unexpected)
    }

    /// Enters an array and says how many items it has.
    pub fn array(&mut self) -> Result<u64, CborError> {
        self.decoder.array().ok().flatten().ok_or(CborError::Unexpected)
    }

    /// Enters a map of exactly `length` entries.
    pub fn map_of(&mut self, length: u64) -> Result<(), CborError> {
        expect(self.map()? == length)
    }

    /// Enters an array of exactly `length` items.
    pub fn array_of(&mut self, length: u64) -> Result<(), CborError> {
        expect(self.array()? == length)
    }

    /// Takes the map key `key`, which must be next.
    pub fn key(&mut self, key: i64) -> Result<(), CborError> {
        expect(self.int()? == key)
    }

    /// Takes the map key `key` if it is next.
    pub fn optional_key(&mut self, key: i64) -> bool {
        let found = self.decoder.probe().i64().is_ok_and(|next| next == key);
        // The probe left the reader where it was.
        found && self.int().is_ok()
    }

    /// Takes a tag, which must be `tag`.
    pub fn tag(&mut self, tag: u64) -> Result<(), CborError> {
        expect(self.decoder.tag().is_ok_and(|next| next.as_u64() == tag))
    }

    /// Takes an unsigned integer.
    pub fn uint(&mut self) -> Result<u64, CborError> {
        self.decoder.u64().map_err(|_| CborError::Unexpected)
    }

    /// Takes an unsigned integer that fits the wanted type.
    pub fn narrow<T: TryFrom<u64>>(&mut self) -> Result<T, CborError> {
        T::try_from(self.uint()?).map_err(|_| CborError::Unexpected)
    }

    /// Takes an integer that fits 64 bits with sign.
    pub fn int(&mut self) -> Result<i64, CborError> {
        self.decoder.i64().map_err(|_| CborError::Unexpected)
    }

    /// Takes a byte string.
    pub fn bytes(&mut self) -> Result<&'a [u8], CborError> {
        self.decoder.bytes().map_err(|_| CborError::Unexpected)
    }

    /// Takes a byte string of exactly `N` bytes.
    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        self.bytes()?.try_into().map_err(|_| CborError::Unexpected)
    }

    /// Takes a text string.
    pub fn text(&mut self) -> Result<&'a str, CborError> {
        self.decoder.str().map_err(|_| CborError::Unexpected)
    }

    /// Takes `true` or `false`.
    pub fn bool(&mut self) -> Result<bool, CborError> {
        self.decoder.bool().map_err(|_| CborError::Unexpected)
    }

    /// Takes `null`, or the value that `read` takes.
    pub fn nullable<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, CborError>,
    ) -> Result<Option<T>, CborError> {
        if self.decoder.probe().null().is_ok() {
            self.decoder.null().map_err(|_| CborError::Unexpected)?;
            return Ok(None);
        }
        read(self).map(Some)
    }

    /// Passes over the next item, whatever it is, and returns its bytes.
    pub fn skip(&mut self) -> Result<&'a [u8], CborError> {
        let start = self.decoder.position();
        self.decoder.skip().map_err(|_| CborError::Unexpected)?;
        self.decoder.input().get(start..self.decoder.position()).ok_or(CborError::Unexpected)
    }

    /// Whether every item has been taken.
    pub fn is_at_end(&self) -> bool {
        self.decoder.position() == self.decoder.input().len()
    }

    /// Ends the reading; items that were not taken are an error.
    pub fn finish(self) -> Result<(), CborError> {
        expect(self.is_at_end())
    }
}

/// Deepest nesting of arrays, maps and tags in any format.
pub const DEPTH_MAX: usize = 8;

/// Writes the next item in its one deterministic form; what differs from the input was not.
fn transcribe(
    decoder: &mut Decoder<'_>,
    writer: &mut Writer,
    depth: usize,
) -> Result<(), CborError> {
    let inner = depth.checked_sub(1).ok_or(CborError::TooDeep)?;
    match decoder.datatype()? {
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
            writer.uint(decoder.u64()?);
        }
        Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => {
            let argument = -1 - i128::from(decoder.int()?);
            let argument = u64::try_from(argument).map_err(|_| CborError::NotDeterministic)?;
            writer.head(MAJOR_NEGATIVE, argument);
        }
        Type::Bytes => {
            writer.bytes(decoder.bytes()?);
        }
        Type::String => {
            writer.text(decoder.str()?);
        }
        Type::Bool => {
            writer.bool(decoder.bool()?);
        }
        Type::Null => {
            decoder.null()?;
            writer.null();
        }
        Type::Tag => {
            writer.tag(decoder.tag()?.as_u64());
            transcribe(decoder, writer, inner)?;
        }
        Type::Array => {
            let length = decoder.array()?.ok_or(CborError::NotDeterministic)?;
            writer.head(MAJOR_ARRAY, length);
            for _ in 0..length {
                transcribe(decoder, writer, inner)?;
            }
        }
        Type::Map => transcribe_map(decoder, writer, inner)?,
        Type::BytesIndef | Type::StringIndef | Type::ArrayIndef | Type::MapIndef => {
            return Err(CborError::NotDeterministic);
        }
        Type::F16 | Type::F32 | Type::F64 | Type::Simple | Type::Undefined => {
            return Err(CborError::Unsupported);
        }
        Type::Break | Type::Unknown(_) => return Err(CborError::Malformed),
    }
    Ok(())
}

fn transcribe_map(
    decoder: &mut Decoder<'_>,
    writer: &mut Writer,
    inner: usize,
) -> Result<(), CborError> {
    let length = decoder.map()?.ok_or(CborError::NotDeterministic)?;
    writer.head(MAJOR_MAP, length);
    let mut previous = 0..0;
    for _ in 0..length {
        let start = writer.bytes.len();
        transcribe(decoder, writer, inner)?;
        let key = start..writer.bytes.len();
        // The first comparison is with nothing, which every key exceeds.
        if writer.bytes[previous] >= writer.bytes[key.clone()] {
            return Err(CborError::NotDeterministic);
        }
        transcribe(decoder, writer, inner)?;
        previous = key;
    }
    Ok(())
}

fn expect(holds: bool) -> Result<(), CborError> {
    if holds { Ok(()) } else { Err(CborError::Unexpected) }
}

impl From<minicbor::decode::Error> for CborError {
    fn from(_: minicbor::decode::Error) -> Self {
        Self::Malformed
    }
}

const MAJOR_UNSIGNED: u8 = 0;
const MAJOR_NEGATIVE: u8 = 1;
const MAJOR_BYTES: u8 = 2;
const MAJOR_TEXT: u8 = 3;
const MAJOR_ARRAY: u8 = 4;
const MAJOR_MAP: u8 = 5;
const MAJOR_TAG: u8 = 6;
const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
const NULL: u8 = 0xf6;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LENGTH_MAX: usize = 1024;

    #[test]
    fn only_the_one_deterministic_form_passes() {
        use CborError::{Malformed, NotDeterministic, TooDeep, Unsupported};
        let cases: &[(&[u8], Result<(), CborError>)] = &[
            (&[0x00], Ok(())),
            (&[0x18, 0x18], Ok(())),
            (&[0x18, 0x17], Err(NotDeterministic)),
            (&[0x19, 0x00, 0xff], Err(NotDeterministic)),
            (&[0x1a, 0x00, 0x00, 0xff, 0xff], Err(NotDeterministic)),
            (&[0x38, 0x17], Err(NotDeterministic)),
            (&[0x3b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Ok(())),
            (&[0x58, 0x01, 0x00], Err(NotDeterministic)),
            (&[0x78, 0x01, b'a'], Err(NotDeterministic)),
            (&[0x61, 0xff], Err(Malformed)),
            (&[0xa2, 0x01, 0x00, 0x20, 0x00], Ok(())),
            (&[0xa2, 0x20, 0x00, 0x01, 0x00], Err(NotDeterministic)),
            (&[0xa2, 0x01, 0x00, 0x01, 0x00], Err(NotDeterministic)),
            (&[0xa1, 0x01], Err(Malformed)),
            (&[0x9f, 0x00, 0xff], Err(NotDeterministic)),
            (&[0xbf, 0xff], Err(NotDeterministic)),
            (&[0x5f, 0x40, 0xff], Err(NotDeterministic)),
            (&[0x7f, 0xff], Err(NotDeterministic)),
            (&[0xff], Err(Malformed)),
            (&[], Err(Malformed)),
            (&[0x00, 0x00], Err(Malformed)),
            (&[0x42, 0x00], Err(Malformed)),
            (&[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Err(Malformed)),
            (&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00], Err(Malformed)),
            (&[0xd2, 0xf6], Ok(())),
            (&[0xd8, 0x12, 0xf6], Err(NotDeterministic)),
            (&[0xf7], Err(Unsupported)),
            (&[0xf9, 0x00, 0x00], Err(Unsupported)),
            (&[0xe0], Err(Unsupported)),
            (&[0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x00], Ok(())),
            (&[0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x00], Err(TooDeep)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(check(bytes, LENGTH_MAX), *expected, "{bytes:02x?}");
        }
        assert_eq!(check(&[0x82, 0x00, 0x00], 2), Err(CborError::TooLong));
    }

    #[test]
    fn a_reader_takes_what_a_writer_wrote_and_nothing_else() {
        let mut writer = Writer::new();
        writer.tag(18).map(5).int(0).int(i64::MIN).int(1).uint(u64::MAX).int(2).bytes(&[7; 3]);
        writer.int(-1).text("a").int(-2).array(3).bool(true).null().uint(5);
        let bytes = writer.finish();
        let mut reader = Reader::new(&bytes, LENGTH_MAX).unwrap();
        assert_eq!(reader.clone().tag(17), Err(CborError::Unexpected));
        reader.tag(18).unwrap();
        reader.map_of(5).unwrap();
        reader.key(0).unwrap();
        assert_eq!(reader.int(), Ok(i64::MIN));
        assert!(!reader.optional_key(2));
        assert!(reader.optional_key(1));
        assert_eq!(reader.uint(), Ok(u64::MAX));
        reader.key(2).unwrap();
        assert_eq!(reader.clone().fixed::<2>(), Err(CborError::Unexpected));
        assert_eq!(reader.fixed(), Ok([7; 3]));
        reader.key(-1).unwrap();
        assert_eq!(reader.text(), Ok("a"));
        reader.key(-2).unwrap();
        assert_eq!(reader.clone().skip(), Ok(&[0x83, 0xf5, 0xf6, 0x05][..]));
        reader.array_of(3).unwrap();
        assert_eq!(reader.bool(), Ok(true));
        assert_eq!(reader.nullable(Reader::uint), Ok(None));
        assert_eq!(reader.clone().finish(), Err(CborError::Unexpected));
        assert_eq!(reader.nullable(Reader::uint), Ok(Some(5)));
        assert_eq!(reader.uint(), Err(CborError::Unexpected));
        assert!(reader.is_at_end());
        reader.finish().unwrap();
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = check(&bytes, LENGTH_MAX);
        }

        #[test]
        fn every_integer_reads_back(value: i64, large: u64) {
            let mut writer = Writer::new();
            writer.array(2).int(value).uint(large);
            let bytes = writer.finish();
            let mut reader = Reader::new(&bytes, LENGTH_MAX).unwrap();
            reader.array_of(2).unwrap();
            prop_assert_eq!(reader.int(), Ok(value));
            prop_assert_eq!(reader.uint(), Ok(large));
        }
    }
}
