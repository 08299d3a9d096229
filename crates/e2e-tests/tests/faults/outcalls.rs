//! What an HTTPS outcall can meet: faults of nodes and network, and a registry's answers.

use e2e_tests::registry_server::{Answer, Delivery, Misbehaviour, Requests};
use ic_management_canister_types::HttpHeader;
use local_replica::outcalls::{Fault, FaultPlan, Lie, Resent, Target};

use crate::{calls::Call, desk::Desk, disturbances::Disturbance};

pub const HALF_A_MINUTE_LATE: Fault = Fault::Late { by_ns: 30_000_000_000 };
/// As often as it is asked.
pub const ALWAYS: usize = usize::MAX;

/// A fault of the outcall that is under way.
pub fn of_outcall(name: impl Into<String>, plan: impl Into<FaultPlan>) -> Disturbance {
    let plan = plan.into();
    Disturbance::new(name, move |desk, call| strike(desk, call, plan.clone()))
}

/// Lets the outcall that is under way go wrong so, and none that was made with it.
pub fn strike(desk: &Desk, call: &Call, plan: FaultPlan) {
    let faults = desk.world.replica.faults();
    (0..call.made_before).for_each(|_| faults.next(Target::AnyCall, FaultPlan::default()));
    faults.next(Target::AnyCall, plan);
}

/// What the registry answers to the next requests.
pub fn of_registry(
    name: impl Into<String>,
    to: Requests,
    answer: Answer,
    is_processed: bool,
    times: usize,
) -> Disturbance {
    Disturbance::new(name, move |desk, _| {
        desk.misbehave(Misbehaviour {
            to,
            answer: Some(answer.clone()),
            processed: is_processed,
            delivery: Delivery::AtOnce,
            times,
        });
    })
}

pub fn resent(unsent: u8, unanswered: u8) -> Fault {
    Fault::Resent(Resent { unsent, unanswered })
}

pub fn lie(status: u16, body: &str) -> Fault {
    Fault::NodeLies(Lie { status, headers: Vec::new(), body: body.into() })
}

/// What so many nodes are answered to the outcall that is under way. The registry's double could not tell its requests
/// from those of another that is made with it, and would answer so whichever comes first.
pub fn answered(nodes: u32, answer: &Answer) -> FaultPlan {
    let header = |(name, value): &(String, String)| HttpHeader { name: name.clone(), value: value.clone() };
    let headers = answer.headers.iter().map(header).collect();
    let lie = Lie { status: answer.status, headers, body: answer.body.clone() };
    FaultPlan::default().on(0..nodes, Fault::NodeLies(lie))
}

pub fn html(status: u16) -> Answer {
    let mut answer = Answer::text(status, "<!doctype html><title>Please wait</title>");
    answer.headers = vec![("content-type".into(), "text/html".into())];
    answer
}

pub fn retry_after(status: u16, seconds: u32) -> Answer {
    let mut answer = Answer::text(status, "slow down");
    answer.headers.push(("retry-after".into(), seconds.to_string()));
    answer
}

pub fn redirect(status: u16) -> Answer {
    let mut answer = Answer::text(status, "");
    answer.headers.push(("location".into(), "/elsewhere".into()));
    answer
}

/// Bytes that nobody voted for; a version that nobody voted for, too.
pub const OTHER_TEXT: &str = "0.9.0";
pub const OTHER_BYTES: &[u8] = OTHER_TEXT.as_bytes();
