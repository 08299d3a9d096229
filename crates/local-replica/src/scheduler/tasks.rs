//! What the system starts by itself in a canister: heartbeat, global timer, low-memory hook.

use candid::Principal;

use super::execute::{Entry, Keep, Reserve};
use super::{Origin, QueuedMessage, SystemTask};
use crate::canister::{CallContext, Canister, LowMemoryHook, Status};
use crate::cycles::{Prices, UPDATE_INSTRUCTIONS};
use crate::execution::{Context, Function, Input};
use crate::message::{EntryPoint, MessageReport};
use crate::replica::Replica;

/// How much time passes between two heartbeats: about one block of the network.
const HEARTBEAT_INTERVAL_NS: u64 = 1_000_000_000;

impl SystemTask {
    /// The function that the canister exports for it.
    fn export(self) -> &'static str {
        match self {
            Self::Heartbeat => "canister_heartbeat",
            Self::GlobalTimer => "canister_global_timer",
            Self::OnLowWasmMemory => "canister_on_low_wasm_memory",
        }
    }

    fn entry_point(self) -> EntryPoint {
        match self {
            Self::Heartbeat => EntryPoint::Heartbeat,
            Self::GlobalTimer => EntryPoint::GlobalTimer,
            Self::OnLowWasmMemory => EntryPoint::OnLowWasmMemory,
        }
    }

    /// Whether the canister's state asks for this task now.
    fn is_due(self, canister: &Canister, time_ns: u64) -> bool {
        match self {
            Self::Heartbeat => canister.next_heartbeat_ns <= time_ns,
            Self::GlobalTimer => canister.global_timer_ns != 0 && canister.global_timer_ns <= time_ns,
            Self::OnLowWasmMemory => canister.low_memory_hook == LowMemoryHook::Ready,
        }
    }

    /// Records that the task runs now, so that it is not due any more.
    fn begin(self, canister: &mut Canister, time_ns: u64) {
        match self {
            Self::Heartbeat => canister.next_heartbeat_ns = time_ns.saturating_add(HEARTBEAT_INTERVAL_NS),
            Self::GlobalTimer => canister.global_timer_ns = 0,
            Self::OnLowWasmMemory => canister.low_memory_hook = LowMemoryHook::Executed,
        }
    }

    /// Whether the canister can run this task: a frozen one cannot, and its timer stays set.
    fn can_run(self, canister: &Canister, prices: Prices) -> bool {
        canister.status == Status::Running
            && canister.module().is_some_and(|module| module.exports(self.export()))
            && canister.liquid_cycles(prices) >= prices.execution(UPDATE_INSTRUCTIONS)
    }
}

impl Replica {
    /// Puts due tasks into the queue; a low-memory hook goes before all that waits.
    pub(super) fn enqueue_due_tasks(&mut self) {
        let time_ns = self.time_ns();
        let prices = self.subnet.prices;
        for canister in self.canisters.values_mut() {
            canister.update_low_memory_hook();
            for task in [SystemTask::Heartbeat, SystemTask::GlobalTimer, SystemTask::OnLowWasmMemory] {
                if !task.is_due(canister, time_ns) || !task.can_run(canister, prices) {
                    continue;
                }
                let id = canister.id;
                let is_queued = self.queue.iter().any(|message| {
                    matches!(message, QueuedMessage::Task(queued, kind) if *queued == id && *kind == task)
                });
                if is_queued {
                    continue;
                }
                let message = QueuedMessage::Task(id, task);
                match task {
                    SystemTask::OnLowWasmMemory => self.queue.push_front(message),
                    SystemTask::Heartbeat | SystemTask::GlobalTimer => self.queue.push_back(message),
                }
            }
        }
    }

    /// `None` when the canister has meanwhile become unable to run the task, or it is not due any
    /// more.
    pub(super) fn deliver_task(&mut self, id: Principal, task: SystemTask) -> Option<MessageReport> {
        let (time_ns, prices) = (self.time_ns(), self.subnet.prices);
        let canister = self.canisters.get_mut(&id)?;
        if !task.is_due(canister, time_ns) || !task.can_run(canister, prices) {
            return None;
        }
        task.begin(canister, time_ns);
        let caller = Principal::management_canister();
        let context = canister.open_calls.open(CallContext {
            origin: Origin::System,
            caller,
            method: task.export().to_owned(),
            deadline_ns: 0,
            available_cycles: 0,
            responded: true,
            deleted: false,
            outstanding_calls: 0,
            instructions: 0,
        });
        let execution = self.execute(Entry {
            canister: id,
            kind: task.entry_point(),
            function: Function::Export(task.export()),
            input: Input::new(Context::SystemTask, caller, UPDATE_INSTRUCTIONS),
            reserve: Reserve::Balance,
            keep: Keep::Everything,
            data_certificate: None,
        });
        self.open_calls(id).context(context).instructions += execution.report.instructions;
        self.conclude(id, context, execution.result.err().map(|trap| trap.to_reject(id)), execution.effects);
        Some(execution.report)
    }
}
