//! Installing, upgrading and removing code.

use std::sync::Arc;

use candid::{CandidType, Deserialize, Principal};
use ic_management_canister_types::{
    CanisterInstallMode, ChangeDetails, CodeDeploymentMode, CodeDeploymentRecord, UninstallCodeArgs,
    UpgradeFlags, WasmMemoryPersistence,
};

use super::payload::{decode, empty_reply};
use crate::canister::{Canister, Originator};
use crate::cycles::INSTALL_INSTRUCTIONS;
use crate::execution::{CanisterTrap, CompiledModule, Context, Function, Input, Instance, StableMemory};
use crate::message::{CallResult, EntryPoint, Reject, RejectCode};
use crate::replica::Replica;
use crate::scheduler::{Entry, Keep, Request, Reserve, check_installation_cycles, no_module, not_found};

/// The arguments of `install_code`; the module as a blob, which decodes faster than a vector.
#[derive(CandidType, Deserialize)]
struct InstallCodeArgs {
    mode: CanisterInstallMode,
    canister_id: Principal,
    #[serde(with = "serde_bytes")]
    wasm_module: Vec<u8>,
    #[serde(with = "serde_bytes")]
    arg: Vec<u8>,
    sender_canister_version: Option<u64>,
}

impl Replica {
    pub(super) fn install_code_call(&mut self, request: &Request) -> CallResult {
        let (args,): (InstallCodeArgs,) = decode(&request.arg)?;
        self.controlled(request.caller, args.canister_id, &request.method)?;
        let by = self.originator(request.caller, args.sender_canister_version);
        self.install_code(by, args.canister_id, args.mode, &args.wasm_module, args.arg)?;
        empty_reply()
    }

    /// Installs code; on any failure the canister stays as it was.
    pub(crate) fn install_code(
        &mut self,
        by: Originator,
        id: Principal,
        mode: CanisterInstallMode,
        wasm: &[u8],
        arg: Vec<u8>,
    ) -> Result<(), Reject> {
        let caller = by.principal();
        let canister = self.canisters.get(&id).ok_or_else(|| not_found(id))?;
        match (mode, canister.instance.is_some()) {
            (CanisterInstallMode::Install, true) => return Err(not_empty(id)),
            (CanisterInstallMode::Upgrade(_), false) => return Err(no_module(id)),
            _ => {}
        }
        let prices = self.subnet.prices;
        check_installation_cycles(canister, prices, prices.execution(INSTALL_INSTRUCTIONS), caller)?;
        let module = self.modules.compile(wasm).map_err(|error| {
            Reject::with_error_code(
                RejectCode::CanisterError,
                "IC0505",
                format!("Error from Canister {id}: Canister's Wasm module is not valid: {error}"),
            )
        })?;
        let hash = module.hash;
        let first_new_log = canister.log.next_index();
        let deployment = match mode {
            CanisterInstallMode::Install => CodeDeploymentMode::Install,
            CanisterInstallMode::Reinstall => CodeDeploymentMode::Reinstall,
            CanisterInstallMode::Upgrade(_) => CodeDeploymentMode::Upgrade,
        };
        match mode {
            CanisterInstallMode::Install | CanisterInstallMode::Reinstall => {
                self.install_fresh(caller, id, module, arg)
            }
            CanisterInstallMode::Upgrade(flags) => {
                self.install_over(caller, id, module, arg, flags.unwrap_or_default())
            }
        }
        .map_err(|trap| trap.to_reject(id))?;
        let time_ns = self.time_ns();
        let details = ChangeDetails::CodeDeployment(CodeDeploymentRecord {
            mode: deployment,
            module_hash: hash.to_vec(),
        });
        let canister = self.canister_mut(id);
        if deployment == CodeDeploymentMode::Reinstall {
            canister.log.forget_before(first_new_log);
        }
        canister.history.record(time_ns, canister.version, by, details);
        Ok(())
    }

