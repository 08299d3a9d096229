//! The whole upgrader against a stub of its surroundings: two canisters that fail on demand, and a clock that tests
//! move.

mod recovering;
mod stub;
mod upgrading;
