//! The journal in memory does what the port says.

use std::sync::Arc;

use carhop_journal::{MemoryJournal, conformance, conformance_cases};

macro_rules! test_each {
    ($($case:ident)*) => {$(
        #[test]
        fn $case() {
            conformance::$case(&|| Arc::new(MemoryJournal::default()));
        }
    )*};
}

conformance_cases!(test_each);
