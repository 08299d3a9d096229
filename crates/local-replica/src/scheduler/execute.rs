//! Runs one entry point of an installed canister: reserves and charges cycles, commits or rolls
//! back, keeps the log, reports to the observer.

use std::sync::Arc;

use candid::Principal;

use crate::config::Defect;
use crate::execution::{CanisterTrap, Context, Effects, Function, Input};
use crate::message::{EntryPoint, MessageReport, Outcome};
use crate::replica::Replica;

/// Who pays for the execution.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reserve {
    /// Nobody: it is not replicated.
    Free,
    /// The canister's balance, from which the longest execution is set aside first.
    Balance,
    /// What the call set aside for its callback: back in the balance, but not to be spent meanwhile.
    Prepaid { cycles: u128 },
    /// What the callback before it left of that. The fixed price of an execution is paid for both.
    PrepaidWithCallback { cycles: u128 },
}

/// An entry into a canister's code.
pub(crate) struct Entry<'a> {
    pub canister: Principal,
    pub kind: EntryPoint,
    pub function: Function<'a>,
    pub input: Input,
    pub reserve: Reserve,
    pub keep: Keep,
    pub data_certificate: Option<Vec<u8>>,
}

/// What stays of a successful execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Memories, globals and effects.
    Everything,
    /// Cycles moved; the memories are as before. A query.
    Cycles,
    /// The memories stay as they are, uncommitted: the caller decides.
    Undecided,
}

/// How an execution went.
pub(crate) struct Execution {
    pub result: Result<(), CanisterTrap>,
    /// Empty when it trapped.
    pub effects: Effects,
    pub report: MessageReport,
}

impl Replica {
    /// Executes and reports. The canister must have code.
    pub(crate) fn execute(&mut self, entry: Entry<'_>) -> Execution {
        let Entry { canister: id, kind, function, mut input, reserve, keep, data_certificate } = entry;
        if let Some(limit) = self.message_faults.instruction_limit(id, &kind) {
            input.instruction_limit = input.instruction_limit.min(limit);
        }
        let prices = self.subnet.prices;
        let time_ns = self.time_ns();
        let subnet = self.subnet.clone();
        let canister = self.canisters.get_mut(&id).expect("the caller found it");
        let before_cycles = canister.balance_cycles;
        let reserved = match reserve {
            Reserve::Free => 0,
            Reserve::Balance => prices.execution(input.instruction_limit),
            Reserve::Prepaid { cycles } | Reserve::PrepaidWithCallback { cycles } => cycles,
        }
        .min(before_cycles);
        input.balance_cycles = before_cycles - reserved;
        input.global_timer_ns = canister.global_timer_ns;
        let mut environment = canister.environment(&subnet, time_ns);
        environment.data_certificate = data_certificate;
        let before_bytes = canister.memories_bytes();
        let (context, request_bytes) = (input.context, input.arg.len());
        let instance = canister.instance.as_mut().expect("the caller found code");
        let mut run = instance.run(function, Arc::new(environment), input);
        let must_pay_for_growth = matches!(context, Context::Update | Context::SystemTask);
        if must_pay_for_growth && run.result.is_ok() && canister.memories_bytes() > before_bytes {
            run.result = canister.check_growth_is_paid(prices, run.effects.balance_cycles);
        }
        let instance = canister.instance.as_mut().expect("the caller found code");
        let response = run.effects.response.as_ref();
        canister.query_statistics.count(context, request_bytes, run.instructions, response);
        match (&run.result, keep) {
            (_, Keep::Undecided) => {}
            (Ok(()), Keep::Everything) => instance.commit(),
            (Err(_), _) if self.defect == Some(Defect::RollbackSkipped) => instance.commit(),
            _ => instance.rollback(),
        }
        let charged = match reserve {
            Reserve::Free => 0,
            Reserve::Balance | Reserve::Prepaid { .. } => prices.execution(run.instructions),
            Reserve::PrepaidWithCallback { .. } => prices.execution(run.instructions) - prices.execution(0),
        };
        let mut effects = run.effects;
        let log = std::mem::take(&mut effects.log);
        if run.result.is_err() {
            effects = Effects::default();
        }
        canister.balance_cycles = match (&run.result, reserve) {
            (_, Reserve::Free) => before_cycles,
            (Ok(()), _) => effects.balance_cycles.saturating_add(reserved).saturating_sub(charged),
            (Err(_), _) => before_cycles.saturating_sub(charged),
        };
        if !matches!(reserve, Reserve::Free) {
            let limit = canister.settings.log_memory_limit_bytes as usize;
            for line in log {
                canister.log.push(time_ns, line, limit);
            }
            if let Err(trap) = &run.result {
                canister.log.push(time_ns, trap.log_line().into_bytes(), limit);
            }
        }
        if run.result.is_ok() && keep != Keep::Undecided && !matches!(reserve, Reserve::Free) {
            canister.version += 1;
        }
        if run.result.is_ok() && keep == Keep::Everything {
            if let Some(data) = effects.certified_data.take() {
                canister.certified_data = data;
            }
            if let Some(timer_ns) = effects.global_timer_ns {
                canister.global_timer_ns = timer_ns;
            }
        }
        let report = MessageReport {
            canister: id,
            entry: kind,
            instructions: run.instructions,
            cycles_charged: charged,
            outcome: match &run.result {
                Ok(()) => Outcome::Ok,
                Err(trap) => Outcome::Trap(trap.to_string()),
            },
            time_ns,
            replied: effects.response.is_some(),
            calls: effects.calls.len(),
        };
        self.notify_observer(&report);
        Execution { result: run.result, effects, report }
    }

    /// The report of something that ran no code of a canister.
    pub(crate) fn report_native(
        &mut self,
        canister: Principal,
        method: &str,
        outcome: Outcome,
    ) -> MessageReport {
        let report = MessageReport {
            canister,
            entry: EntryPoint::Native { method: method.to_owned() },
            instructions: 0,
            cycles_charged: 0,
            outcome,
            time_ns: self.time_ns(),
            replied: false,
            calls: 0,
        };
        self.notify_observer(&report);
        report
    }
}
