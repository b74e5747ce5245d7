//! The tree in pieces that never change, as c2sp.org/tlog-tiles defines them: hash tiles 256 wide and 8 high, bundles of
//! leaves, and the paths under which both are found.
//!
//! Where the bytes lie and who may read them is not known here.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use crate::merkle::{Hash, root};
use crate::suite::Suite;

/// Which piece of a tree of some size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// What it holds.
    pub part: Part,
    /// Its place in its row, from zero.
    pub index: u64,
    /// How many hashes or leaves it holds: one to [`TILE_WIDTH`]; fewer at the right edge only.
    pub width: u16,
}

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Leaves, each after its length in two bytes.
    Entries,
    /// Nodes of the tree, of this row of tiles: 0 for hashes of leaves, 1 for roots of full tiles of row 0, and so on.
    Hashes(u8),
}

impl Tile {
    /// The tile with this index in a tree of `size` leaves, as wide as the tree makes it; `None` beyond its edge.
    pub fn within(part: Part, index: u64, size: u64) -> Option<Self> {
        let row = match part {
            Part::Entries => 0,
            Part::Hashes(row) => u32::from(row),
        };
        let count = size.checked_shr(row * TILE_HEIGHT).unwrap_or(0);
        let before = index.checked_mul(u64::from(TILE_WIDTH))?;
        let width = count.checked_sub(before)?.min(u64::from(TILE_WIDTH));
        let width = u16::try_from(width).ok().filter(|width| *width > 0)?;
        Some(Self { part, index, width })
    }

    /// Every tile of a tree of `size` leaves: the bundles of leaves, then the hash tiles row by row.
    pub fn all(size: u64) -> impl Iterator<Item = Self> {
        let parts = core::iter::once(Part::Entries).chain((0..ROWS_MAX).map(Part::Hashes));
        parts.flat_map(move |part| (0..).map_while(move |index| Self::within(part, index, size)))
    }

    /// The hash tile that a node lies in, of a tree of `size` leaves.
    pub fn of_node(level: u32, index: u64, size: u64) -> Option<Self> {
        let row = u8::try_from(level / TILE_HEIGHT).ok()?;
        let first = index.checked_shl(level % TILE_HEIGHT)?;
        Self::within(Part::Hashes(row), first / u64::from(TILE_WIDTH), size)
    }

    /// A node of the tree from the hashes of the tile it lies in.
    pub fn node(suite: &dyn Suite, level: u32, index: u64, hashes: &[Hash]) -> Option<Hash> {
        let height = level % TILE_HEIGHT;
        let first = usize::try_from((index << height) % u64::from(TILE_WIDTH)).ok()?;
        hashes.get(first..first + (1 << height)).map(|below| root(suite, below))
    }

    /// Position of the first leaf or node in its row.
    pub fn start(&self) -> u64 {
        self.index.saturating_mul(u64::from(TILE_WIDTH))
    }

    /// Whether it will never grow.
    pub const fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// Reads a path; nothing but the one exact form passes.
    pub fn parse(path: &str) -> Option<Self> {
        let (part, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let part = match part {
            "entries" => Part::Entries,
            row => Part::Hashes(row.parse().ok().filter(|row| *row < ROWS_MAX)?),
        };
        let (index, width) = parse_index(rest)?;
        let tile = Self { part, index, width };
        // Signs, leading zeros and the like have no place in the one exact form.
        (alloc::format!("{tile}") == path).then_some(tile)
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            Part::Entries => f.write_str("tile/entries/")?,
            Part::Hashes(row) => write!(f, "tile/{row}/")?,
        }
        f.write_str(&index_path(self.index, self.width))
    }
}

/// The end of a tile's path: the index in groups of three digits, all but the last marked, and the width if it is not
/// full.
pub fn index_path(index: u64, width: u16) -> String {
    let mut groups = Vec::new();
    let mut rest = index;
    loop {
        groups.push(rest % 1_000);
        rest /= 1_000;
        if rest == 0 {
            break;
        }
    }
    let mut path = String::new();
    // Writing to a string cannot fail.
    while let Some(group) = groups.pop() {
        let mark = if groups.is_empty() { "" } else { "x" };
        let slash = if groups.is_empty() { "" } else { "/" };
        let _ = write!(path, "{mark}{group:03}{slash}");
    }
    if width != TILE_WIDTH {
        let _ = write!(path, ".p/{width}");
    }
    path
}

