//! Chance from a seed: xoshiro256** under a seed of SHA-256. Not secret, and the same every time.

use carhop_proofs::suite::{RustCrypto, Suite};

/// A stream of bytes that its seed determines.
#[derive(Clone, Debug)]
pub struct Chance {
    state: [u64; 4],
}

impl Chance {
    /// The stream with this name under this seed.
    pub fn new(seed: u64, name: &str) -> Self {
        let seed = RustCrypto.sha256(&[&seed.to_be_bytes(), name.as_bytes()]);
        let mut state = [0; 4];
        for (word, bytes) in state.iter_mut().zip(seed.chunks_exact(8)) {
            *word = bytes.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte));
        }
        Self { state }
    }

    /// The next bytes.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(8) {
            let block = self.next().to_be_bytes();
            part.copy_from_slice(&block[..part.len()]);
        }
    }

    /// The next bytes as an array.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A number below `end`, which must not be zero; zero otherwise.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX);
        usize::try_from(self.span(0, end)).unwrap_or_default()
    }

    /// A number from `start` on and below `end`; `start` if there is none.
    pub fn span(&mut self, start: u64, end: u64) -> u64 {
        let drawn = self.next() >> 16;
        start + drawn.checked_rem(end.saturating_sub(start)).unwrap_or_default()
    }

    /// Whether something happens that does so `per_million` times in a million.
    pub fn strikes(&mut self, per_million: u32) -> bool {
        self.span(0, 1_000_000) < u64::from(per_million)
    }

    fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let drawn = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        drawn
    }
}
