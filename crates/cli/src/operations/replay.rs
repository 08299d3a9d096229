//! Replaying a canister's proven log with the canister's own code, compiled into this program.

use std::panic;

use audit_log::{Value, digest_of_state, fact_of_block};

use crate::failure::{Failure, Outcome};

/// A canister whose log can be replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    Dao,
    Custody,
    Upgrader,
}

/// The digest of the state that a whole log, in order, adds up to.
///
/// # Errors
/// When a block is no fact of such a canister, or cannot follow from those before it.
pub fn state_digest(canister: Replayed, blocks: Vec<Value>) -> Outcome<[u8; 32]> {
    let quiet = panic::take_hook();
    panic::set_hook(Box::new(|_| ()));
    let replayed = panic::catch_unwind(|| replay(canister, blocks));
    panic::set_hook(quiet);
    match replayed {
        Ok(Ok(digest)) => Ok(digest),
        Ok(Err(reason)) => Err(Failure::refused(format!("the log does not replay: {reason}"))
            .hint("use the version of countersign that the canister was built with; else raise the alarm")),
        Err(panicked) => {
            let reason = panicked.downcast_ref::<String>().cloned().unwrap_or_default();
            Err(Failure::refused(format!("no canister of this code wrote this log: {reason}"))
                .hint("raise the alarm: the canister may run other code, or have run other code"))
        }
    }
}

fn replay(canister: Replayed, blocks: Vec<Value>) -> Result<[u8; 32], audit_log::ConversionError> {
    Ok(match canister {
        Replayed::Dao => digest_of_state(&dao_canister::state::audit::replay_blocks(blocks)?),
        Replayed::Custody => {
            let facts = blocks.into_iter().map(fact_of_block);
            digest_of_state(&custody_canister::state::audit::replay(facts)?)
        }
        Replayed::Upgrader => {
            let facts = blocks.into_iter().map(fact_of_block);
            digest_of_state(&upgrader_canister::state::audit::replay(facts)?)
        }
    })
}
