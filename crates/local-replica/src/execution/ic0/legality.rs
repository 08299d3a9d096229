//! From which contexts each system call may be made: the comments of the interface
//! specification's overview of imports, as one table.

use crate::execution::weights::same;
use crate::execution::{Context, Contexts};

use Context::{
    Cleanup, CompositeCleanup, CompositeQuery, CompositeReject, CompositeReply, Init, Inspect,
    NonReplicatedQuery, PreUpgrade, Reject, ReplicatedQuery, Reply, Start, SystemTask, Transform, Update,
};

const ALL: Contexts = Contexts::ALL;
const ALL_AND_START: Contexts = Contexts::ALL.and(Start);

const ARGUMENT: Contexts = Contexts::of(&[
    Init,
    Update,
    ReplicatedQuery,
    NonReplicatedQuery,
    Transform,
    CompositeQuery,
    Reply,
    CompositeReply,
    Inspect,
]);
const CALLER_INFO: Contexts = Contexts::of(&[
    Update,
    ReplicatedQuery,
    NonReplicatedQuery,
    CompositeQuery,
    Reply,
    Reject,
    CompositeReply,
    CompositeReject,
    Cleanup,
    CompositeCleanup,
    Inspect,
]);
const REJECT_CODE: Contexts = Contexts::of(&[Reply, Reject, CompositeReply, CompositeReject, Cleanup]);
const REJECT_MESSAGE: Contexts = Contexts::of(&[Reject, CompositeReject]);
const DEADLINE: Contexts = Contexts::of(&[
    Update,
    ReplicatedQuery,
    NonReplicatedQuery,
    CompositeQuery,
    Reply,
    Reject,
    CompositeReply,
    CompositeReject,
]);
const RESPOND: Contexts = DEADLINE.and(Transform);
const ACCEPT_CYCLES: Contexts = Contexts::of(&[Update, ReplicatedQuery, Reject, Reply]);
const REFUNDED_CYCLES: Contexts = Contexts::of(&[Reject, Reply]);
const BURN_CYCLES: Contexts =
    Contexts::of(&[Init, PreUpgrade, Update, ReplicatedQuery, Reply, Reject, Cleanup, SystemTask]);
const INSPECT: Contexts = Contexts::of(&[Inspect]);
const CALL: Contexts =
    Contexts::of(&[Update, CompositeQuery, Reply, Reject, CompositeReply, CompositeReject, SystemTask]);
const CALL_WITH_CYCLES: Contexts = Contexts::of(&[Update, Reply, Reject, SystemTask]);
const ROOT_KEY: Contexts = BURN_CYCLES;
const CERTIFY: Contexts = Contexts::of(&[Init, PreUpgrade, Update, Reply, Reject, SystemTask]);
const DATA_CERTIFICATE: Contexts = Contexts::of(&[NonReplicatedQuery, CompositeQuery]);
const TIMER: Contexts = Contexts::of(&[Init, PreUpgrade, Update, Reply, Reject, Cleanup, SystemTask]);

/// Each system call with the contexts that may make it.
pub const LEGALITY: &[(&str, Contexts)] = &[
    ("msg_arg_data_size", ARGUMENT),
    ("msg_arg_data_copy", ARGUMENT),
    ("msg_caller_size", ALL),
    ("msg_caller_copy", ALL),
    ("msg_caller_info_data_size", CALLER_INFO),
    ("msg_caller_info_data_copy", CALLER_INFO),
    ("msg_caller_info_signer_size", CALLER_INFO),
    ("msg_caller_info_signer_copy", CALLER_INFO),
    ("msg_reject_code", REJECT_CODE),
    ("msg_reject_msg_size", REJECT_MESSAGE),
    ("msg_reject_msg_copy", REJECT_MESSAGE),
    ("msg_deadline", DEADLINE),
    ("msg_reply_data_append", RESPOND),
    ("msg_reply", RESPOND),
    ("msg_reject", RESPOND),
    ("msg_cycles_available128", ACCEPT_CYCLES),
    ("msg_cycles_refunded128", REFUNDED_CYCLES),
    ("msg_cycles_accept128", ACCEPT_CYCLES),
    ("cycles_burn128", BURN_CYCLES),
    ("msg_cycles_available", ACCEPT_CYCLES),
    ("msg_cycles_refunded", REFUNDED_CYCLES),
    ("msg_cycles_accept", ACCEPT_CYCLES),
    ("canister_cycle_balance", ALL),
    ("call_cycles_add", CALL_WITH_CYCLES),
    ("stable_size", ALL_AND_START),
    ("stable_grow", ALL_AND_START),
    ("stable_write", ALL_AND_START),
    ("stable_read", ALL_AND_START),
    ("canister_self_size", ALL),
    ("canister_self_copy", ALL),
    ("canister_cycle_balance128", ALL),
    ("canister_liquid_cycle_balance128", ALL),
    ("canister_status", ALL),
    ("canister_version", ALL),
    ("subnet_self_size", ALL),
    ("subnet_self_copy", ALL),
    ("subnet_self_node_count", ALL),
    ("msg_method_name_size", INSPECT),
    ("msg_method_name_copy", INSPECT),
    ("accept_message", INSPECT),
    ("call_new", CALL),
    ("call_on_cleanup", CALL),
    ("call_data_append", CALL),
    ("call_with_best_effort_response", CALL),
    ("call_cycles_add128", CALL_WITH_CYCLES),
    ("call_perform", CALL),
    ("stable64_size", ALL_AND_START),
    ("stable64_grow", ALL_AND_START),
    ("stable64_write", ALL_AND_START),
    ("stable64_read", ALL_AND_START),
    ("root_key_size", ROOT_KEY),
    ("root_key_copy", ROOT_KEY),
    ("certified_data_set", CERTIFY),
    ("data_certificate_present", ALL),
    ("data_certificate_size", DATA_CERTIFICATE),
    ("data_certificate_copy", DATA_CERTIFICATE),
    ("time", ALL),
    ("global_timer_set", TIMER),
    ("performance_counter", ALL_AND_START),
    ("is_controller", ALL_AND_START),
    ("in_replicated_execution", ALL_AND_START),
    ("cost_call", ALL_AND_START),
    ("cost_create_canister", ALL_AND_START),
    ("cost_http_request", ALL_AND_START),
    ("cost_http_request_v2", ALL_AND_START),
    ("cost_sign_with_ecdsa", ALL_AND_START),
    ("cost_sign_with_schnorr", ALL_AND_START),
    ("cost_vetkd_derive_key", ALL_AND_START),
    ("env_var_count", ALL),
    ("env_var_name_size", ALL),
    ("env_var_name_copy", ALL),
    ("env_var_name_exists", ALL),
    ("env_var_value_size", ALL),
    ("env_var_value_copy", ALL),
    ("debug_print", ALL_AND_START),
    ("trap", ALL_AND_START),
];

/// The contexts that may make this system call; evaluated at compile time, where a name
/// without a row fails the build.
pub(super) const fn contexts(name: &str) -> Contexts {
    let mut i = 0;
    while i < LEGALITY.len() {
        if same(LEGALITY[i].0, name) {
            return LEGALITY[i].1;
        }
        i += 1;
    }
    panic!("BUG: the system call has no row in the legality table")
}
