//! Who controls the canisters, and which code they run, as the network certifies it; and handing control over.

use std::path::Path;

use candid::Principal;
use ic_agent::{Agent, AgentError};
use ic_management_canister_types::{
    CanisterIdRecord, CanisterSettings, CanisterStatusResult, EnvironmentVariable, FetchCanisterLogsArgs,
    LogVisibility, SnapshotVisibility, UpdateSettingsArgs,
};
use release_types::Sha256Digest;

use super::{
    call::manage, custody::Custody, dao::Dao, deploy::read_module, deployment::Deployment, upgrader::Upgrader,
};
use crate::failure::{Failure, Outcome};

/// The environment variable by which the DAO canister finds the upgrader.
const UPGRADER_VARIABLE: &str = "PUBLIC_CANISTER_ID:upgrader_canister";

/// One thing that a safe set-up needs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    pub verdict: Verdict,
    pub found: String,
    pub needed: String,
}

/// Whether it is as it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Safe,
    /// Nothing here says how it should be.
    CannotTell,
    Unsafe,
}

impl Finding {
    fn new(what: String, is_safe: bool, found: impl Into<String>, needed: impl Into<String>) -> Self {
        let verdict = if is_safe { Verdict::Safe } else { Verdict::Unsafe };
        Self { what, verdict, found: found.into(), needed: needed.into() }
    }
}

/// The canisters of a group that was handed over.
#[derive(Clone, Copy, Debug)]
pub struct Canisters {
    pub dao: Principal,
    pub custody: Principal,
    pub upgrader: Principal,
}

impl Canisters {
    /// Each with its name, its module's file, and what must control it.
    fn rows(self) -> [(&'static str, &'static str, Principal, Principal); 3] {
        [
            ("DAO", "dao_canister.wasm.gz", self.dao, self.upgrader),
            ("custody", "custody_canister.wasm.gz", self.custody, self.upgrader),
            ("upgrader", "upgrader_canister.wasm.gz", self.upgrader, self.dao),
        ]
    }
}

impl TryFrom<&Deployment> for Canisters {
    type Error = Failure;

    fn try_from(deployment: &Deployment) -> Outcome<Self> {
        let Deployment { dao, custody, upgrader, .. } = *deployment;
        let upgrader = upgrader.ok_or_else(|| {
            Failure::refused("these canisters were not handed over: no upgrader is known")
                .hint("hand them over with `countersign handover`, or name it with --upgrader")
        })?;
        Ok(Self { dao, custody, upgrader })
    }
}

/// Looks at everything that decides whether only votes can change the canisters' code. Controllers and modules are read
/// from certified state. The modules are compared with those in `wasm_dir`.
///
/// # Errors
/// When the network does not answer, or its answer is not certified.
pub async fn check(
    agent: &Agent,
    anybody: &Agent,
    canisters: Canisters,
    wasm_dir: &Path,
) -> Outcome<Vec<Finding>> {
    let mut findings = Vec::new();
    for (name, file, id, controller) in canisters.rows() {
        findings.push(controllers(agent, name, id, controller).await?);
        findings.push(module(agent, name, id, read_module(wasm_dir, file).ok()).await?);
        findings.push(debug_log(anybody, name, id).await);
    }
    let Canisters { dao, custody, upgrader } = canisters;
    let names = |what: &str, found: Option<Principal>, needed: Principal| {
        let text = found.map_or_else(|| "nobody".into(), |found| found.to_text());
        Finding::new(what.into(), found == Some(needed), text, needed.to_text())
    };
    let dao_info = Dao { agent, id: dao }.info().await?;
    findings.push(names("the DAO's upgrader", dao_info.upgrader, upgrader));
    findings.push(names("the DAO's custody", Some(dao_info.custody), custody));
    let custody_info = Custody { agent, id: custody }.info().await?;
    findings.push(names("custody's authority", Some(custody_info.authority), dao));
    let upgrader_info = Upgrader { agent, id: upgrader }.info().await?;
    findings.push(names("the upgrader's DAO", Some(upgrader_info.dao), dao));
    findings.push(names("the upgrader's custody", Some(upgrader_info.custody), custody));
    Ok(findings)
}

