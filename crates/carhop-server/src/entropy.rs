//! The one place that draws chance, from the cryptographic library's generator.
//!
//! If the generator fails the process ends: whatever went on without chance would be guessable.

use carhop_app::ports::Entropy;

/// The system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "the one source of chance")]
    fn fill(&self, bytes: &mut [u8]) {
        if aws_lc_rs::rand::fill(bytes).is_err() {
            tracing::error!("the random generator failed");
            std::process::abort();
        }
    }
}

/// Fresh chance.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemEntropy.fill(&mut bytes);
    bytes
}