    fn install_fresh(
        &mut self,
        caller: Principal,
        id: Principal,
        module: Arc<CompiledModule>,
        arg: Vec<u8>,
    ) -> Result<(), CanisterTrap> {
        let instance = Instance::new(module, StableMemory::default()).map_err(|(trap, _)| trap)?;
        let canister = self.canister_mut(id);
        let mut before = Before::of(canister);
        before.instance = canister.instance.replace(instance);
        canister.certified_data.clear();
        canister.global_timer_ns = 0;
        canister.version += 1;
        let result = self
            .lifecycle_step(caller, id, START, Vec::new(), &mut before)
            .and_then(|()| self.lifecycle_step(caller, id, INIT, arg, &mut before));
        self.settle_installation(id, before, result)
    }

    fn install_over(
        &mut self,
        caller: Principal,
        id: Principal,
        module: Arc<CompiledModule>,
        arg: Vec<u8>,
        flags: UpgradeFlags,
    ) -> Result<(), CanisterTrap> {
        let mut before = Before::of(self.canister_mut(id));
        if !flags.skip_pre_upgrade.unwrap_or(false) {
            let pre = self.lifecycle_step(caller, id, PRE_UPGRADE, Vec::new(), &mut before);
            if pre.is_err() {
                self.instance_mut(id).rollback();
                before.put_back(self.canister_mut(id));
                return pre;
            }
        }
        let keeps_memory = flags.wasm_memory_persistence == Some(WasmMemoryPersistence::Keep);
        let old = self.instance_mut(id);
        let stable = old.take_stable_memory();
        let kept = keeps_memory.then(|| old.memory().to_vec());
        let mut new = match Instance::new(module, stable) {
            Ok(new) => new,
            Err((trap, stable)) => {
                old.put_stable_memory(stable);
                old.rollback();
                before.put_back(self.canister_mut(id));
                return Err(trap);
            }
        };
        let kept = kept.map_or(Ok(()), |contents| new.set_memory(&contents));
        let canister = self.canister_mut(id);
        before.instance = canister.instance.replace(new);
        before.gave_away_stable_memory = true;
        canister.global_timer_ns = 0;
        canister.version += 1;
        let result = kept
            .and_then(|()| self.lifecycle_step(caller, id, START, Vec::new(), &mut before))
            .and_then(|()| self.lifecycle_step(caller, id, POST_UPGRADE, arg, &mut before));
        self.settle_installation(id, before, result)
    }

    /// Runs one of the functions of an installation, if the module has it; commits nothing.
    fn lifecycle_step(
        &mut self,
        caller: Principal,
        id: Principal,
        step: LifecycleStep,
        arg: Vec<u8>,
        before: &mut Before,
    ) -> Result<(), CanisterTrap> {
        let LifecycleStep { kind, function, context } = step;
        let module = self.instance_mut(id).module();
        let exists = match function {
            Function::Export(name) => module.exports(name),
            Function::Start => module.has_start(),
            Function::Table(_) => false,
        };
        if !exists {
            return Ok(());
        }
        let execution = self.execute(Entry {
            canister: id,
            kind,
            function,
            input: Input { arg, ..Input::new(context, caller, INSTALL_INSTRUCTIONS) },
            reserve: Reserve::Balance,
            keep: Keep::Undecided,
            data_certificate: None,
        });
        before.charged_cycles += execution.report.cycles_charged;
        execution.result?;
        let canister = self.canister_mut(id);
        if let Some(data) = execution.effects.certified_data {
            canister.certified_data = data;
        }
        if let Some(timer_ns) = execution.effects.global_timer_ns {
            canister.global_timer_ns = timer_ns;
        }
        Ok(())
    }

    /// Commits the new code, or puts everything back.
    fn settle_installation(
        &mut self,
        id: Principal,
        mut before: Before,
        result: Result<(), CanisterTrap>,
    ) -> Result<(), CanisterTrap> {
        let memory_limit_bytes = self.canister_mut(id).settings.wasm_memory_limit_bytes;
        let result = result.and_then(|()| self.instance_mut(id).check_memory_limit(memory_limit_bytes));
        let (prices, canister) = (self.subnet.prices, self.canister_mut(id));
        let result = result.and_then(|()| canister.check_growth_is_paid(prices, canister.balance_cycles));
        if result.is_ok() {
            self.instance_mut(id).commit();
            return Ok(());
        }
        let stable = self.instance_mut(id).take_stable_memory();
        let canister = self.canister_mut(id);
        canister.instance = before.instance.take();
        if let Some(old) = &mut canister.instance {
            if before.gave_away_stable_memory {
                old.put_stable_memory(stable);
            }
            old.rollback();
        }
        before.put_back(canister);
        result
    }

