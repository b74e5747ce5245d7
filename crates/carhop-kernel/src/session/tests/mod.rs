//! Tests of the session machine, one file per matter; `world` holds the stop they are about.

mod amendment;
mod holds;
mod judged_facts;
mod world;
