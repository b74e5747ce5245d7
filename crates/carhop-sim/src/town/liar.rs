//! What somebody makes of a device's words who holds its key: whatever it says is signed anew, and some of it is not so. The
//! chain of its statements stays whole, so that nobody can tell by the signatures alone.
//!
//! Whether the metal moved is not changed here, and nothing else than statements is.

use std::collections::BTreeMap;

use carhop_kernel::id::CommandId;
use carhop_proofs::cose::key_id;
use carhop_proofs::frame::FromDevice;
use carhop_proofs::statement::{self, Body, Outcome, ReadingKind, Statement};
use carhop_proofs::suite::{PublicKey, SigningKey, Suite};

use crate::quick::Crypto;

/// What is not so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// What was carried out is said never to have been.
    Denies,
    /// What was not carried out is said to have been.
    Claims,
    /// A reading of the meter is left out.
    SkipsReading,
    /// The meter has counted more than it shows.
    Overcounts,
    /// What was dispensed last is said to flow on.
    NeverEnds,
    /// The next thing that is said is an answer to the command of another device: it was never carried out.
    SpeaksFor(CommandId),
}

/// Somebody who holds the key.
#[derive(Default)]
pub(crate) struct Liar {
    lie: Option<Lie>,
    /// What was made of each statement, by the hash of the true one.
    said: BTreeMap<[u8; 32], Vec<u8>>,
}

impl Liar {
    /// Lies like this from now on.
    pub(crate) const fn begin(&mut self, lie: Lie) {
        self.lie = Some(lie);
    }

    /// What a frame of the device becomes; one that cannot be read stays as it is.
    pub(crate) fn twist(
        &mut self,
        crypto: Crypto,
        key: &SigningKey,
        public: PublicKey,
        frame: Vec<u8>,
    ) -> Vec<u8> {
        let Ok(FromDevice::Statement { cose }) = FromDevice::decode(&frame) else { return frame };
        let hash = crypto.sha256(&[&cose]);
        if let Some(known) = self.said.get(&hash) {
            return FromDevice::Statement { cose: known.clone() }.encode();
        }
        let kid = key_id(&crypto, &public);
        let known = |claimed: &[u8; 8]| (*claimed == kid).then_some(public);
        let Ok(truth) = statement::open(&crypto, &cose, known) else { return frame };
        let before = self.said.get(&truth.previous);
        let previous = before.map_or(truth.previous, |bytes| crypto.sha256(&[bytes]));
        let told = Statement { previous, body: self.lie(truth.body), ..truth };
        let Ok(cose) = statement::sign(&crypto, key, &told) else { return frame };
        self.said.insert(hash, cose.clone());
        FromDevice::Statement { cose }.encode()
    }

    fn lie(&mut self, truth: Body) -> Body {
        let Some(lie) = self.lie else { return truth };
        match (lie, truth) {
            (Lie::Denies, Body::Receipt { command, counter, outcome: Outcome::Opened }) => {
                Body::Receipt { command, counter, outcome: Outcome::NeverExecuted }
            }
            (
                Lie::Claims,
                Body::Receipt { command, counter, outcome: Outcome::Jammed | Outcome::Refused(_) },
            ) => Body::Receipt { command, counter, outcome: Outcome::Opened },
            (Lie::SkipsReading, Body::Meter { command, mut reading }) if reading.number > 1 => {
                reading.number += 1;
                Body::Meter { command, reading }
            }
            (Lie::Overcounts, Body::Meter { command, mut reading })
                if matches!(reading.kind, ReadingKind::End(_)) =>
            {
                reading.metered_ml = reading.metered_ml.saturating_mul(2);
                Body::Meter { command, reading }
            }
            (Lie::NeverEnds, Body::Meter { command, mut reading })
                if matches!(reading.kind, ReadingKind::End(_)) =>
            {
                reading.kind = ReadingKind::Charge;
                Body::Meter { command, reading }
            }
            (Lie::SpeaksFor(command), _) => {
                self.lie = None;
                let outcome = Outcome::NeverExecuted;
                Body::Receipt { command, counter: u64::MAX, outcome }
            }
            (_, truth) => truth,
        }
    }
}
