//! Sealed personal data and its erasure (`design.md` §4; M-PRV-2).

use super::Open;
use super::fixture::{World, sealed};

pub fn sealed_data_is_kept_per_field_and_replaced(open: Open<'_>) {
    let world = World::new(open);
    for (field, bytes) in [("phone", b"1"), ("name", b"2"), ("phone", b"3")] {
        let mut batch = world.batch();
        batch.sealed.push(sealed("ada", field, bytes));
        world.append(batch).unwrap();
    }
    assert_eq!(world.vault("ada"), [sealed("ada", "name", b"2"), sealed("ada", "phone", b"3")]);
    assert_eq!(world.vault("eve"), []);
}

pub fn erasure_destroys_one_subject_and_wins_over_sealing(open: Open<'_>) {
    let world = World::new(open);
    let mut batch = world.batch();
    for subject in ["ada", "bob"] {
        batch.sealed.push(sealed(subject, "name", b"1"));
        batch.sealed.push(sealed(subject, "phone", b"2"));
    }
    world.append(batch).unwrap();
    let mut batch = world.batch();
    batch.erased.push("ada".to_owned());
    batch.sealed.push(sealed("ada", "address", b"3"));
    world.append(batch).unwrap();
    assert_eq!(world.vault("ada"), []);
    assert_eq!(world.vault("bob").len(), 2);
}
