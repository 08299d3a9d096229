//! System calls about the message: argument, caller, answer, attached cycles.

use wasmtime::Linker;

use super::{Address, api, blob, copy_in, copy_out, cycles, low_half, system_call, write_cycles};
use crate::execution::instance::Host;

pub(super) fn define<I: Address>(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    blob!(linker, "msg_arg_data_size", "msg_arg_data_copy", |api| &api.input.arg);
    blob!(linker, "msg_caller_size", "msg_caller_copy", |api| api.input.caller.as_slice());
    // Filled only for senders that sign by canister signature, which this replica does not offer.
    blob!(linker, "msg_caller_info_data_size", "msg_caller_info_data_copy", |_api| &[]);
    blob!(linker, "msg_caller_info_signer_size", "msg_caller_info_signer_copy", |_api| &[]);
    blob!(linker, "msg_method_name_size", "msg_method_name_copy", |api| api.input.method.as_bytes());
    system_call!(linker, "msg_reject_code", |caller| -> u32 {
        let reject = api(&mut caller).input.reject.as_ref();
        Ok(reject.map_or(0, |reject| reject.code.as_u32()))
    });
    system_call!(linker, "msg_reject_msg_size", |caller| -> I {
        Ok(I::of_size(api(&mut caller).reject_message()?.len()))
    });
    system_call!(linker, "msg_reject_msg_copy", |caller, dst: I, offset: I, size: I| -> () {
        copy_out(&mut caller, |api| Ok(api.reject_message()?.as_bytes()), dst, offset, size)
    });
    system_call!(linker, "msg_deadline", |caller| -> u64 { Ok(api(&mut caller).input.deadline_ns) });
    system_call!(linker, "accept_message", |caller| -> () { Ok(api(&mut caller).accept_message()?) });
    system_call!(linker, "msg_reply_data_append", |caller, src: I, size: I| -> () {
        let data = copy_in(&mut caller, src, size)?;
        Ok(api(&mut caller).append_reply(&data)?)
    });
    system_call!(linker, "msg_reply", |caller| -> () { Ok(api(&mut caller).reply()?) });
    system_call!(linker, "msg_reject", |caller, src: I, size: I| -> () {
        let message = copy_in(&mut caller, src, size)?;
        Ok(api(&mut caller).reject(&message)?)
    });
    system_call!(linker, "msg_cycles_available128", |caller, dst: I| -> () {
        let available = api(&mut caller).available_cycles();
        write_cycles(&mut caller, dst, available)
    });
    system_call!(linker, "msg_cycles_refunded128", |caller, dst: I| -> () {
        let refunded = api(&mut caller).input.cycles_refunded;
        write_cycles(&mut caller, dst, refunded)
    });
    system_call!(linker, "msg_cycles_accept128", |caller, high: u64, low: u64, dst: I| -> () {
        let accepted = api(&mut caller).accept_cycles(cycles(high, low));
        write_cycles(&mut caller, dst, accepted)
    });
    Ok(())
}

/// The calls that only modules with 32-bit memories can make.
pub(super) fn define_older(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    system_call!(linker, "msg_cycles_available", |caller| -> u64 {
        low_half(api(&mut caller).available_cycles())
    });
    system_call!(linker, "msg_cycles_refunded", |caller| -> u64 {
        low_half(api(&mut caller).input.cycles_refunded)
    });
    system_call!(linker, "msg_cycles_accept", |caller, max: u64| -> u64 {
        low_half(api(&mut caller).accept_cycles(max.into()))
    });
    Ok(())
}
