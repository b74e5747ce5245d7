//! A disk behind a cache: what is on it for certain, what may be on it, and what a power cut leaves.
//!
//! A file's bytes are certain once it was flushed, its name once its folder was. Until then any part of what was
//! written may be there, each sector whole or not at all, in any order between files. A flush that failed leaves its
//! file in that state for ever: the system calls those pages clean and never writes them again.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::record::Change;

/// Everything below the folder.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    files: Vec<File>,
    /// The names as the program sees them.
    names: BTreeMap<String, usize>,
    /// The names that are certain.
    certain_names: BTreeMap<String, usize>,
    /// The changes of names that are not, oldest first: after each of them the names were these.
    uncertain_names: Vec<BTreeMap<String, usize>>,
}

/// How much of what is not certain a power cut takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// All of it.
    Everything,
    /// Nothing: as if only the program had been killed.
    Nothing,
    /// Some sectors and names of it, other ones for another seed.
    Some(u64),
}

/// What is found when the power is back, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image(pub BTreeMap<String, Vec<u8>>);

#[derive(Clone, Debug, Default)]
struct File {
    certain: Vec<u8>,
    uncertain: Vec<Edit>,
}

#[derive(Clone, Debug)]
enum Edit {
    Write { at: usize, bytes: Vec<u8> },
    Cut { length: usize },
}

impl Disk {
    /// Lets a change happen.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Made(path) => {
                self.files.push(File::default());
                self.names.insert(path.clone(), self.files.len() - 1);
                self.uncertain_names.push(self.names.clone());
            }
            Change::Wrote { path, at, bytes } => {
                let at = usize::try_from(*at).unwrap_or(usize::MAX);
                self.edit(path, Edit::Write { at, bytes: bytes.clone() });
            }
            Change::Cut { path, length } => {
                self.edit(path, Edit::Cut { length: usize::try_from(*length).unwrap_or(0) });
            }
            Change::Flushed { path, well } => self.flush(path, *well),
            Change::FlushedNames(_) => {
                self.certain_names.clone_from(&self.names);
                self.uncertain_names.clear();
            }
            Change::Renamed { from, to } => {
                if let Some(file) = self.names.remove(from) {
                    self.names.insert(to.clone(), file);
                    self.uncertain_names.push(self.names.clone());
                }
            }
            Change::Removed(path) => {
                self.names.remove(path);
                self.uncertain_names.push(self.names.clone());
            }
            Change::Said(_) => {}
        }
    }

    /// What is left if the power fails now.
    pub fn after_power_cut(&self, loss: Loss) -> Image {
        let mut dice = Dice(match loss {
            Loss::Some(seed) => seed.wrapping_mul(2).wrapping_add(1),
            Loss::Everything | Loss::Nothing => 1,
        });
        let names = match loss {
            Loss::Everything => &self.certain_names,
            Loss::Nothing => &self.names,
            Loss::Some(_) => {
                let kept = dice.below(self.uncertain_names.len() + 1);
                kept.checked_sub(1).map_or(&self.certain_names, |last| &self.uncertain_names[last])
            }
        };
        let left = |(path, file): (&String, &usize)| {
            (path.clone(), self.files[*file].after_power_cut(loss, &mut dice))
        };
        Image(names.iter().map(left).collect())
    }

    fn edit(&mut self, path: &str, edit: Edit) {
        if let Some(file) = self.names.get(path) {
            self.files[*file].uncertain.push(edit);
        }
    }

    fn flush(&mut self, path: &str, well: bool) {
        let Some(file) = self.names.get(path).map(|file| &mut self.files[*file]) else { return };
        if well {
            for edit in std::mem::take(&mut file.uncertain) {
                edit.apply(&mut file.certain);
            }
        } else {
            // Never written, and never to be written; but the length counts as metadata and stays.
            let length = file.uncertain.drain(..).map(|edit| edit.end()).max().unwrap_or(0);
            file.certain.resize(file.certain.len().max(length), 0);
        }
    }
}

impl Image {
    /// Makes the folder hold exactly this.
    pub fn write_to(&self, folder: &Path) -> io::Result<()> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        for (path, bytes) in &self.0 {
            fs::write(folder.join(path.trim_start_matches('/')), bytes)?;
        }
        Ok(())
    }
}