/// Leaves as a bundle; `None` if one is too long for its two bytes of length.
pub fn encode_bundle<'a>(leaves: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let mut bundle = Vec::new();
    for leaf in leaves {
        bundle.extend(u16::try_from(leaf.len()).ok()?.to_be_bytes());
        bundle.extend(leaf);
    }
    Some(bundle)
}

/// The leaves of a bundle, of which there must be `width` and nothing else.
pub fn decode_bundle(bundle: &[u8], width: u16) -> Option<Vec<&[u8]>> {
    let (mut leaves, mut rest) = (Vec::with_capacity(width.into()), bundle);
    for _ in 0..width {
        let (length, after) = rest.split_first_chunk()?;
        let (leaf, after) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
        leaves.push(leaf);
        rest = after;
    }
    rest.is_empty().then_some(leaves)
}

/// The hashes of a tile, of which there must be `width` and nothing else.
pub fn decode_hashes(tile: &[u8], width: u16) -> Option<Vec<Hash>> {
    let (hashes, rest) = tile.as_chunks();
    (rest.is_empty() && hashes.len() == usize::from(width)).then(|| hashes.to_vec())
}

fn parse_index(text: &str) -> Option<(u64, u16)> {
    let (path, width) = match text.split_once(".p/") {
        Some((path, width)) => (path, width.parse().ok().filter(|width| *width < TILE_WIDTH)?),
        None => (text, TILE_WIDTH),
    };
    let mut index: u64 = 0;
    for group in path.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        let group: u64 = digits.parse().ok().filter(|group| *group < 1_000)?;
        index = index.checked_mul(1_000)?.checked_add(group)?;
    }
    (width > 0).then_some((index, width))
}

/// Hashes or leaves of a full tile.
pub const TILE_WIDTH: u16 = 256;
/// Levels of the tree in one row of tiles.
pub const TILE_HEIGHT: u32 = 8;
/// Rows of tiles in the largest tree there can be: eight levels each make 64.
const ROWS_MAX: u8 = 8;

