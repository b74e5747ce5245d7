//! Chance from a seed: SHA-256 over the seed and a counter. Not secret, and the same every time.

use carhop_proofs::suite::{RustCrypto, Suite};

/// A stream of bytes that its seed determines.
#[derive(Clone, Debug)]
pub struct Chance {
    seed: [u8; 32],
    drawn: u64,
}

impl Chance {
    /// The stream with this name under this seed.
    pub fn new(seed: u64, name: &str) -> Self {
        let seed = RustCrypto.sha256(&[&seed.to_be_bytes(), name.as_bytes()]);
        Self { seed, drawn: 0 }
    }

    /// The next bytes.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(32) {
            let block = RustCrypto.sha256(&[&self.seed, &self.drawn.to_be_bytes()]);
            part.copy_from_slice(&block[..part.len()]);
            self.drawn += 1;
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
        let drawn = u32::from_be_bytes(self.bytes());
        usize::try_from(drawn).unwrap_or_default().checked_rem(end).unwrap_or_default()
    }
}
