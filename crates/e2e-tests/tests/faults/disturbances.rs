//! What can go wrong while a call is under way, by what the call is for.
//!
//! Each is arranged at the moment when the call was made and nothing of it has happened, lasts for a while, and is
//! over then: the world is well again, and what custody made of it is to be right.

use std::time::Duration;

use local_replica::{
    EntryPoint,
    scheduler::MessageFault,
    threshold::{NodeIndex, ShareFault},
};

use crate::{
    calls::{Call, Kind, TIMER},
    desk::{Desk, NODES, TOLERATED},
    mode::Mode,
    reads, sends,
};

/// Something that goes wrong.
pub struct Disturbance {
    pub name: String,
    arrange: Box<dyn Fn(&mut Desk, &Call) + Send + Sync>,
    lasts: Duration,
    heal: fn(&mut Desk),
}

pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(60 * 60);
/// Too little to make any call with, and enough to exist for hours. What there is of it is used up by trying again.
const FEW_CYCLES: u128 = 300_000_000;

impl Disturbance {
    pub fn new(name: impl Into<String>, arrange: impl Fn(&mut Desk, &Call) + Send + Sync + 'static) -> Self {
        Self { name: name.into(), arrange: Box::new(arrange), lasts: Duration::ZERO, heal: |_| {} }
    }

    pub fn lasting(self, lasts: Duration) -> Self {
        Self { lasts, ..self }
    }

    pub fn healed_by(self, heal: fn(&mut Desk)) -> Self {
        Self { heal, ..self }
    }

    /// Lets it happen, last and be over.
    pub fn happen(&self, desk: &mut Desk, call: &Call) {
        (self.arrange)(desk, call);
        desk.pass(self.lasts);
        (self.heal)(desk);
    }
}

/// Whether the long form was asked for: then nothing is left out, callbacks trap at more places, and the table is not
/// compared.
pub fn is_deep() -> bool {
    std::env::var_os("COUNTERSIGN_DEEP").is_some()
}

/// Everything that can go wrong with a call. In the short form, what happens to a second call of the same step is limited
/// to custody itself, and further ones are left alone: they repeat the second.
pub fn disturbances(call: &Call, mode: Mode) -> Vec<Disturbance> {
    if call.repetition > 2 && !is_deep() {
        return Vec::new();
    }
    let mut all = of_the_callback();
    if call.made_before == 0 {
        all.extend(of_the_moment());
    }
    if call.repetition == 1 || is_deep() {
        all.extend(of_kind(call, mode));
    }
    all
}

/// What can go wrong with calls of this kind alone.
fn of_kind(call: &Call, mode: Mode) -> Vec<Disturbance> {
    match call.kind {
        Kind::FetchBytes => of_fetching(),
        Kind::DrawRandomness => Vec::new(),
        Kind::DeriveKey | Kind::Sign => of_shares(),
        Kind::Look | Kind::SecondView | Kind::ReadKeys | Kind::ReadDocument => reads::of_looking(call, mode),
        Kind::ReadBytes => reads::of_serving(),
        Kind::ListStages => reads::of_listing(),
        Kind::Send => sends::of_sending(call, mode),
    }
}

/// Lets custody run out of instructions in the callback of a call, and not in those of calls made with it.
fn trap(desk: &mut Desk, call: &Call, limit: u64) {
    let undisturbed = std::iter::repeat_n(u64::MAX, call.made_before);
    for limit in undisturbed.chain([limit]) {
        let canister = desk.world.custody;
        let entry = EntryPoint::ReplyCallback { method: TIMER.into() };
        desk.world.replica.message_faults().next(MessageFault::OutOfInstructions { canister, entry, limit });
    }
}

/// What can happen to everything at the moment of a call: the same for all calls of a message.
fn of_the_moment() -> Vec<Disturbance> {
    vec![
        Disturbance::new("the call is refused by the network", |desk, call| {
            let to = match call.kind {
                Kind::FetchBytes => desk.world.dao,
                _ => candid::Principal::management_canister(),
            };
            let method = call.kind.method().into();
            desk.world.replica.message_faults().next(MessageFault::CallRefused { to, method });
        }),
        Disturbance::new("custody is upgraded, stopped meanwhile", |desk, _| stop_and_upgrade(desk)),
        // The answer of the open call meets the heap of code that did not make it: what it does there is not ours to say.
        Disturbance::new("custody is upgraded without a stop, and ten minutes later with one", |desk, _| {
            desk.upgrade(desk.world.custody);
        })
        .lasting(10 * MINUTE)
        .healed_by(stop_and_upgrade),
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
    ]
}

/// What can go wrong when custody is answered.
fn of_the_callback() -> Vec<Disturbance> {
    let mut all = vec![
        Disturbance::new("custody traps at the start of the callback", |desk, call| trap(desk, call, 1_000)),
        Disturbance::new("custody traps at the end of the callback", |desk, call| {
            trap(desk, call, call.callback_instructions / 100 * 99);
        }),
    ];
    if is_deep() {
        all.extend((1..20).map(|twentieth| {
            let name = format!("custody traps after {} % of the callback", 5 * twentieth);
            Disturbance::new(name, move |desk, call| {
                trap(desk, call, call.callback_instructions / 20 * twentieth);
            })
        }));
    }
    all
}

/// Upgrades custody as operators do.
fn stop_and_upgrade(desk: &mut Desk) {
    let custody = desk.world.custody;
    desk.manage("stop_canister", custody);
    desk.upgrade(custody);
    desk.manage("start_canister", custody);
}

fn of_fetching() -> Vec<Disturbance> {
    vec![
        Disturbance::new("the source's answer is lost", |desk, _| {
            let (to, method) = (desk.world.dao, Kind::FetchBytes.method().into());
            desk.world.replica.message_faults().next(MessageFault::AnswerLost { to, method });
        }),
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
