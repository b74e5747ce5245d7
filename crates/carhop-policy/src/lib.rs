//! Carhop policy.
