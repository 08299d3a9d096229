//! Declarations: the authority says what became of an artifact that never appeared. It ends the search, and nothing else:
//! no receipt is ever signed on somebody's word.

use std::time::Duration;

use candid::Principal;
use release_types::{
    OrderStatus,
    declaration::{DeclareOutcomeArgs, MAX_DECLARED_REASON_BYTES},
};

use crate::{
    authorization::admit_change,
    refusal::{Novelty, Refusal},
    runtime::Runtime,
    state::{Artifact, Event, Stage, process_event, read_state},
    tasks::{self, Task},
};

/// Ends an artifact whose state is `Blocked`. The same declaration again changes nothing.
///
/// # Errors
/// A caller other than the authority, an artifact that does not exist or is not blocked, or a reason that is empty or
/// too long.
pub fn declare<R: Runtime>(
    runtime: &R,
    caller: Principal,
    args: DeclareOutcomeArgs,
) -> Result<OrderStatus, Refusal> {
    admit_change(caller)?;
    let novelty = check(&args)?;
    let DeclareOutcomeArgs { order, artifact, published, reason } = args;
    if novelty == Novelty::New {
        let declared = Event::DeclaredOutcome { order: order.clone(), artifact, published, reason };
        process_event(runtime, declared);
        tasks::schedule(runtime, Task::DriveOrder(order.clone()), Duration::ZERO);
    }
    Ok(super::status(&order))
}

/// Checks a declaration without making it.
///
/// # Errors
/// As those of [`declare`], the caller not counted.
pub fn check(args: &DeclareOutcomeArgs) -> Result<Novelty, Refusal> {
    let DeclareOutcomeArgs { order, artifact, published, reason } = args;
    if !(1..=MAX_DECLARED_REASON_BYTES).contains(&reason.len()) {
        return Err(Refusal::of(
            "reason",
            format!("{} bytes", reason.len()),
            format!("1 to {MAX_DECLARED_REASON_BYTES} bytes"),
            "Say in a sentence how the group knows.",
        ));
    }
    let stage = read_state(|state| {
        let artifacts = state.order(order)?.artifacts();
        artifacts.get(usize::try_from(*artifact).ok()?).map(Artifact::stage).cloned()
    });
    match stage {
        Some(Stage::Blocked { .. }) => Ok(Novelty::New),
        Some(Stage::Declared { published: was, reason: why }) if (was, &why) == (*published, reason) => {
            Ok(Novelty::Known)
        }
        Some(_) => Err(Refusal::of(
            "artifact",
            "one that is not blocked",
            "one whose state is Blocked",
            "Read the order's status: it either ended already or custody is still finding out.",
        )),
        None => Err(Refusal::of(
            "order",
            format!("artifact {artifact} of an order that custody does not have"),
            "an artifact of an accepted order",
            "Name the order and the artifact's position in it.",
        )),
    }
}
