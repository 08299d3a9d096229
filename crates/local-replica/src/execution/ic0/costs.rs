//! System calls that tell what an operation would cost.

use wasmtime::{Caller, Linker};

use super::{Address, api, copy_in, system_call, write_cycles};
use crate::execution::CanisterTrap;
use crate::execution::instance::Host;
use crate::outcalls::{CostParams, cost_v1, cost_v2};

/// Results of the cost calls for threshold keys.
const OK: u32 = 0;
const UNKNOWN_CURVE: u32 = 1;
const UNKNOWN_KEY: u32 = 2;

pub(super) fn define<I: Address>(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    system_call!(linker, "cost_call", |caller, method_name_size: u64, payload_size: u64, dst: I| -> () {
        let cost = api(&mut caller).environment.prices.call(method_name_size, payload_size);
        write_cycles(&mut caller, dst, cost)
    });
    system_call!(linker, "cost_create_canister", |caller, dst: I| -> () {
        let cost = api(&mut caller).environment.prices.create_canister();
        write_cycles(&mut caller, dst, cost)
    });
    system_call!(linker, "cost_http_request", |caller,
                                               request_size: u64,
                                               max_res_bytes: u64,
                                               dst: I|
     -> () {
        let nodes = api(&mut caller).environment.prices.nodes();
        write_cycles(&mut caller, dst, cost_v1(nodes, request_size, max_res_bytes))
    });
    system_call!(linker, "cost_http_request_v2", |caller, params_src: I, params_size: I, dst: I| -> () {
        let params = copy_in(&mut caller, params_src, params_size)?;
        let nodes = api(&mut caller).environment.prices.nodes();
        let params =
            CostParams::decode(&params, nodes).map_err(|error| CanisterTrap::violation(error.to_string()))?;
        write_cycles(&mut caller, dst, cost_v2(nodes, &params))
    });
    // Curves: secp256k1, secp256r1.
    system_call!(linker, "cost_sign_with_ecdsa", |caller, src: I, size: I, curve: u32, dst: I| -> u32 {
        threshold_key_cost(&mut caller, src, size, curve < 2, dst)
    });
    // Algorithms: bip340secp256k1, ed25519.
    system_call!(linker, "cost_sign_with_schnorr", |caller,
                                                    src: I,
                                                    size: I,
                                                    algorithm: u32,
                                                    dst: I|
     -> u32 {
        threshold_key_cost(&mut caller, src, size, algorithm < 2, dst)
    });
    // Curves: bls12_381_g2.
    system_call!(linker, "cost_vetkd_derive_key", |caller, src: I, size: I, curve: u32, dst: I| -> u32 {
        threshold_key_cost(&mut caller, src, size, curve == 0, dst)
    });
    Ok(())
}

fn threshold_key_cost<I: Address>(
    caller: &mut Caller<'_, Host>,
    src: I,
    size: I,
    is_known_curve: bool,
    dst: I,
) -> wasmtime::Result<u32> {
    let key_name = copy_in(caller, src, size)?;
    if !is_known_curve {
        return Ok(UNKNOWN_CURVE);
    }
    let prices = api(caller).environment.prices;
    let cost = std::str::from_utf8(&key_name).ok().and_then(|name| prices.threshold_key(name));
    match cost {
        Some(cost) => {
            write_cycles(caller, dst, cost)?;
            Ok(OK)
        }
        None => Ok(UNKNOWN_KEY),
    }
}
