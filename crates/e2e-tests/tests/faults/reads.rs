//! What can go wrong when all nodes read something.

use e2e_tests::registry_server::{Answer, Requests};
use local_replica::outcalls::{Fault, FaultPlan};
use release_types::Ecosystem;
use serde_json::Value;

use crate::{
    calls::{Call, Kind},
    desk::{Desk, NODES, TOLERATED},
    disturbances::{Disturbance, HOUR, MINUTE},
    mode::Mode,
    outcalls::{
        ALWAYS, HALF_A_MINUTE_LATE, OTHER_BYTES, OTHER_TEXT, answered, html, lie, of_outcall, of_registry,
        redirect, resent, retry_after, strike,
    },
    progress::SHOWN,
    registry::other_signer,
};

/// What can be wrong with a document that the registry shows.
pub fn of_looking(call: &Call, mode: Mode) -> Vec<Disturbance> {
    let others = match call.kind {
        Kind::ReadKeys => "other keys",
        Kind::ReadDocument => "another package's document",
        _ => "other bytes",
    };
    let mut all = vec![
        Disturbance::new(format!("as many nodes as are tolerated show {others}"), |desk, call| {
            show_others(desk, call, TOLERATED);
        }),
        Disturbance::new(format!("one node too many shows {others}, each its own"), |desk, call| {
            show_others(desk, call, TOLERATED + 1);
        }),
        Disturbance::new(format!("the registry shows {others}, once"), |desk, call| {
            let document = desk.other_document(call, OTHER_BYTES);
            strike(desk, call, answered(NODES, &Answer::json(200, &document)));
        }),
    ];
    all.extend(of_reading());
    if matches!(call.kind, Kind::Look | Kind::SecondView) && !mode.is_amendment() {
        all.extend(of_showing(call, mode));
        let late = Disturbance::new("the registry does not show it for minutes", |desk, _| desk.hide(40));
        all.push(late.lasting(HOUR));
    }
    all
}

/// What can be wrong when the voted bytes are shown: that they are not there, or how they are signed.
fn of_showing(call: &Call, mode: Mode) -> Vec<Disturbance> {
    let shown = |name: &str, sign: fn(Value) -> Value| {
        Disturbance::new(name, move |desk, call| {
            let voted = &desk.release().files[call.progress.file].1;
            let document = sign(desk.other_document(call, voted));
            strike(desk, call, answered(NODES, &Answer::json(200, &document)));
        })
    };
    if call.progress.state != SHOWN {
        return vec![shown("the registry shows the voted bytes, once", |document| document)];
    }
    if mode.ecosystem() == Ecosystem::Pypi {
        return Vec::new();
    }
    vec![
        shown("the registry shows the voted bytes without its signature, once", |document| document),
        shown("the registry shows the voted bytes under another key's signature, once", |document| {
            other_signer().signed(document)
        }),
    ]
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

/// So many nodes say that the registry shows something that it does not, each something else.
fn show_others(desk: &Desk, call: &Call, nodes: u32) {
    let plan = (0..nodes).fold(FaultPlan::default(), |plan, node| {
        let bytes = [OTHER_BYTES, &node.to_be_bytes()].concat();
        plan.on([node], lie(200, &desk.other_document(call, &bytes).to_string()))
    });
    strike(desk, call, plan);
}