impl File {
    fn after_power_cut(&self, loss: Loss, dice: &mut Dice) -> Vec<u8> {
        let mut bytes = self.certain.clone();
        for edit in &self.uncertain {
            match loss {
                Loss::Everything => {}
                Loss::Nothing => edit.apply(&mut bytes),
                Loss::Some(_) => edit.apply_some(&mut bytes, dice),
            }
        }
        bytes
    }
}

impl Edit {
    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => put(file, *at, bytes),
            Self::Cut { length } => file.resize(*length, 0),
        }
    }

    /// Each sector of a write or not, a cut or not.
    fn apply_some(&self, file: &mut Vec<u8>, dice: &mut Dice) {
        match self {
            Self::Write { at, bytes } => {
                let mut start = 0;
                while start < bytes.len() {
                    let end = bytes.len().min(start + SECTOR - (at + start) % SECTOR);
                    if dice.below(2) == 0 {
                        put(file, at + start, &bytes[start..end]);
                    }
                    start = end;
                }
            }
            Self::Cut { .. } if dice.below(2) == 0 => self.apply(file),
            Self::Cut { .. } => {}
        }
    }

    const fn end(&self) -> usize {
        match self {
            Self::Write { at, bytes } => *at + bytes.len(),
            Self::Cut { .. } => 0,
        }
    }
}

fn put(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if file.len() < at + bytes.len() {
        file.resize(at + bytes.len(), 0);
    }
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Repeatable chance (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % bound.max(1) as u64).unwrap_or(0)
    }
}

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn wrote(path: &str, at: u64, bytes: &[u8]) -> Change {
        Change::Wrote { path: path.to_owned(), at, bytes: bytes.to_vec() }
    }

    fn left(changes: &[Change], loss: Loss) -> Vec<(String, String)> {
        let mut disk = Disk::default();
        for change in changes {
            disk.apply(change);
        }
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        disk.after_power_cut(loss).0.into_iter().map(|(path, bytes)| (path, text(bytes))).collect()
    }

    #[test]
    fn only_what_was_flushed_is_certain_and_only_under_a_name_that_was_flushed() {
        let [made, names] = [Change::Made("/a".to_owned()), Change::FlushedNames(String::new())];
        let [flushed, failed] =
            [true, false].map(|well| Change::Flushed { path: "/a".to_owned(), well });
        let renamed = Change::Renamed { from: "/a".to_owned(), to: "/b".to_owned() };
        let (one, two) = (wrote("/a", 0, b"one"), wrote("/a", 3, b"two"));
        let rows = [
            (vec![&made, &one, &flushed], None),
            (vec![&made, &one, &names], Some(("/a", ""))),
            (vec![&made, &one, &flushed, &names, &two], Some(("/a", "one"))),
            (vec![&made, &one, &flushed, &names, &renamed], Some(("/a", "one"))),
            (vec![&made, &one, &flushed, &renamed, &names], Some(("/b", "one"))),
            // What a failed flush has given up, a later one does not bring back.
            (vec![&made, &one, &failed, &flushed, &names], Some(("/a", "\0\0\0"))),
        ];
        for (changes, expected) in rows {
            let changes: Vec<_> = changes.into_iter().cloned().collect();
            let expected: Vec<_> =
                expected.into_iter().map(|(path, text)| (path.into(), text.into())).collect();
            assert_eq!(left(&changes, Loss::Everything), expected, "{changes:?}");
        }
    }

    #[test]
    fn some_loss_takes_whole_sectors_and_the_same_ones_for_the_same_seed() {
        let bytes = vec![b'x'; 8 * SECTOR];
        let changes = [
            Change::Made("/a".into()),
            Change::FlushedNames(String::new()),
            wrote("/a", 0, &bytes),
        ];
        let first = left(&changes, Loss::Some(7));
        assert_eq!(first, left(&changes, Loss::Some(7)));
        let all: Vec<_> = (0..16).map(|seed| left(&changes, Loss::Some(seed))).collect();
        assert!(all.iter().any(|found| *found != first), "every seed loses the same");
        for found in all {
            for sector in found[0].1.as_bytes().chunks(SECTOR) {
                assert!(sector.iter().all(|byte| *byte == sector[0]), "a torn sector");
            }
        }
        assert_eq!(left(&changes, Loss::Nothing)[0].1.len(), bytes.len());
    }
}
