//! The audit log as an outsider checks it (M-AUD-1, M-AUD-2, standards §7): the leaf that each event
//! becomes, the signed note that carries a checkpoint, and the checkpoint of the tree over the leaves.
//!
//! It assigns no positions, keeps no tree and decides nothing about access; the tree itself is in
//! [`crate::merkle`]. A leaf names people by pseudonym and personal values by commitment only.

mod checkpoint;
mod leaf;
mod note;
mod tile;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use leaf::{LEAF_LENGTH_MAX, Leaf, LeafError, REASONS_MAX, TEXT_LENGTH_MAX};
pub use note::{NoteError, NoteKeyError, VerifierKey, sign_note};
pub use tile::{
    Part, TILE_HEIGHT, TILE_WIDTH, Tile, decode_bundle, decode_hashes, encode_bundle, index_path,
};
