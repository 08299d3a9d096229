//! What can go wrong while a call is under way, by what the call is for.
//!
//! Each is arranged at the moment when the call was made and nothing of it has happened, lasts for a while, and is
//! over then: the world is well again, and what custody made of it is to be right.

use std::time::Duration;

use e2e_tests::registry_server::{Answer, Delivery, Misbehaviour, Requests};
use local_replica::{
    EntryPoint,
    outcalls::{Fault, FaultPlan, Lie, Resent, Target},
    scheduler::MessageFault,
    threshold::{NodeIndex, ShareFault},
};

use crate::{
    calls::{Call, Kind, TIMER},
    desk::{Desk, NODES, TOLERATED},
    mode::Mode,
};

/// Something that goes wrong.
pub struct Disturbance {
    pub name: String,
    arrange: Box<dyn Fn(&mut Desk, &Call) + Send + Sync>,
    lasts: Duration,
    heal: fn(&mut Desk),
    /// Whether it is arranged before the call is made.
    pub is_early: bool,
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
/// As often as it is asked.
const ALWAYS: usize = usize::MAX;
/// Too little to make any call with, and enough to exist for hours.
const FEW_CYCLES: u128 = 2_000_000_000;

impl Disturbance {
    fn new(name: impl Into<String>, arrange: impl Fn(&mut Desk, &Call) + Send + Sync + 'static) -> Self {
        Self {
            name: name.into(),
            arrange: Box::new(arrange),
            lasts: Duration::ZERO,
            heal: |_| {},
            is_early: false,
        }
    }

    fn lasting(self, lasts: Duration) -> Self {
        Self { lasts, ..self }
    }

    fn healed_by(self, heal: fn(&mut Desk)) -> Self {
        Self { heal, ..self }
    }

    fn before_the_call(self) -> Self {
        Self { is_early: true, ..self }
    }

