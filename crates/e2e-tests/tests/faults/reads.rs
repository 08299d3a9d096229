//! What can go wrong when all nodes read something.

use e2e_tests::registry_server::{Answer, Requests};
use local_replica::outcalls::{Fault, FaultPlan, Target};

use crate::{
    calls::Call,
    desk::{Desk, NODES, TOLERATED},
    disturbances::{Disturbance, HOUR, MINUTE},
    mode::Mode,
    outcalls::{
        ALWAYS, HALF_A_MINUTE_LATE, OTHER_BYTES, OTHER_TEXT, answered, html, lie, of_outcall, of_registry,
        redirect, resent, retry_after,
    },
};

/// What can be wrong with a document by which the registry shows a file.
pub fn of_looking(mode: Mode) -> Vec<Disturbance> {
    let mut all = vec![
        Disturbance::new("as many nodes as are tolerated show other bytes", |desk, call| {
            show_others(desk, call, TOLERATED);
        }),
        Disturbance::new("one node too many shows other bytes, each its own", |desk, call| {
            show_others(desk, call, TOLERATED + 1);
        }),
        Disturbance::new("the registry shows other bytes, once", |desk, call| {
            let document = desk.document(call.file, OTHER_BYTES);
            let plan = answered(NODES, &Answer::json(200, &document));
            desk.world.replica.faults().next(Target::AnyCall, plan);
        }),
    ];
    all.extend(of_reading());
    if !mode.is_amendment() {
        let late = Disturbance::new("the registry does not show it for minutes", |desk, _| desk.hide(40));
        all.push(late.lasting(HOUR));
    }
    all
}

/// What can be wrong with the bytes that the registry serves.
pub fn of_serving() -> Vec<Disturbance> {
    let mut all = vec![
        of_outcall(
            "as many nodes as are tolerated are served other bytes",
            FaultPlan::default().on(0..TOLERATED, lie(200, OTHER_TEXT)),
        ),
        of_outcall("the registry serves other bytes, once", answered(NODES, &Answer::text(200, OTHER_TEXT))),
        Disturbance::new("the registry serves other bytes from now on", |desk, _| desk.serve_others()),
        of_outcall(
            "half of the nodes are served other bytes",
            answered(NODES / 2, &Answer::text(200, OTHER_TEXT)),
        ),
    ];
    all.extend(of_reading());
    all
}

/// What can be wrong with the list of what is staged.
pub fn of_listing() -> Vec<Disturbance> {
    let empty = r#"{"items":[],"page":0,"perPage":100,"total":0}"#;
    let mut all = vec![
        of_outcall(
            "as many nodes as are tolerated see nothing staged",
            FaultPlan::default().on(0..TOLERATED, lie(200, empty)),
        ),
        of_outcall("the registry lists nothing, once", answered(NODES, &Answer::text(200, empty))),
    ];
    all.extend(of_reading());
    all
}

/// What can go wrong whenever all nodes read something.
fn of_reading() -> Vec<Disturbance> {
    let mut all = vec![
        of_outcall("no answer arrives", Fault::AnswerDropped),
        of_outcall("every node is dead", Fault::TimeoutBeforeSending),
        of_outcall(
            "as many nodes as are tolerated are dead",
            FaultPlan::default().on(0..TOLERATED, Fault::TimeoutBeforeSending),
        ),
        of_outcall(
            "one node too many is dead",
            FaultPlan::default().on(0..=TOLERATED, Fault::TimeoutBeforeSending),
        ),
        of_outcall(
            "as many nodes as are tolerated say that it is absent",
            FaultPlan::default().on(0..TOLERATED, lie(404, "")),
        ),
        of_outcall("every node changes the answer", Fault::Garbled),
        of_outcall("every node sends twice", resent(0, 1)),
        of_outcall("every node sends three times and has no answer", resent(0, 3)),
        of_outcall("no node can connect", resent(3, 0)),
        of_outcall("every node is half a minute late", HALF_A_MINUTE_LATE).lasting(MINUTE),
        of_outcall("the nodes are given different answers", answered(NODES / 2, &Answer::text(404, ""))),
    ];
    for (what, answer) in [
        ("429, come back in a minute", retry_after(429, 60)),
        ("429", Answer::text(429, "")),
        ("500", Answer::text(500, "")),
        ("502 with HTML", html(502)),
        ("503", Answer::text(503, "")),
        ("200 with HTML", html(200)),
        ("404", Answer::text(404, "")),
        ("410", Answer::text(410, "")),
        ("an empty answer", Answer::text(200, "")),
        ("an answer cut short", Answer::text(200, r#"{"dist":{"integrity":"sha512-"#)),
    ] {
        all.push(of_outcall(format!("the registry answers {what}"), answered(NODES, &answer)));
    }
    for (what, answer) in [("429", retry_after(429, 60)), ("503", Answer::text(503, "")), ("HTML", html(200))]
    {
        let name = format!("the registry answers {what} for an hour");
        all.push(of_registry(name, Requests::Reads, answer, false, ALWAYS).lasting(HOUR));
    }
    for (what, answer) in
        [("401", Answer::text(401, "")), ("403", Answer::text(403, "")), ("302", redirect(302))]
    {
        all.push(of_outcall(format!("the registry answers {what}"), answered(NODES, &answer)));
    }
    all
}

/// So many nodes say that the registry shows bytes that it does not, each others.
fn show_others(desk: &Desk, call: &Call, nodes: u32) {
    let plan = (0..nodes).fold(FaultPlan::default(), |plan, node| {
        let bytes = [OTHER_BYTES, &node.to_be_bytes()].concat();
        plan.on([node], lie(200, &desk.document(call.file, &bytes).to_string()))
    });
    desk.world.replica.faults().next(Target::AnyCall, plan);
}
