//! Carhop app.