#[cfg(test)]
#[cfg(feature = "rustcrypto")]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;
    use crate::merkle::{Frontier, inclusion_proof, leaf_hash, verify_inclusion};
    use crate::suite::RustCrypto;

    #[test]
    fn paths_are_those_of_the_specification() {
        let hashes = |row, index, width| Tile { part: Part::Hashes(row), index, width };
        // The first two are the examples of c2sp.org/tlog-tiles.
        for (tile, path) in [
            (hashes(0, 1_234_067, TILE_WIDTH), "tile/0/x001/x234/067"),
            (hashes(1, 0, 17), "tile/1/000.p/17"),
            (hashes(0, 999, 1), "tile/0/999.p/1"),
            (hashes(7, 1_000, TILE_WIDTH), "tile/7/x001/000"),
            (Tile { part: Part::Entries, index: 0, width: 255 }, "tile/entries/000.p/255"),
        ] {
            assert_eq!(tile.to_string(), path);
            assert_eq!(Tile::parse(path), Some(tile));
        }
    }

    #[test]
    fn paths_out_of_form_are_refused() {
        for path in [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "tile/0/0",
            "tile/0/00",
            "tile/0/0000",
            "tile/0/+01",
            "tile/00/000",
            "tile/8/000",
            "tile/-1/000",
            "tile/0/x001",
            "tile/0/001/000",
            "tile/0/x000/001",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/",
            "tile/0/000.p/1/",
            "tile/0/000/",
            "/tile/0/000",
            "tile/entry/000",
            "tile/entries/../000",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(Tile::parse(path), None, "{path}");
        }
    }

    #[test]
    fn a_tree_of_70000_leaves_has_these_tiles() {
        let named = |part| Tile::all(70_000).filter(move |tile| tile.part == part);
        for (part, count, last) in [
            (Part::Entries, 274, "tile/entries/273.p/112"),
            (Part::Hashes(0), 274, "tile/0/273.p/112"),
            (Part::Hashes(1), 2, "tile/1/001.p/17"),
            (Part::Hashes(2), 1, "tile/2/000.p/1"),
        ] {
            assert_eq!(named(part).count(), count);
            assert_eq!(named(part).last().unwrap().to_string(), last);
        }
        assert_eq!(named(Part::Hashes(3)).count(), 0);
        assert_eq!(Tile::all(0).count(), 0);
        assert_eq!(Tile::within(Part::Hashes(0), u64::MAX, u64::MAX), None);
        assert_eq!(Tile::within(Part::Hashes(8), 0, u64::MAX), None);
    }

    #[test]
    fn proofs_come_from_tiles_alone() {
        let size = 700;
        let mut frontier = Frontier::default();
        let mut tiles = alloc::collections::BTreeMap::<Tile, Vec<Hash>>::new();
        for number in 0u64..size {
            let leaf = leaf_hash(&RustCrypto, &number.to_be_bytes());
            frontier.append(&RustCrypto, leaf, |level, index, hash| {
                if level % TILE_HEIGHT == 0 {
                    tiles.entry(Tile::of_node(level, index, size).unwrap()).or_default().push(hash);
                }
            });
        }
        for (tile, hashes) in &tiles {
            assert_eq!(hashes.len(), usize::from(tile.width), "{tile}");
        }
        assert_eq!(tiles.len(), Tile::all(size).count() - 3, "the bundles of leaves");
        let root = frontier.root(&RustCrypto);
        for position in 0..size {
            let proof = inclusion_proof(&RustCrypto, position, size, |level, index| {
                let hashes = tiles.get(&Tile::of_node(level, index, size)?)?;
                Tile::node(&RustCrypto, level, index, hashes)
            });
            let leaf = leaf_hash(&RustCrypto, &position.to_be_bytes());
            let proof = proof.unwrap();
            assert_eq!(verify_inclusion(&RustCrypto, &leaf, position, size, &proof, &root), Ok(()));
        }
    }

    #[test]
    fn bundles_and_tiles_hold_what_they_say_and_nothing_else() {
        let leaves: [&[u8]; 3] = [b"one", b"", b"three"];
        let bundle = encode_bundle(leaves).unwrap();
        assert_eq!(bundle, b"\x00\x03one\x00\x00\x00\x05three");
        assert_eq!(decode_bundle(&bundle, 3), Some(leaves.to_vec()));
        assert_eq!(decode_bundle(&bundle, 2), None);
        assert_eq!(decode_bundle(&bundle, 4), None);
        assert_eq!(decode_bundle(&bundle[..bundle.len() - 1], 3), None);
        assert_eq!(encode_bundle([&vec![0; 65_536][..]]), None);
        assert_eq!(decode_hashes(&[7; 64], 2), Some(vec![[7; 32]; 2]));
        assert_eq!(decode_hashes(&[7; 64], 1), None);
        assert_eq!(decode_hashes(&[7; 65], 2), None);
    }

    proptest! {
        #[test]
        fn paths_read_back(row in 0u8..8, index: u64, width in 1u16..=256) {
            let tile = Tile { part: Part::Hashes(row), index, width };
            prop_assert_eq!(Tile::parse(&tile.to_string()), Some(tile));
        }

        #[test]
        fn arbitrary_paths_and_bundles_never_panic(
            path in "(tile/)?(entries|[0-9]|\\PC){0,5}/(x?[0-9]{0,4}/?){0,9}(\\.p/)?\\PC{0,4}",
            bundle in proptest::collection::vec(any::<u8>(), 0..60), width: u16
        ) {
            let _ = Tile::parse(&path);
            let _ = decode_bundle(&bundle, width);
            let _ = decode_hashes(&bundle, width);
        }
    }
}