    /// Lets it happen, last and be over.
    pub fn happen(&self, desk: &mut Desk, call: &Call) {
        (self.arrange)(desk, call);
        desk.pass(self.lasts);
        (self.heal)(desk);
    }
}

/// Whether the long form was asked for: then callbacks trap at more places, and the table is not compared.
pub fn is_deep() -> bool {
    std::env::var_os("COUNTERSIGN_DEEP").is_some()
}

/// Everything that can go wrong with a call.
pub fn disturbances(kind: Kind, mode: Mode) -> Vec<Disturbance> {
    let mut all = of_any_call();
    match kind {
        Kind::FetchBytes => all.extend(of_fetching()),
        Kind::DrawRandomness => {}
        Kind::DeriveKey | Kind::Sign => all.extend(of_shares()),
        Kind::Read => {
            all.extend(of_looking());
            all.extend(of_reading());
        }
        Kind::ReadBytes => {
            all.extend(of_serving());
            all.extend(of_reading());
        }
        Kind::ListStages => {
            all.extend(of_listing());
            all.extend(of_reading());
        }
        Kind::Send => all.extend(of_sending()),
    }
    if !mode.is_amendment() {
        all.extend(of_showing_late(kind));
    }
    all
}

fn of_any_call() -> Vec<Disturbance> {
    let trap = |desk: &mut Desk, limit: u64| {
        let canister = desk.world.custody;
        let entry = EntryPoint::ReplyCallback { method: TIMER.into() };
        desk.world.replica.message_faults().next(MessageFault::OutOfInstructions { canister, entry, limit });
    };
    let mut all = vec![
        Disturbance::new("the call is refused by the network", |desk, call| {
            let to = match call.kind {
                Kind::FetchBytes => desk.world.dao,
                _ => candid::Principal::management_canister(),
            };
            let method = call.kind.method().into();
            desk.world.replica.message_faults().next(MessageFault::CallRefused { to, method });
        })
        .before_the_call(),
        Disturbance::new("custody traps at the start of the callback", move |desk, _| trap(desk, 1_000)),
        Disturbance::new("custody traps at the end of the callback", move |desk, call| {
            trap(desk, call.callback_instructions / 100 * 99);
        }),
        Disturbance::new("custody is upgraded, stopped meanwhile", |desk, _| {
            let custody = desk.world.custody;
            desk.manage("stop_canister", custody);
            desk.upgrade(custody);
            desk.manage("start_canister", custody);
        }),
        // The answer of the open call meets code that did not make it; what waits for another in vain is taken up again.
        Disturbance::new("custody is upgraded without a stop", |desk, _| {
            desk.upgrade(desk.world.custody);
        }),
        Disturbance::new("custody is stopped for an hour", |desk, _| {
            desk.manage("stop_canister", desk.world.custody);
        })
        .lasting(HOUR)
        .healed_by(|desk| desk.manage("start_canister", desk.world.custody)),
        Disturbance::new("custody is out of cycles for an hour", |desk, _| {
            let custody = desk.world.custody;
            desk.world.replica.set_cycles_balance(custody, FEW_CYCLES);
        })
        .lasting(HOUR)
        .healed_by(|desk| {
            let custody = desk.world.custody;
            desk.world.replica.set_cycles_balance(custody, 100_000_000_000_000);
        }),
        Disturbance::new("the DAO canister is upgraded, stopped meanwhile", |desk, _| {
            let dao = desk.world.dao;
            desk.manage("stop_canister", dao);
            desk.upgrade(dao);
            desk.manage("start_canister", dao);
        }),
        Disturbance::new("as many nodes as are tolerated are down for an hour", |desk, _| {
            (0..TOLERATED).for_each(|node| desk.world.replica.faults().set_down(node, true));
        })
        .lasting(HOUR),
        Disturbance::new("one node more is down, for 20 minutes", |desk, _| {
            (0..=TOLERATED).for_each(|node| desk.world.replica.faults().set_down(node, true));
        })
        .lasting(20 * MINUTE),
    ];
    if is_deep() {
        all.extend((1..20).map(|twentieth| {
            let name = format!("custody traps after {} % of the callback", 5 * twentieth);
            Disturbance::new(name, move |desk, call| trap(desk, call.callback_instructions / 20 * twentieth))
        }));
    }
    all
}

fn of_fetching() -> Vec<Disturbance> {
    vec![
        Disturbance::new("the source's answer is lost", |desk, _| {
            let (to, method) = (desk.world.dao, Kind::FetchBytes.method().into());
            desk.world.replica.message_faults().next(MessageFault::AnswerLost { to, method });
        })
        .before_the_call(),
        Disturbance::new("the source is stopped for an hour", |desk, _| {
            desk.manage("stop_canister", desk.world.dao);
        })
        .lasting(HOUR)
        .healed_by(|desk| desk.manage("start_canister", desk.world.dao)),
        Disturbance::new("the source runs out of instructions", |desk, _| {
            let canister = desk.world.dao;
            let entry = EntryPoint::Query { method: Kind::FetchBytes.method().into(), replicated: true };
            let fault = MessageFault::OutOfInstructions { canister, entry, limit: 1_000 };
            desk.world.replica.message_faults().next(fault);
        }),
    ]
}

fn of_shares() -> Vec<Disturbance> {
    let fail = |name: &str, nodes: u32, fault: ShareFault| {
        Disturbance::new(name, move |desk, _| {
            desk.world.replica.share_faults().set((0..nodes).map(NodeIndex), fault)
        })
    };
    vec![
        fail("as many nodes as are tolerated give no share", TOLERATED, ShareFault::Silent)
            .lasting(20 * MINUTE),
        fail("as many nodes as are tolerated give a wrong share", TOLERATED, ShareFault::Wrong)
            .lasting(20 * MINUTE),
        fail("too many nodes give no share for 20 minutes", NODES - TOLERATED, ShareFault::Silent)
            .lasting(20 * MINUTE),
        fail("too many nodes give a wrong share for 20 minutes", NODES - TOLERATED, ShareFault::Wrong)
            .lasting(20 * MINUTE),
    ]
}

/// A fault of the outcall that is under way.
fn of_outcall(name: impl Into<String>, plan: impl Into<FaultPlan>) -> Disturbance {
    let plan = plan.into();
    Disturbance::new(name, move |desk, _| desk.world.replica.faults().next(Target::AnyCall, plan.clone()))
}

/// What the registry answers to the next requests.
fn of_registry(
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

fn resent(unsent: u8, unanswered: u8) -> Fault {
    Fault::Resent(Resent { unsent, unanswered })
}

fn lie(status: u16, body: &str) -> Fault {
    Fault::NodeLies(Lie { status, headers: Vec::new(), body: body.into() })
}

fn html(status: u16) -> Answer {
    let mut answer = Answer::text(status, "<!doctype html><title>Please wait</title>");
    answer.headers = vec![("content-type".into(), "text/html".into())];
    answer
}

fn retry_after(status: u16, seconds: u32) -> Answer {
    let mut answer = Answer::text(status, "slow down");
    answer.headers.push(("retry-after".into(), seconds.to_string()));
    answer
}

fn redirect(status: u16) -> Answer {
    let mut answer = Answer::text(status, "");
    answer.headers.push(("location".into(), "/elsewhere".into()));
    answer
}

/// Bytes that nobody voted for; a version that nobody voted for, too.
const OTHER_TEXT: &str = "0.9.0";
const OTHER_BYTES: &[u8] = OTHER_TEXT.as_bytes();
const ALREADY_THERE: &str = "You cannot publish over the previously published versions; File already exists";

/// What can be wrong with a document by which the registry shows a file.
fn of_looking() -> Vec<Disturbance> {
    vec![
        Disturbance::new("as many nodes as are tolerated show other bytes", |desk, call| {
            show_others(desk, call, TOLERATED);
        }),
        Disturbance::new("one node too many shows other bytes, each its own", |desk, call| {
            show_others(desk, call, TOLERATED + 1);
        }),
        Disturbance::new("the registry shows other bytes, once", |desk, call| {
            let document = desk.document(call.file, OTHER_BYTES);
            misread(desk, Answer::json(200, &document), NODES as usize);
        }),
    ]
}

/// What the registry has and does not show yet.
fn of_showing_late(kind: Kind) -> Vec<Disturbance> {
    let show = |desk: &mut Desk| desk.hide(0);
    let hidden = |name: String, arrange: fn(&mut Desk)| {
        Disturbance::new(name, move |desk, _| {
            arrange(desk);
            desk.hide(ALWAYS);
        })
        .healed_by(show)
    };
    match kind {
        Kind::Read => vec![
            Disturbance::new("the registry does not show it for minutes", |desk, _| desk.hide(40))
                .lasting(HOUR),
        ],
        Kind::Send => {
            let mut all = vec![
                Disturbance::new(
                    "the answer is dropped, and the digest is shown seconds later",
                    |desk, _| {
                        desk.world.replica.faults().next(Target::AnyCall, Fault::AnswerDropped);
                        desk.hide(3);
                    },
                )
                .lasting(HOUR),
            ];
            for (when, lasts) in [("20 minutes", 20 * MINUTE), ("an hour", HOUR), ("four hours", 4 * HOUR)] {
                let dropped: fn(&mut Desk) =
                    |desk| desk.world.replica.faults().next(Target::AnyCall, Fault::AnswerDropped);
                let answered: [(&str, fn(&mut Desk)); 4] = [
                    ("the digest is shown", |_| {}),
                    ("the answer is dropped, and the digest is shown", dropped),
                    ("the registry answers 403 after storing, and shows it", |desk| {
                        store_and_answer(desk, 403)
                    }),
                    ("the registry answers 500 after storing, and shows it", |desk| {
                        store_and_answer(desk, 500)
                    }),
                ];
                for (what, arrange) in answered {
                    all.push(hidden(format!("{what} {when} later"), arrange).lasting(lasts));
                }
            }
            all
        }
        _ => Vec::new(),
    }
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

/// What can be wrong with the bytes that the registry serves.
fn of_serving() -> Vec<Disturbance> {
    vec![
        of_outcall(
            "as many nodes as are tolerated are served other bytes",
            FaultPlan::default().on(0..TOLERATED, lie(200, OTHER_TEXT)),
        ),
        Disturbance::new("the registry serves other bytes, once", |desk, _| {
            misread(desk, Answer::text(200, OTHER_TEXT), NODES as usize);
        }),
        Disturbance::new("half of the nodes are served other bytes", |desk, _| {
            misread(desk, Answer::text(200, OTHER_TEXT), NODES as usize / 2);
        }),
    ]
}

/// What can be wrong with the list of what is staged.
fn of_listing() -> Vec<Disturbance> {
    let empty = r#"{"items":[],"page":0,"perPage":100,"total":0}"#;
    vec![
        of_outcall(
            "as many nodes as are tolerated see nothing staged",
            FaultPlan::default().on(0..TOLERATED, lie(200, empty)),
        ),
        Disturbance::new("the registry lists nothing, once", move |desk, _| {
            misread(desk, Answer::text(200, empty), NODES as usize);
        }),
    ]
}

/// The answer to so many reads.
fn misread(desk: &Desk, answer: Answer, times: usize) {
    let (to, delivery) = (Requests::Reads, Delivery::AtOnce);
    desk.misbehave(Misbehaviour { to, answer: Some(answer), processed: false, delivery, times });
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
        of_outcall("every node is half a minute late", Fault::Late { by_ns: 30_000_000_000 }).lasting(MINUTE),
        Disturbance::new("the nodes are given different answers", |desk, _| {
            misread(desk, Answer::text(404, ""), NODES as usize / 2);
        }),
    ];
    let nodes = NODES as usize;
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
        all.push(of_registry(format!("the registry answers {what}"), Requests::Reads, answer, false, nodes));
    }
    for (what, answer) in [("429", retry_after(429, 60)), ("503", Answer::text(503, "")), ("HTML", html(200))]
    {
        let name = format!("the registry answers {what} for an hour");
        all.push(of_registry(name, Requests::Reads, answer, false, ALWAYS).lasting(HOUR));
    }
    for (what, answer) in
        [("401", Answer::text(401, "")), ("403", Answer::text(403, "")), ("302", redirect(302))]
    {
        all.push(of_registry(format!("the registry answers {what}"), Requests::Reads, answer, false, nodes));
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

fn of_sending() -> Vec<Disturbance> {
    let mut all = vec![
        of_outcall("the answer is dropped after sending", Fault::AnswerDropped),
        of_outcall("timeout before sending", Fault::TimeoutBeforeSending),
        of_outcall("sent twice", resent(0, 1)),
        of_outcall("sent three times", resent(0, 2)),
        of_outcall("sent three times, and no answer", resent(0, 3)),
        of_outcall("the first two connections fail", resent(2, 0)),
        of_outcall("no connection", resent(3, 0)),
        of_outcall("the node changes the answer", Fault::Garbled),
        of_outcall("the node is half a minute late", Fault::Late { by_ns: 30_000_000_000 }).lasting(MINUTE),
        of_outcall("the node is two minutes late", Fault::Late { by_ns: 120_000_000_000 })
            .lasting(5 * MINUTE),
        Disturbance::new("every attempt times out before sending", |desk, _| {
            (0..3).for_each(|_| desk.world.replica.faults().next(sends(desk), Fault::TimeoutBeforeSending));
        })
        .lasting(HOUR),
    ];
    for (status, body) in [(200, r#"{"ok":true,"success":true}"#), (201, ""), (202, "")] {
        all.push(of_outcall(format!("the node says {status} without sending"), lie(status, body)));
    }
    for status in [302, 400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 502, 503, 504] {
        all.push(of_outcall(format!("the node says {status} without sending"), lie(status, "no")));
    }
    all.push(of_outcall("the node says that it exists without sending", lie(409, ALREADY_THERE)));
    let answers = [
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
    ];
    for (what, answer) in answers {
        for (when, is_processed) in [("without storing", false), ("after storing", true)] {
            let name = format!("the registry answers {what}, {when}");
            all.push(of_registry(name, Requests::Writes, answer.clone(), is_processed, 1));
        }
    }
    all.extend(of_others());
    all
}

/// Somebody else publishes under this name in the moment before.
fn of_others() -> Vec<Disturbance> {
    vec![
        Disturbance::new("somebody else has published the same bytes in this moment", |desk, call| {
            desk.publish_behind_our_back(call.file, None);
        }),
        Disturbance::new("somebody else has published other bytes in this moment", |desk, call| {
            desk.publish_behind_our_back(call.file, Some(OTHER_BYTES));
        }),
    ]
}

/// Calls that send.
fn sends(desk: &Desk) -> Target {
    Target::Method(desk.mode.sends_by())
}
