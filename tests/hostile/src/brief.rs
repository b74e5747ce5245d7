//! An engine for bolero that repeats itself: the seeds, then a fixed number of mutations of them, drawn from
//! a fixed number. The engines that come with bolero draw from the system's chance.
//!
//! It sees no coverage; for hours, a fuzzer that does is better (`main.rs`).

use std::fmt::Debug;

use bolero::bolero_engine::{driver::Options, input::Bytes};
use bolero::{Engine, Test, TestTarget};

use crate::Target;

/// Holds the target to its laws on its seeds and on `mutations` inputs made from them.
///
/// # Panics
/// If a law is broken or a seed is refused.
pub fn run(target: &'static Target, mutations: usize) {
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty(), "`{}` has no seeds", target.name);
    for seed in &seeds {
        assert!(target.hold(seed), "`{}` refuses a seed: {}", target.name, shown(seed));
    }
    TestTarget::new(Brief { name: target.name, seeds, mutations }).for_each(
        move |input: &[u8]| {
            target.hold(input);
        },
    );
}

struct Brief {
    name: &'static str,
    seeds: Vec<Vec<u8>>,
    mutations: usize,
}

impl<T: Test> Engine<T> for Brief
where
    T::Value: Debug,
{
    type Output = ();

    fn run(self, mut test: T, options: Options) {
        bolero::bolero_engine::panic::set_hook();
        bolero::bolero_engine::panic::forward_panic(false);
        let mut chance =
            Chance(self.name.bytes().fold(1, |sum, byte| sum * 31 % PRIME + u64::from(byte)));
        for number in 0..self.mutations {
            let input = mutant(&mut chance, &self.seeds);
            if let Err(error) = test.test(&mut Bytes::new(&input, &options)) {
                let smallest = test.shrink(input.clone(), None, &options);
                let smallest = smallest.map(|failure| format!("{failure:#}")).unwrap_or_default();
                panic!("`{}`, input {number}: {error}\n{}\n{smallest}", self.name, shown(&input));
            }
        }
    }
}

/// A seed after a few changes, or sometimes nothing but noise.
fn mutant(chance: &mut Chance, seeds: &[Vec<u8>]) -> Vec<u8> {
    if chance.below(16) == 0 {
        let length = chance.below(64);
        return (0..length).map(|_| chance.byte()).collect();
    }
    let mut input = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(4) {
        change(chance, &mut input, seeds);
    }
    input.truncate(INPUT_LENGTH_MAX);
    input
}

fn change(chance: &mut Chance, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    let at = chance.below(input.len() + 1);
    let end = at + chance.below((input.len() - at).min(40) + 1);
    match chance.below(9) {
        0 | 1 if at < input.len() => input[at] ^= 1 << chance.below(8),
        2 if at < input.len() => input[at] = chance.byte(),
        3 if at < input.len() => input[at] = EDGES[chance.below(EDGES.len())],
        4 => input.truncate(at),
        5 => drop(input.drain(at..end)),
        6 => {
            let again = input[at..end].repeat(1 + chance.below(50));
            drop(input.splice(at..at, again));
        }
        7 => {
            let other = &seeds[chance.below(seeds.len())];
            let start = chance.below(other.len() + 1);
            drop(input.splice(at..end, other[start..].iter().copied()));
        }
        _ => {
            let token = TOKENS[chance.below(TOKENS.len())];
            drop(input.splice(at..end, token.iter().copied()));
        }
    }
}

/// SplitMix64: the same numbers on every machine.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

fn shown(input: &[u8]) -> String {
    input.escape_ascii().to_string()
}

const PRIME: u64 = 4_294_967_291;
/// Mutations that repeat can grow; what is longer than every format's bound shows nothing new.
const INPUT_LENGTH_MAX: usize = 64 * 1024;
const EDGES: [u8; 16] =
    [0, 1, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1f, 0x5f, 0x7f, 0x80, 0x9f, 0xbf, 0xf7, 0xfb, 0xff];
/// What has broken parsers of these formats before.
const TOKENS: [&[u8]; 34] = [
    b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x5f\x41\x00\xff",
    b"\x9f\xff",
    b"\xbf\xff",
    b"\xf9\x7e\x00",
    b"\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00",
    b"\xf7",
    b"\xf8\x20",
    b"\xd2",
    b"\xd9\xd9\xf7",
    b"\xa0",
    b"\x80",
    b"\xf6",
    b"\x18\x00",
    b"\x30\x80",
    b"\x30\x84\xff\xff\xff\xff",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":",
    b"\\u0000",
    b"\\ud800",
    b"1e999",
    b"-0",
    b"0.1e-400",
    b"18446744073709551616",
    b"null",
    b"\"\"",
    b"\xef\xbb\xbf",
    b"\xc0\xaf",
    b"\n",
    b"+",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cost;

    const PLANTED: Target = Target {
        name: "planted",
        seeds: || vec![b"sound".to_vec()],
        law: |_| true,
        cost: Cost::SMALL,
    };

    #[test]
    #[should_panic(expected = "a law is broken")]
    fn a_broken_law_is_found() {
        const BROKEN: Target = Target {
            law: |input| {
                assert!(!input.starts_with(b"s") || input.len() < 300, "a law is broken");
                true
            },
            ..PLANTED
        };
        run(&BROKEN, 2_000);
    }

    #[test]
    #[should_panic(expected = "bytes for an input of")]
    fn an_input_that_costs_too_much_is_found() {
        const GREEDY: Target = Target {
            law: |input| {
                let length = input.first().copied().unwrap_or_default();
                vec![0; usize::from(length) << 16].len() != 1
            },
            ..PLANTED
        };
        run(&GREEDY, 2_000);
    }

    #[test]
    fn the_same_inputs_come_every_time() {
        let draw = || {
            let mut chance = Chance(1);
            (0..100).map(|_| mutant(&mut chance, &[b"sound".to_vec()])).collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
    }
}
