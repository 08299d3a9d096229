//! What can go wrong when one node sends something that changes the registry.

use e2e_tests::registry_server::{Answer, Delivery, Misbehaviour, Requests};
use local_replica::outcalls::{Fault, Target};

use crate::{
    calls::Call,
    desk::Desk,
    disturbances::{Disturbance, HOUR, MINUTE, is_deep},
    mode::Mode,
    outcalls::{
        ALWAYS, HALF_A_MINUTE_LATE, OTHER_BYTES, html, lie, of_outcall, of_registry, redirect, resent,
        retry_after,
    },
};

const ALREADY_THERE: &str = "You cannot publish over the previously published versions; File already exists";

/// What one node may say though it sent nothing.
const LIES: [(u16, &str); 17] = [
    (200, r#"{"ok":true,"success":true}"#),
    (201, ""),
    (202, ""),
    (302, "no"),
    (400, "no"),
    (401, "no"),
    (403, "no"),
    (404, "no"),
    (409, "no"),
    (413, "no"),
    (415, "no"),
    (422, "no"),
    (429, "no"),
    (500, "no"),
    (502, "no"),
    (503, "no"),
    (504, "no"),
];
/// Of the lies and the answers below, one of each sort: a yes, a no, a wait, a failure.
const ONE_OF_EACH_SORT: [u16; 4] = [200, 403, 429, 502];

/// What can go wrong when one node sends, and what the registry makes of it. In the short form every single answer is
/// given where an ecosystem's are understood first, and one of each sort where they are understood by the same code.
pub fn of_sending(call: &Call, mode: Mode) -> Vec<Disturbance> {
    let is_first = matches!(mode, Mode::NpmDirect | Mode::Pypi) && call.progress.file == 0;
    let is_given = |status: u16| is_first || is_deep() || ONE_OF_EACH_SORT.contains(&status);
    let mut all = of_the_network();
    for (status, body) in LIES.into_iter().filter(|(status, _)| is_given(*status)) {
        all.push(of_outcall(format!("the node says {status} without sending"), lie(status, body)));
    }
    all.push(of_outcall("the node says that it exists without sending", lie(409, ALREADY_THERE)));
    for (what, answer) in answers().into_iter().filter(|(_, answer)| is_given(answer.status)) {
        for (when, is_processed) in [("without storing", false), ("after storing", true)] {
            let name = format!("the registry answers {what}, {when}");
            all.push(of_registry(name, Requests::Writes, answer.clone(), is_processed, 1));
        }
    }
    all.extend(of_others());
    if !mode.is_amendment() {
        all.extend(of_showing_late());
    }
    all
}

/// What can become of a request on its way.
fn of_the_network() -> Vec<Disturbance> {
    vec![
        of_outcall("the answer is dropped after sending", Fault::AnswerDropped),
        of_outcall("timeout before sending", Fault::TimeoutBeforeSending),
        of_outcall("sent twice", resent(0, 1)),
        of_outcall("sent three times", resent(0, 2)),
        of_outcall("sent three times, and no answer", resent(0, 3)),
        of_outcall("the first two connections fail", resent(2, 0)),
        of_outcall("no connection", resent(3, 0)),
        of_outcall("the node changes the answer", Fault::Garbled),
        of_outcall("the node is half a minute late", HALF_A_MINUTE_LATE).lasting(MINUTE),
        of_outcall("the node is two minutes late", Fault::Late { by_ns: 120_000_000_000 })
            .lasting(5 * MINUTE),
        Disturbance::new("every attempt times out before sending", |desk, _| {
            (0..3).for_each(|_| desk.world.replica.faults().next(sends(desk), Fault::TimeoutBeforeSending));
        })
        .lasting(HOUR),
    ]
}

/// What the registry may answer to what is sent.
fn answers() -> Vec<(&'static str, Answer)> {
    vec![
        ("302", redirect(302)),
        ("400", Answer::text(400, "")),
        ("400, already there", Answer::text(400, ALREADY_THERE)),
        ("401", Answer::text(401, "")),
        ("403", Answer::text(403, "Forbidden")),
        ("409", Answer::text(409, "")),
        ("413", Answer::text(413, "")),
        ("429, come back in ten minutes", retry_after(429, 600)),
        ("500", Answer::text(500, "")),
        ("502 with HTML", html(502)),
        ("503", Answer::text(503, "")),
        ("200 with HTML", html(200)),
    ]
}

/// Somebody else publishes under this name in the moment before.
fn of_others() -> Vec<Disturbance> {
    vec![
        Disturbance::new("somebody else has published the same bytes in this moment", |desk, call| {
            desk.publish_behind_our_back(call.progress.file, None);
        }),
        Disturbance::new("somebody else has published other bytes in this moment", |desk, call| {
            desk.publish_behind_our_back(call.progress.file, Some(OTHER_BYTES));
        }),
    ]
}

/// Calls that send.
fn sends(desk: &Desk) -> Target {
    Target::Method(desk.mode.sends_by())
}

/// What the registry takes and does not show yet.
fn of_showing_late() -> Vec<Disturbance> {
    let show = |desk: &mut Desk| desk.hide(0);
    let hidden = |name: String, arrange: fn(&mut Desk)| {
        Disturbance::new(name, move |desk, _| {
            arrange(desk);
            desk.hide(ALWAYS);
        })
        .healed_by(show)
    };
    let mut all = vec![
        Disturbance::new("the answer is dropped, and the digest is shown seconds later", |desk, _| {
            desk.world.replica.faults().next(Target::AnyCall, Fault::AnswerDropped);
            desk.hide(3);
        })
        .lasting(HOUR),
    ];
    for (when, lasts) in [("20 minutes", 20 * MINUTE), ("an hour", HOUR), ("four hours", 4 * HOUR)] {
        let dropped: fn(&mut Desk) =
            |desk| desk.world.replica.faults().next(Target::AnyCall, Fault::AnswerDropped);
        let answered: [(&str, fn(&mut Desk)); 4] = [
            ("the digest is shown", |_| {}),
            ("the answer is dropped, and the digest is shown", dropped),
            ("the registry answers 403 after storing, and shows it", |desk| store_and_answer(desk, 403)),
            ("the registry answers 500 after storing, and shows it", |desk| store_and_answer(desk, 500)),
        ];
        for (what, arrange) in answered {
            all.push(hidden(format!("{what} {when} later"), arrange).lasting(lasts));
        }
    }
    all
}

/// The registry takes the next request, and says something else.
fn store_and_answer(desk: &mut Desk, status: u16) {
    desk.misbehave(Misbehaviour {
        to: Requests::Writes,
        answer: Some(Answer::text(status, "")),
        processed: true,
        delivery: Delivery::AtOnce,
        times: 1,
    });
}
