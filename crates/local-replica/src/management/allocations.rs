//! Guaranteed shares of memory and of the processor: whether the subnet has them left and the
//! canister can pay for them.

use crate::canister::{Canister, Settings};
use crate::message::{Reject, RejectCode};
use crate::replica::Replica;

/// Memory of the whole subnet.
const SUBNET_MEMORY_BYTES: u128 = 2 << 40;
/// What all canisters together may reserve of the processor, in per cent of one core: three of the
/// four cores that execute messages, but for the last hundredth.
const SUBNET_COMPUTE_PERCENT: u64 = 299;

impl Replica {
    /// Whether `canister`, which had the allocations of `before`, may have those of its settings.
    pub(super) fn check_allocations(&self, canister: &Canister, before: &Settings) -> Result<(), Reject> {
        let new = &canister.settings;
        let grows_compute = new.compute_allocation_percent > before.compute_allocation_percent;
        let grows_memory = new.memory_allocation_bytes > before.memory_allocation_bytes;
        let others = || self.canisters.values().filter(|other| other.id != canister.id);
        if grows_compute {
            let taken: u64 = others().map(|other| other.settings.compute_allocation_percent).sum();
            let left = SUBNET_COMPUTE_PERCENT.saturating_sub(taken);
            if new.compute_allocation_percent > left {
                return Err(oversubscribed(format!(
                    "Canister requested a compute allocation of {}% which cannot be satisfied because the \
                     Subnet's remaining compute capacity is {left}%.",
                    new.compute_allocation_percent
                )));
            }
        }
        if grows_memory {
            let taken: u128 = others().map(Canister::held_bytes).sum();
            let left = SUBNET_MEMORY_BYTES.saturating_sub(taken);
            if u128::from(new.memory_allocation_bytes) > left {
                return Err(oversubscribed(format!(
                    "Canister requested {} bytes of memory but only {left} bytes are available in the subnet.",
                    new.memory_allocation_bytes
                )));
            }
        }
        let missing =
            canister.freezing_limit_cycles(self.subnet.prices).saturating_sub(canister.balance_cycles);
        if missing > 0 && grows_compute {
            return Err(unpaid("IC0530", "compute", new.compute_allocation_percent, missing));
        }
        if missing > 0 && grows_memory {
            return Err(unpaid("IC0531", "memory", new.memory_allocation_bytes, missing));
        }
        Ok(())
    }
}

fn oversubscribed(message: String) -> Reject {
    Reject::with_error_code(RejectCode::SysFatal, "IC0101", message)
}

fn unpaid(error_code: &str, what: &str, wanted: u64, missing_cycles: u128) -> Reject {
    Reject::with_error_code(
        RejectCode::CanisterError,
        error_code,
        format!(
            "Cannot increase {what} allocation to {wanted} due to insufficient cycles. At least \
             {missing_cycles} additional cycles are required."
        ),
    )
}
