//! What upgrades, settings of canisters, top-ups and recoveries would do, in plain words.

use std::fmt::Write as _;

use candid::Principal;
use release_types::control::{
    CanisterSettings, CanisterSettingsProposal, TopUpProposal, UpgradeProposal, UpgradeState, UpgradeStatus,
    UpgraderInfo,
};

use crate::{
    operations::{moment, period},
    output::{BAD, GOOD, WARNING, printable, styled},
};

/// No arguments, in Candid.
const NO_ARGUMENTS: &[u8] = b"DIDL\0\0";

/// One line that says what an upgrade does.
pub fn upgrade(proposal: &UpgradeProposal) -> String {
    let UpgradeProposal { canister, module_sha256, size_bytes, arg } = proposal;
    let arg = if arg.is_empty() || arg.as_slice() == NO_ARGUMENTS {
        "without an argument".to_owned()
    } else {
        format!("with the argument {}", hex::encode(arg))
    };
    format!("upgrade {canister} to module {module_sha256} ({size_bytes} bytes) {arg}")
}

/// One line that says what is adjusted.
pub fn settings(proposal: &CanisterSettingsProposal) -> String {
    let CanisterSettings { freezing_threshold_s, wasm_memory_limit_bytes, log_viewers } = &proposal.settings;
    let mut changes = Vec::new();
    if let Some(seconds) = freezing_threshold_s {
        changes.push(format!("keep cycles for {}", period(seconds.saturating_mul(1_000_000_000))));
    }
    if let Some(bytes) = wasm_memory_limit_bytes {
        changes.push(format!("use at most {bytes} bytes of memory"));
    }
    match log_viewers.as_deref() {
        None => {}
        Some([]) => changes.push("show its debug log to nobody".into()),
        Some(viewers) => {
            let viewers: Vec<_> = viewers.iter().map(ToString::to_string).collect();
            changes.push(format!("show its debug log to {}", viewers.join(", ")));
        }
    }
    format!("have {} {}", proposal.canister, changes.join("; "))
}

/// One line that says who gets how much.
pub fn top_up(proposal: &TopUpProposal) -> String {
    format!("pass {} cycles from the DAO's balance on to {}", proposal.amount_cycles, proposal.canister)
}

/// How far an upgrade has come.
pub fn upgrade_state(status: &UpgradeStatus) -> String {
    match status.state {
        UpgradeState::Running { step, failure: None } => styled(GOOD, format!("under way: {step}")),
        UpgradeState::Running { step, failure: Some(failure) } => {
            styled(WARNING, format!("under way: {step} ({failure})"))
        }
        UpgradeState::Done => styled(GOOD, "done: the new code runs and reported healthy"),
        UpgradeState::Failed { failure } => styled(BAD, failure.to_string()),
    }
}

/// Who upgrades the canisters, and what is under way there.
pub fn upgrader(id: Option<Principal>, info: Option<&UpgraderInfo>) -> String {
    let (Some(id), Some(info)) = (id, info) else {
        return "upgrader none: the canisters' controllers upgrade them; see `countersign handover`\n".into();
    };
    let mut text = format!("upgrader {id}\n");
    if let Some(running) = &info.running {
        let _ = writeln!(text, "         {} of {}: {}", running.id, running.target, upgrade_state(running));
    }
    for recovery in &info.recoveries {
        let due = match recovery.due_at_ns {
            Some(due_at_ns) => format!("replaces the DAO's code at {}", moment(due_at_ns)),
            None => format!("is supported by {}", recovery.supporters.len()),
        };
        let _ = writeln!(
            text,
            "{} recovery {} by module {} {due}: {}; `countersign propose cancel-recovery {}` ends it",
            styled(WARNING, "RECOVERY"),
            recovery.id,
            recovery.module.sha256,
            printable(&recovery.reason),
            recovery.id
        );
    }
    text
}