    pub(super) fn uninstall_code(&mut self, request: &Request) -> CallResult {
        let (args,): (UninstallCodeArgs,) = decode(&request.arg)?;
        self.controlled(request.caller, args.canister_id, &request.method)?;
        let by = self.originator(request.caller, args.sender_canister_version);
        self.uninstall(by, args.canister_id);
        empty_reply()
    }

    /// Makes an existing canister empty and rejects the calls that it has not answered.
    pub(super) fn uninstall(&mut self, by: Originator, id: Principal) {
        let time_ns = self.time_ns();
        self.remove_code(id);
        let canister = self.canister_mut(id);
        canister.history.record(time_ns, canister.version, by, ChangeDetails::CodeUninstall);
    }

    /// Who makes a change; a canister may have told its version.
    pub(super) fn originator(&self, caller: Principal, sender_canister_version: Option<u64>) -> Originator {
        if self.canisters.contains_key(&caller) {
            Originator::Canister(caller, sender_canister_version)
        } else {
            Originator::User(caller)
        }
    }

    pub(super) fn canister_mut(&mut self, id: Principal) -> &mut Canister {
        self.canisters.get_mut(&id).expect("found at the start of the call")
    }

    fn instance_mut(&mut self, id: Principal) -> &mut Instance {
        self.canister_mut(id).instance.as_mut().expect("has code during the installation")
    }
}

/// A function of the module that an installation runs.
struct LifecycleStep {
    kind: EntryPoint,
    function: Function<'static>,
    context: Context,
}

const START: LifecycleStep =
    LifecycleStep { kind: EntryPoint::Start, function: Function::Start, context: Context::Start };
const INIT: LifecycleStep = LifecycleStep {
    kind: EntryPoint::Init,
    function: Function::Export("canister_init"),
    context: Context::Init,
};
const PRE_UPGRADE: LifecycleStep = LifecycleStep {
    kind: EntryPoint::PreUpgrade,
    function: Function::Export("canister_pre_upgrade"),
    context: Context::PreUpgrade,
};
const POST_UPGRADE: LifecycleStep = LifecycleStep {
    kind: EntryPoint::PostUpgrade,
    function: Function::Export("canister_post_upgrade"),
    context: Context::Init,
};

/// What a failed installation puts back.
struct Before {
    /// The instance that the new one has replaced.
    instance: Option<Instance>,
    /// Whether the new instance works on the old one's stable memory, as in an upgrade.
    gave_away_stable_memory: bool,
    certified_data: Vec<u8>,
    timer_ns: u64,
    version: u64,
    balance_cycles: u128,
    /// What the steps that ran cost; it is not given back.
    charged_cycles: u128,
}

impl Before {
    fn of(canister: &Canister) -> Self {
        Self {
            instance: None,
            gave_away_stable_memory: false,
            certified_data: canister.certified_data.clone(),
            timer_ns: canister.global_timer_ns,
            version: canister.version,
            balance_cycles: canister.balance_cycles,
            charged_cycles: 0,
        }
    }

    /// Puts back everything but the instance.
    fn put_back(self, canister: &mut Canister) {
        canister.certified_data = self.certified_data;
        canister.global_timer_ns = self.timer_ns;
        canister.version = self.version;
        canister.balance_cycles = self.balance_cycles.saturating_sub(self.charged_cycles);
    }
}

fn not_empty(id: Principal) -> Reject {
    Reject::with_error_code(
        RejectCode::CanisterError,
        "IC0514",
        format!(
            "Canister {id} cannot be installed because the canister is not empty. Try installing with \
             mode='reinstall' instead."
        ),
    )
}