async fn controllers(agent: &Agent, name: &str, id: Principal, needed: Principal) -> Outcome<Finding> {
    let found = agent.read_state_canister_controllers(id).await.map_err(|error| unread(id, &error))?;
    let text: Vec<_> = found.iter().map(Principal::to_text).collect();
    let needed_text = format!("{needed} alone");
    Ok(Finding::new(format!("controllers of {name}"), found == [needed], text.join(", "), needed_text))
}

async fn module(agent: &Agent, name: &str, id: Principal, built: Option<Vec<u8>>) -> Outcome<Finding> {
    let found = agent.read_state_canister_module_hash(id).await.map_err(|error| unread(id, &error))?;
    let (what, found) = (format!("module of {name}"), hex::encode(found));
    Ok(match built {
        Some(built) => {
            let built = Sha256Digest::of(&built).to_string();
            Finding::new(what, found == built, found, built)
        }
        None => Finding {
            what,
            verdict: Verdict::CannotTell,
            found,
            needed: "your own build of it: run scripts/build, or say where it is with --wasm-dir".into(),
        },
    })
}

/// Asks for the debug log as nobody in particular, who must be refused.
async fn debug_log(anybody: &Agent, name: &str, id: Principal) -> Finding {
    let args = candid::encode_one(FetchCanisterLogsArgs { canister_id: id, filter: None });
    let answer = anybody
        .query(&Principal::management_canister(), "fetch_canister_logs")
        .with_effective_canister_id(id)
        .with_arg(args.expect("our own types encode"))
        .call()
        .await;
    let (verdict, found) = match answer {
        Ok(_) => (Verdict::Unsafe, "shown to anybody"),
        Err(AgentError::UncertifiedReject { .. } | AgentError::CertifiedReject { .. }) => {
            (Verdict::Safe, "not shown to anybody")
        }
        Err(_) => (Verdict::CannotTell, "no answer"),
    };
    let (what, needed) = (format!("debug log of {name}"), "not shown to anybody".into());
    Finding { what, verdict, found: found.into(), needed }
}

fn unread(id: Principal, error: &AgentError) -> Failure {
    Failure::network(format!("the certified state of {id} cannot be read: {error}"))
        .hint("check --network and --root-key")
}

/// Lets the DAO know its upgrader, then makes the upgrader the only controller of DAO and custody, and the DAO that of
/// the upgrader. From then on only votes change them. Safe to repeat until it is done.
///
/// # Errors
/// When the caller does not control a canister, or the network refuses.
pub async fn hand_over(agent: &Agent, canisters: Canisters) -> Outcome<()> {
    let Canisters { dao, upgrader, .. } = canisters;
    if is_controlled_by(agent, dao, upgrader).await? {
        return Ok(());
    }
    let id = CanisterIdRecord { canister_id: dao };
    let (status,): (CanisterStatusResult,) = manage(agent, dao, "canister_status", (id,)).await?;
    let mut variables = status.settings.environment_variables;
    variables.retain(|variable| variable.name != UPGRADER_VARIABLE);
    variables.push(EnvironmentVariable { name: UPGRADER_VARIABLE.into(), value: upgrader.to_text() });
    let known = CanisterSettings { environment_variables: Some(variables), ..CanisterSettings::default() };
    change(agent, dao, known).await?;
    // The DAO last: who has it yet knows that the rest is to be looked after.
    let mut rows = canisters.rows();
    rows.reverse();
    for (_, _, id, controller) in rows {
        if is_controlled_by(agent, id, controller).await? {
            continue;
        }
        let settings = CanisterSettings {
            controllers: Some(vec![controller]),
            log_visibility: Some(LogVisibility::Controllers),
            snapshot_visibility: Some(SnapshotVisibility::Controllers),
            ..CanisterSettings::default()
        };
        change(agent, id, settings).await?;
    }
    Ok(())
}

/// Whether a canister has this controller and no other.
async fn is_controlled_by(agent: &Agent, canister: Principal, controller: Principal) -> Outcome<bool> {
    let found = agent.read_state_canister_controllers(canister).await;
    Ok(found.map_err(|error| unread(canister, &error))? == [controller])
}

async fn change(agent: &Agent, canister_id: Principal, settings: CanisterSettings) -> Outcome<()> {
    let args = UpdateSettingsArgs { canister_id, settings, sender_canister_version: None };
    manage(agent, canister_id, "update_settings", (args,)).await
}
