//! Carhop journal.
