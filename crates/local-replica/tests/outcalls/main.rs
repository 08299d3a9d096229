//! HTTPS outcalls against a real loopback server: who sends what, how many times, and what the
//! canister is told.

mod answers;
mod attempts;
mod canister;
mod fault_page;
mod faults;
mod flexible;
mod limits;
mod prices;
mod refunds;
mod restart;
mod server;
mod subnet;
mod tls;

use candid::{Decode, Func, Principal};
use ic_management_canister_types::{
    HttpHeader, HttpMethod, HttpRequestArgs, HttpRequestResult, TransformContext, TransformFunc,
};
use local_replica::message::{CallResult, Reject, RejectCode};
use local_replica::outcalls::{Fault, FaultPlan, Lie, Resent, Routes, Settled, Target};
use server::Server;
use subnet::{NODES, PLENTY_OF_CYCLES, Subnet, caller};

fn replicated(method: HttpMethod, path: &str) -> HttpRequestArgs {
    HttpRequestArgs {
        url: format!("https://registry.example{path}"),
        method,
        pricing_version: Some(2),
        ..Default::default()
    }
}

fn non_replicated(method: HttpMethod, path: &str) -> HttpRequestArgs {
    HttpRequestArgs { is_replicated: Some(false), ..replicated(method, path) }
}

fn with_transform(args: HttpRequestArgs) -> HttpRequestArgs {
    let function = TransformFunc(Func { principal: caller(), method: "shorten".to_string() });
    HttpRequestArgs { transform: Some(TransformContext { function, context: vec![] }), ..args }
}

fn header(name: &str, value: &str) -> HttpHeader {
    HttpHeader { name: name.to_string(), value: value.to_string() }
}

fn answer(response: &CallResult) -> HttpRequestResult {
    let bytes = response.as_ref().expect("an answer");
    Decode!(bytes, HttpRequestResult).expect("an http_request_result")
}

fn rejected(response: &CallResult, code: RejectCode) -> String {
    let reject = response.as_ref().expect_err("a reject");
    assert_eq!(reject.code, code, "{}", reject.message);
    reject.message.clone()
}
