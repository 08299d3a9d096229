//! The whole of custody against a stub of its surroundings: a subnet whose secret is known, two registries that
//! misbehave on demand, and a clock that tests move.

mod alarming;
mod amendable;
mod amending;
mod amendments_at_fault;
mod confirming;
mod control;
mod credentials;
mod doubting;
mod freezing;
mod interruptions;
mod modes;
mod orders;
mod probing;
mod publishing;
mod registries;
mod secrecy;
mod stub;
mod validators;
mod waiting;
mod watch_bounds;
mod watching;
mod world;
