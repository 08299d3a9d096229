//! Repairing a DAO that no longer works: a committee proposes new code for it, in public, and after a long delay it is
//! installed, unless the DAO cancels it.

use candid::Principal;
use release_types::{
    Defect, Refusal, Sha256Digest,
    control::{
        Controlled, ProposeRecoveryArgs, RecoveryId, RecoveryView, UpgradeId, UpgradeOrder, arg_defects,
    },
};

use crate::{
    authorization::{require_committee_member, require_dao},
    modules, orders,
    runtime::Runtime,
    state::{Event, OrderedBy, process_event, read_state},
};

/// Begins the ids of upgrades that a recovery orders.
pub const RECOVERY_PREFIX: &str = "recovery-";
/// How soon after a proposal of a recovery its author may make another.
const PROPOSAL_INTERVAL_NS: u64 = 86_400_000_000_000;
const MAX_REASON_BYTES: usize = 500;

/// Proposes new code for the DAO; the proposer supports it. It takes the place of an earlier one by the same member.
///
/// # Errors
/// A caller who is not of the committee, a proposal with defects, all of them named, or a second one within a day.
pub fn propose<R: Runtime>(
    runtime: &R,
    caller: Principal,
    proposal: ProposeRecoveryArgs,
) -> Result<RecoveryView, Refusal> {
    require_committee_member(caller)?;
    let mut defects = proposal.module.defects();
    defects.extend(arg_defects(&proposal.arg));
    let length = proposal.reason.len();
    if !(1..=MAX_REASON_BYTES).contains(&length) {
        let allowed = format!("1 to {MAX_REASON_BYTES} bytes");
        defects.push(Defect::new("reason", format!("{length} bytes"), allowed, "Say what is broken."));
    }
    Refusal::unless_empty(defects)?;
    let again_at_ns = read_state(|state| state.proposed_at_ns(&caller))
        .map_or(0, |proposed_at_ns| proposed_at_ns.saturating_add(PROPOSAL_INTERVAL_NS));
    if runtime.time_ns() < again_at_ns {
        let allowed = format!("one a day, again from {again_at_ns} on (nanoseconds since 1970)");
        return Err(Refusal::busy("proposal", "a second one", allowed, "Support another member's."));
    }
    let recovery = read_state(|state| state.next_recovery());
    process_event(runtime, Event::ProposedRecovery { recovery, by: caller, proposal });
    Ok(expect_view(recovery))
}

/// Supports a recovery; with enough support its delay begins. Supporting it twice changes nothing.
///
/// # Errors
/// A caller who is not of the committee, or a recovery that is not under way.
pub fn support<R: Runtime>(runtime: &R, caller: Principal, id: RecoveryId) -> Result<RecoveryView, Refusal> {
    require_committee_member(caller)?;
    let view = view(id).ok_or_else(|| not_under_way(id))?;
    if !view.supporters.contains(&caller) {
        process_event(runtime, Event::SupportedRecovery { recovery: id, by: caller });
    }
    Ok(expect_view(id))
}

/// Ends a recovery, on the DAO's word.
///
/// # Errors
/// A caller other than the DAO, or a recovery that is not under way.
pub fn cancel<R: Runtime>(runtime: &R, caller: Principal, id: RecoveryId) -> Result<(), Refusal> {
    require_dao(caller)?;
    view(id).ok_or_else(|| not_under_way(id))?;
    process_event(runtime, Event::CancelledRecovery { recovery: id });
    Ok(())
}

/// Begins a recovery whose delay is over and whose module is stored, unless an upgrade is under way.
pub fn carry_out_due<R: Runtime>(runtime: &R) {
    let now_ns = runtime.time_ns();
    let due = read_state(|state| {
        if state.running().is_some() {
            return None;
        }
        let mut due =
            state.recoveries().filter(|(_, one)| one.due_at_ns.is_some_and(|at_ns| at_ns <= now_ns));
        due.find(|(_, one)| modules::check_stored(&one.proposal.module).is_ok())
            .map(|(id, one)| (id, one.proposal.clone()))
    });
    let Some((id, ProposeRecoveryArgs { module, arg, .. })) = due else { return };
    let arg_sha256 = Sha256Digest::of(&arg);
    let upgrade = UpgradeId(format!("{RECOVERY_PREFIX}{id}"));
    let order = UpgradeOrder { id: upgrade, target: Controlled::Dao, module, arg, arg_sha256 };
    orders::begin(runtime, order, OrderedBy::Recovery(id));
}

fn view(id: RecoveryId) -> Option<RecoveryView> {
    read_state(|state| state.recovery(id).map(|recovery| recovery.view(id)))
}

fn expect_view(id: RecoveryId) -> RecoveryView {
    view(id).unwrap_or_else(|| panic!("BUG: recovery {id} vanished"))
}

fn not_under_way(id: RecoveryId) -> Refusal {
    Refusal::of("recovery", id.to_string(), "a recovery under way", "The upgrader's information lists them.")
}
