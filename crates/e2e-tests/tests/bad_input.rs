//! Bad input of every kind, through the canisters' public methods: clear errors that name everything wrong at once, no
//! trap, nothing kept, and the canisters work afterwards.

#[path = "bad_input/archives.rs"]
mod archives;
#[path = "bad_input/arguments.rs"]
mod arguments;
#[path = "bad_input/declarations.rs"]
mod declarations;
#[path = "bad_input/desk.rs"]
mod desk;
#[path = "bad_input/sizes.rs"]
mod sizes;
#[path = "bad_input/tokens.rs"]
mod tokens;
