//! System calls that assemble calls to other canisters.

use wasmtime::Linker;

use super::{Address, api, copy_in, cycles, system_call};
use crate::cycles::MAX_METHOD_NAME_BYTES;
use crate::execution::CanisterTrap;
use crate::execution::instance::Host;
use crate::execution::system_api::{CallPerformed, TableFunction};

/// What `call_perform` returns when the call could not be made.
const SYS_TRANSIENT: u32 = 2;

pub(super) fn define<I: Address>(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    system_call!(linker, "call_new", |caller,
                                      callee_src: I,
                                      callee_size: I,
                                      name_src: I,
                                      name_size: I,
                                      reply_fun: I,
                                      reply_env: I,
                                      reject_fun: I,
                                      reject_env: I|
     -> () {
        let name_bytes: u64 = name_size.into();
        if name_bytes > MAX_METHOD_NAME_BYTES as u64 {
            return Err(CanisterTrap::violation(format!(
                "ic0.call_new: the method name has {name_bytes} bytes; allowed are at most {MAX_METHOD_NAME_BYTES}"
            ))
            .into());
        }
        let callee = copy_in(&mut caller, callee_src, callee_size)?;
        let method = copy_in(&mut caller, name_src, name_size)?;
        let reply = TableFunction { index: reply_fun.into(), environment: reply_env.into() };
        let reject = TableFunction { index: reject_fun.into(), environment: reject_env.into() };
        Ok(api(&mut caller).begin_call(&callee, &method, reply, reject)?)
    });
    system_call!(linker, "call_on_cleanup", |caller, index: I, environment: I| -> () {
        Ok(api(&mut caller)
            .set_cleanup(TableFunction { index: index.into(), environment: environment.into() })?)
    });
    system_call!(linker, "call_data_append", |caller, src: I, size: I| -> () {
        let data = copy_in(&mut caller, src, size)?;
        Ok(api(&mut caller).append_call_data(&data)?)
    });
    system_call!(linker, "call_with_best_effort_response", |caller, timeout_seconds: u32| -> () {
        Ok(api(&mut caller).bound_wait(timeout_seconds)?)
    });
    system_call!(linker, "call_cycles_add128", |caller, high: u64, low: u64| -> () {
        Ok(api(&mut caller).add_call_cycles(cycles(high, low))?)
    });
    system_call!(linker, "call_perform", |caller| -> u32 {
        Ok(match api(&mut caller).perform_call()? {
            CallPerformed::Enqueued => 0,
            CallPerformed::InsufficientCycles | CallPerformed::QueueFull => SYS_TRANSIENT,
        })
    });
    Ok(())
}

/// The call that only modules with 32-bit memories can make.
pub(super) fn define_older(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    system_call!(linker, "call_cycles_add", |caller, amount: u64| -> () {
        Ok(api(&mut caller).add_call_cycles(amount.into())?)
    });
    Ok(())
}
