//! Members' keys: a member changes their own, any two suspend another's until a vote.
//!
//! A suspension takes away what a key said for a proposal where the rule wants that, never what it said against one.

use candid::Principal;
use release_types::{
    Defect, Member, MemberId,
    member::{ChangeKeysArgs, KeyError, MAX_REASON_BYTES, SuspendKeyArgs, Suspension},
};

use crate::{
    proposal::text,
    runtime::Runtime,
    state::{Event, MemberFact, Membership, audit::process_event, read_state},
    vote,
};

/// Changes of keys and demands to suspend one, of one member within a day.
pub const MAX_KEY_ACTIONS_A_DAY: u32 = 5;

/// Adds a key of the caller's own, or takes one out of use. While one of them is suspended nobody knows who is the
/// thief: then only a vote changes them.
///
/// # Errors
/// If the caller is no member, or did so too often, or everything that is wrong with it.
pub fn change_keys<R: Runtime>(
    runtime: &R,
    caller: Principal,
    args: ChangeKeysArgs,
) -> Result<Member, KeyError> {
    let ChangeKeysArgs { add, remove } = args;
    let member = authorize(&caller)?;
    if add.is_none() && remove.is_none() {
        let hint = "Name a key to add, one to remove, or both.";
        return Err(KeyError::Invalid { defects: vec![Defect::new("add", "nothing", "a change", hint)] });
    }
    if let Some(key) = read_state(|state| state.membership().suspended_key_of(member)) {
        let hint = "A vote reinstates the key, or gives this member other ones.";
        let allowed = "changes while none of the member's keys is suspended";
        let defect = Defect::new("member", format!("{key}, which is suspended"), allowed, hint);
        return Err(KeyError::Invalid { defects: vec![defect] });
    }
    let changed = read_state(|state| state.membership().with_keys_changed(member, add, remove));
    changed.map_err(|defects| KeyError::Invalid { defects })?;
    check_pace(member, runtime.time_ns())?;
    process_event(runtime, Event::Member(MemberFact::KeysChanged { member, added: add, removed: remove }));
    let known = read_state(|state| state.membership().member(member).cloned());
    Ok(known.unwrap_or_else(|| panic!("BUG: member {member} vanished")))
}

/// Records a demand to suspend another member's key; the second member's demand suspends it at once. Repeating one's
/// own demand changes nothing.
///
/// # Errors
/// If the caller is no member, or did so too often, or everything that is wrong with it.
pub fn suspend_key<R: Runtime>(
    runtime: &R,
    caller: Principal,
    args: SuspendKeyArgs,
) -> Result<Suspension, KeyError> {
    let by = authorize(&caller)?;
    let SuspendKeyArgs { key, reason } = args;
    let known = read_state(|state| state.membership().suspension(&key).cloned());
    if let Some(known) = known
        && (known.suspended_at_ns.is_some() || known.demanded_by.contains(&by))
    {
        return Ok(known);
    }
    let mut defects: Vec<_> = text::length("reason", &reason, 1, MAX_REASON_BYTES).into_iter().collect();
    let owner = read_state(|state| state.membership().owner(&key));
    if owner.is_none_or(|owner| owner == by) {
        let hint = "A key of your own is taken out of use with `countersign members key remove`.";
        defects.push(Defect::new("key", key.to_string(), "another member's key", hint));
    }
    if !defects.is_empty() {
        return Err(KeyError::Invalid { defects });
    }
    check_pace(by, runtime.time_ns())?;
    process_event(runtime, Event::Member(MemberFact::SuspensionDemanded { by, key, reason }));
    vote::void_ballots_of_suspended(runtime);
    let known = read_state(|state| state.membership().suspension(&key).cloned());
    Ok(known.unwrap_or_else(|| panic!("BUG: a demand vanished")))
}

fn authorize(caller: &Principal) -> Result<MemberId, KeyError> {
    read_state(|state| state.membership().acting(caller)).ok_or(KeyError::NotAllowed { caller: *caller })
}

fn check_pace(member: MemberId, now_ns: u64) -> Result<(), KeyError> {
    let recent = read_state(|state| state.membership().recent(member, now_ns));
    match recent.len().checked_sub(MAX_KEY_ACTIONS_A_DAY as usize) {
        None => Ok(()),
        Some(too_many) => Err(KeyError::TooOften {
            limit: MAX_KEY_ACTIONS_A_DAY,
            frees_at_ns: Membership::frees_at_ns(recent[too_many]),
        }),
    }
}
