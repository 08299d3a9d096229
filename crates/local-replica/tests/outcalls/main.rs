//! HTTPS outcalls against a real loopback server: who sends what, how many times, and what the
//! canister is told.

mod answers;
mod faults;
mod limits;
mod prices;
mod server;

use std::time::Duration;

use candid::{Decode, Func, Principal};
use ic_management_canister_types::{
    HttpHeader, HttpMethod, HttpRequestArgs, HttpRequestResult, TransformContext, TransformFunc,
};
use local_replica::message::{CallResult, Reject, RejectCode};
use local_replica::outcalls::{FaultSwitch, OutcallId, OutcallRequest, Outcalls, Routes, Settled};
use server::Server;

const NODES: u32 = 13;
const PLENTY_OF_CYCLES: u128 = 100_000_000_000;

fn caller() -> Principal {
    Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0, 1, 1, 1])
}

/// The outcalls of a 13-node subnet, with `registry.example` played by `server`.
struct Subnet {
    outcalls: Outcalls,
    faults: FaultSwitch,
    cycles: u128,
}

impl Subnet {
    fn facing(server: &Server) -> Self {
        Self::with_routes(&[("registry.example", &server.base_url())])
    }

    fn with_routes(routes: &[(&str, &str)]) -> Self {
        let faults = FaultSwitch::default();
        let routes = Routes::from_pairs(routes.iter().copied()).expect("loopback routes");
        let outcalls = Outcalls::new(routes, NODES, faults.clone()).with_seed(7);
        Self { outcalls, faults, cycles: PLENTY_OF_CYCLES }
    }

    fn start(&mut self, args: HttpRequestArgs) -> Result<(), Reject> {
        let request =
            OutcallRequest { id: OutcallId(1), caller: caller(), args, cycles: self.cycles, time_ns: 1_000 };
        self.outcalls.start(request)
    }

    /// Starts the call, waits for all nodes, settles without a transform.
    fn call(&mut self, args: HttpRequestArgs) -> Settled {
        self.call_with_transform(args, |_, answer| (answer, 0))
    }

    fn call_with_transform(
        &mut self,
        args: HttpRequestArgs,
        mut transform: impl FnMut(u32, HttpRequestResult) -> (HttpRequestResult, u64),
    ) -> Settled {
        self.start(args).expect("the request is accepted");
        let mut finished = self.outcalls.finished(Some(Duration::from_secs(20)));
        assert_eq!(finished.len(), 1, "the call finishes in time");
        assert_eq!(self.outcalls.in_flight(), 0);
        let (id, answers) = finished.remove(0);
        assert_eq!(id, OutcallId(1));
        self.outcalls.settle(answers, &mut |node, _, answer| Ok(transform(node, answer)))
    }
}

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
