//! Freezes: what custody may not use, and why.

use std::fmt::Write as _;

use release_types::freeze::{FreezeDemand, FreezeReason, FreezeScope, FreezeView};

use crate::{
    operations::moment,
    output::{BAD, WARNING, printable, styled},
};

/// What is frozen, in a few words.
pub fn scope(scope: &FreezeScope) -> String {
    match scope {
        FreezeScope::Everything => "everything".into(),
        FreezeScope::Credential(id) => format!("credential {id}"),
    }
}

/// The command that proposes to lift a freeze.
pub fn lifting(scope: &FreezeScope) -> String {
    match scope {
        FreezeScope::Everything => "`countersign unfreeze`".into(),
        FreezeScope::Credential(id) => format!("`countersign unfreeze --credential {id}`"),
    }
}

/// The freezes in force and the demands that custody has not confirmed; nothing if there are none.
pub fn freezes(freezes: &[FreezeView], demands: &[FreezeDemand]) -> String {
    let mut text = String::new();
    for freeze in freezes {
        let _ = writeln!(
            text,
            "{} {} since {}: {}\n  find out why; then a vote lifts it: {}",
            styled(BAD, "FROZEN"),
            scope(&freeze.scope),
            moment(freeze.since_ns),
            reason(&freeze.reason),
            lifting(&freeze.scope)
        );
    }
    for demand in demands.iter().filter(|demand| demand.confirmed_at_ns.is_none()) {
        let _ = writeln!(
            text,
            "{} {} demanded by {} at {}, and not confirmed by custody yet: {}",
            styled(WARNING, "FREEZING"),
            scope(&demand.scope),
            demand.member,
            moment(demand.demanded_at_ns),
            printable(&demand.reason)
        );
    }
    text
}

fn reason(reason: &FreezeReason) -> String {
    match reason {
        FreezeReason::Demanded { reason } => printable(reason),
        FreezeReason::UnapprovedVersion { package, name } => {
            format!("{} of {} is published and nobody approved it", printable(name), printable(package))
        }
        FreezeReason::TakenBack { upgrade } => format!(
            "custody was taken back from {}; its log does not say what the other code did",
            printable(&upgrade.0)
        ),
        FreezeReason::DigestChanged { package, name } => {
            format!("{} of {} has other bytes than before", printable(name), printable(package))
        }
    }
}
