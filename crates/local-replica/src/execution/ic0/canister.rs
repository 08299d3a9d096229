//! System calls about the canister itself: identity, balance, time, environment, certification.

use wasmtime::{Caller, Linker};

use super::{
    Address, api, blob, copy_in, copy_out, cycles, low_half, system_call, try_copy_in, write_cycles,
};
use crate::canister::MAX_ENVIRONMENT_VARIABLE_BYTES;
use crate::execution::CanisterTrap;
use crate::execution::instance::Host;

/// What `debug_print` and `trap` take at most; the rest is cut off.
const MAX_DIAGNOSTIC_BYTES: u64 = 32 * 1024;

pub(super) fn define<I: Address>(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    define_identity::<I>(linker)?;
    define_balance::<I>(linker)?;
    define_time(linker)?;
    define_certification::<I>(linker)?;
    define_environment_variables::<I>(linker)?;
    define_diagnostics::<I>(linker)
}

/// The call that only modules with 32-bit memories can make.
pub(super) fn define_older(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    system_call!(linker, "canister_cycle_balance", |caller| -> u64 {
        low_half(api(&mut caller).effects.balance_cycles)
    });
    Ok(())
}

fn define_identity<I: Address>(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    blob!(linker, "canister_self_size", "canister_self_copy", |api| api.environment.canister.as_slice());
    blob!(linker, "subnet_self_size", "subnet_self_copy", |api| api.environment.subnet.as_slice());
    system_call!(linker, "subnet_self_node_count", |caller| -> u32 {
        Ok(api(&mut caller).environment.prices.nodes())
    });
    system_call!(linker, "canister_status", |caller| -> u32 {
        Ok(api(&mut caller).environment.canister_status)
    });
    system_call!(linker, "canister_version", |caller| -> u64 {
        Ok(api(&mut caller).environment.canister_version)
    });
    system_call!(linker, "is_controller", |caller, src: I, size: I| -> u32 {
        let principal = copy_in(&mut caller, src, size)?;
        Ok(api(&mut caller).is_controller(&principal)?.into())
    });
    system_call!(linker, "in_replicated_execution", |caller| -> u32 {
        Ok(api(&mut caller).input.context.is_replicated().into())
    });
    Ok(())
}

fn define_balance<I: Address>(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    system_call!(linker, "canister_cycle_balance128", |caller, dst: I| -> () {
        let balance = api(&mut caller).effects.balance_cycles;
        write_cycles(&mut caller, dst, balance)
    });
    system_call!(linker, "canister_liquid_cycle_balance128", |caller, dst: I| -> () {
        let liquid = api(&mut caller).liquid_cycles();
        write_cycles(&mut caller, dst, liquid)
    });
    system_call!(linker, "cycles_burn128", |caller, high: u64, low: u64, dst: I| -> () {
        let burned = api(&mut caller).burn_cycles(cycles(high, low));
        write_cycles(&mut caller, dst, burned)
    });
    Ok(())
}

fn define_time(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    system_call!(linker, "time", |caller| -> u64 { Ok(api(&mut caller).environment.time_ns) });
    system_call!(linker, "global_timer_set", |caller, timestamp_ns: u64| -> u64 {
        Ok(api(&mut caller).set_global_timer(timestamp_ns))
    });
    system_call!(linker, "performance_counter", |caller, counter: u32| -> u64 {
        let remaining = caller.get_fuel()?;
        let input = &api(&mut caller).input;
        let executed = input.instruction_limit - remaining;
        match counter {
            0 => Ok(executed),
            1 => Ok(executed + input.context_instructions),
            other => Err(CanisterTrap::violation(format!(
                "performance counter {other} does not exist; known are 0 and 1"
            ))
            .into()),
        }
    });
    Ok(())
}

