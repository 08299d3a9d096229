//! ECDH by shares: against Wycheproof, against liars, against another implementation, and through thousands of ways in
//! which dealing can go wrong.

mod answers;
mod envelopes;
mod fixtures;
mod forgery;
mod frost;
mod schedules;
mod sharing;
mod world;
mod wycheproof;
