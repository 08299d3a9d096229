//! System calls that assemble calls to other canisters.

use wasmtime::Linker;

use super::{api, copy_in, cycles, system_call};
use crate::cycles::MAX_METHOD_NAME_BYTES;
use crate::execution::CanisterTrap;
use crate::execution::instance::Host;
use crate::execution::system_api::{CallPerformed, TableFunction};

/// What `call_perform` returns when the call could not be made.
const SYS_TRANSIENT: u32 = 2;

pub(super) fn define(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    system_call!(linker, "call_new", |caller,
                                      callee_src: u32,
                                      callee_size: u32,
                                      name_src: u32,
                                      name_size: u32,
                                      reply_fun: u32,
                                      reply_env: u32,
                                      reject_fun: u32,
                                      reject_env: u32|
     -> () {
        if name_size as usize > MAX_METHOD_NAME_BYTES {
            return Err(CanisterTrap::violation(format!(
                "ic0.call_new: the method name has {name_size} bytes; allowed are at most {MAX_METHOD_NAME_BYTES}"
            ))
            .into());
        }
        let callee = copy_in(&mut caller, callee_src, callee_size)?;
        let method = copy_in(&mut caller, name_src, name_size)?;
        let reply = TableFunction { index: reply_fun, environment: reply_env };
        let reject = TableFunction { index: reject_fun, environment: reject_env };
        Ok(api(&mut caller).begin_call(&callee, &method, reply, reject)?)
    });
    system_call!(linker, "call_on_cleanup", |caller, index: u32, environment: u32| -> () {
        Ok(api(&mut caller).set_cleanup(TableFunction { index, environment })?)
    });
    system_call!(linker, "call_data_append", |caller, src: u32, size: u32| -> () {
        let data = copy_in(&mut caller, src, size)?;
        Ok(api(&mut caller).append_call_data(&data)?)
    });
    system_call!(linker, "call_with_best_effort_response", |caller, timeout_seconds: u32| -> () {
        Ok(api(&mut caller).bound_wait(timeout_seconds)?)
    });
    system_call!(linker, "call_cycles_add128", |caller, high: u64, low: u64| -> () {
        Ok(api(&mut caller).add_call_cycles(cycles(high, low))?)
    });
    system_call!(linker, "call_cycles_add", |caller, amount: u64| -> () {
        Ok(api(&mut caller).add_call_cycles(amount.into())?)
    });
    system_call!(linker, "call_perform", |caller| -> u32 {
        Ok(match api(&mut caller).perform_call()? {
            CallPerformed::Enqueued => 0,
            CallPerformed::InsufficientCycles => SYS_TRANSIENT,
        })
    });
    Ok(())
}