fn define_certification<I: Address>(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    blob!(linker, "root_key_size", "root_key_copy", |api| &api.environment.root_key_der);
    system_call!(linker, "certified_data_set", |caller, src: I, size: I| -> () {
        let data = copy_in(&mut caller, src, size)?;
        Ok(api(&mut caller).set_certified_data(data)?)
    });
    system_call!(linker, "data_certificate_present", |caller| -> u32 {
        let environment = &api(&mut caller).environment;
        Ok(environment.data_certificate.is_some().into())
    });
    system_call!(linker, "data_certificate_size", |caller| -> I {
        match &api(&mut caller).environment.data_certificate {
            Some(certificate) => Ok(I::of_size(certificate.len())),
            None => Err(no_data_certificate().into()),
        }
    });
    system_call!(linker, "data_certificate_copy", |caller, dst: I, offset: I, size: I| -> () {
        copy_out(
            &mut caller,
            |api| {
                let certificate = api.environment.data_certificate.as_deref();
                certificate.ok_or_else(no_data_certificate)
            },
            dst,
            offset,
            size,
        )
    });
    Ok(())
}

fn no_data_certificate() -> CanisterTrap {
    CanisterTrap::violation("there is no data certificate in this call")
}

fn define_environment_variables<I: Address>(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    system_call!(linker, "env_var_count", |caller| -> I {
        Ok(I::of_size(api(&mut caller).environment.environment_variables.len()))
    });
    system_call!(linker, "env_var_name_size", |caller, index: I| -> I {
        Ok(I::of_size(api(&mut caller).environment_variable_name(index.into())?.len()))
    });
    system_call!(linker, "env_var_name_copy", |caller, index: I, dst: I, offset: I, size: I| -> () {
        copy_out(
            &mut caller,
            |api| Ok(api.environment_variable_name(index.into())?.as_bytes()),
            dst,
            offset,
            size,
        )
    });
    system_call!(linker, "env_var_name_exists", |caller, name_src: I, name_size: I| -> u32 {
        let name = variable_name(&mut caller, name_src, name_size)?;
        Ok(api(&mut caller).environment_variable(&name)?.is_some().into())
    });
    system_call!(linker, "env_var_value_size", |caller, name_src: I, name_size: I| -> I {
        let name = variable_name(&mut caller, name_src, name_size)?;
        let value = api(&mut caller).environment_variable(&name)?;
        Ok(I::of_size(value.ok_or_else(no_environment_variable)?.len()))
    });
    system_call!(linker, "env_var_value_copy", |caller,
                                                name_src: I,
                                                name_size: I,
                                                dst: I,
                                                offset: I,
                                                size: I|
     -> () {
        let name = variable_name(&mut caller, name_src, name_size)?;
        copy_out(
            &mut caller,
            |api| {
                let value = api.environment_variable(&name)?;
                Ok(value.ok_or_else(no_environment_variable)?.as_bytes())
            },
            dst,
            offset,
            size,
        )
    });
    Ok(())
}

/// The name that a system call on environment variables is given.
fn variable_name<I: Address>(caller: &mut Caller<'_, Host>, src: I, size: I) -> wasmtime::Result<Vec<u8>> {
    let size: u64 = size.into();
    if size > MAX_ENVIRONMENT_VARIABLE_BYTES as u64 {
        return Err(CanisterTrap::violation(format!(
            "the name of an environment variable has {size} bytes; allowed are at most {MAX_ENVIRONMENT_VARIABLE_BYTES}"
        ))
        .into());
    }
    copy_in(caller, src, size)
}

fn no_environment_variable() -> CanisterTrap {
    CanisterTrap::violation("there is no environment variable of this name")
}

fn define_diagnostics<I: Address>(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    system_call!(linker, "debug_print", |caller, src: I, size: I| -> () {
        let line = try_copy_in(&mut caller, src, size.into().min(MAX_DIAGNOSTIC_BYTES))?;
        let line = line.unwrap_or_else(|| b"(debug_print message out of memory bounds)".to_vec());
        api(&mut caller).effects.log.push(line);
        Ok(())
    });
    system_call!(linker, "trap", |caller, src: I, size: I| -> () {
        let message = try_copy_in(&mut caller, src, size.into().min(MAX_DIAGNOSTIC_BYTES))?;
        let message = message.map_or_else(
            || "(trap message out of memory bounds)".to_owned(),
            |bytes| bytes.utf8_chunks().map(|chunk| chunk.valid()).collect(),
        );
        Err(CanisterTrap::Called(message).into())
    });
    Ok(())
}
