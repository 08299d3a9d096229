//! The state of the test canister as plain values, and what a program does to it.

use crate::canister::{FACTORS, Kind, Observation, SLOTS};
use crate::program::{Call, Id, MAX_PAGES, Op, Program};

use super::{Answer, CANISTER_REJECT, NS_PER_SECOND};

/// How observations name users.
pub const USER: u32 = 200;
/// How observations name the system.
pub const SYSTEM: u32 = 255;

/// Memories and globals.
#[derive(Clone, Debug)]
pub struct Code {
    pub heap: u32,
    pub global: u32,
    pub stable: u32,
    pub pages: u32,
    factor: u32,
    pub timer_program: Program,
    is_poisoned: bool,
    slots: Vec<Callbacks>,
}

/// What a slot holds for an open call.
#[derive(Clone, Debug, Default)]
struct Callbacks {
    id: Id,
    on_reply: Program,
    on_reject: Program,
    on_cleanup: Program,
}

/// What is entered, and with what.
pub struct Entry {
    pub kind: Kind,
    pub id: Id,
    pub answer: Option<Answer>,
    pub refund: u64,
}

impl Entry {
    pub fn new(kind: Kind, id: Id) -> Self {
        Self { kind, id, answer: None, refund: 0 }
    }
}

/// What the system lets the message see and do.
pub struct Offer {
    pub available: u64,
    pub needs_to_respond: bool,
    pub has_deadline: bool,
    pub status: u32,
    pub caller: u32,
    pub time_ns: u64,
}

impl Offer {
    /// During an installation.
    pub fn of_controller(status: u32, time_ns: u64) -> Self {
        Self { available: 0, needs_to_respond: false, has_deadline: false, status, caller: USER, time_ns }
    }
}

/// What a message did that returned, besides changing the memories.
#[derive(Default)]
pub struct Effects {
    pub answer: Option<Answer>,
    pub calls: Vec<Call>,
    pub accepted: u64,
    pub timer_ns: Option<u64>,
    pub certified: Option<u32>,
}

struct Trap;

impl Code {
    /// One of the modules before it has run, over existing stable memory.
    pub fn new(module: usize, stable: u32) -> Self {
        Self {
            heap: 0,
            global: 0,
            stable,
            pages: 1,
            factor: FACTORS[module],
            timer_program: Program::new(),
            is_poisoned: false,
            slots: vec![Callbacks::default(); SLOTS as usize],
        }
    }

    /// The program of an answered call. Another call may have taken its slot meanwhile.
    pub fn callback(&self, id: Id, kind: Kind) -> Program {
        let slot = &self.slots[(id % SLOTS) as usize];
        match kind {
            _ if slot.id != id => Program::new(),
            Kind::Reply => slot.on_reply.clone(),
            Kind::Reject => slot.on_reject.clone(),
            _ => slot.on_cleanup.clone(),
        }
    }

    /// Runs a program; without effects when it traps, and then nothing has changed. A query changes
    /// nothing either.
    pub fn run(&mut self, entry: &Entry, offer: &Offer, program: &Program) -> (Observation, Option<Effects>) {
        let saw = self.observe(entry, offer);
        let mut next = self.clone();
        let mut effects = Effects::default();
        let result = program.iter().try_for_each(|op| next.execute(op, entry.kind, offer, &mut effects));
        if result.is_err() {
            return (saw, None);
        }
        if entry.kind != Kind::Query {
            *self = next;
        }
        (saw, Some(effects))
    }

    /// The stable memory's cell afterwards, unless it traps.
    pub fn pre_upgrade(&self, offer: &Offer) -> (Observation, Option<u32>) {
        let saw = self.observe(&Entry::new(Kind::PreUpgrade, 0), offer);
        (saw, (!self.is_poisoned).then(|| self.mix(self.stable, self.heap)))
    }

    fn observe(&self, entry: &Entry, offer: &Offer) -> Observation {
        let answers_a_call = matches!(entry.kind, Kind::Update | Kind::Query | Kind::Reply | Kind::Reject);
        Observation {
            kind: entry.kind,
            id: entry.id,
            heap: self.heap,
            global: self.global,
            stable: self.stable,
            reject_code: entry.answer.and_then(Result::err).unwrap_or(0),
            refunded_units: entry.refund as u32,
            available_units: if answers_a_call { offer.available as u32 } else { 0 },
            has_deadline: answers_a_call && offer.has_deadline,
            reply: match (entry.kind, entry.answer) {
                (Kind::Reply, Some(Ok(Some((_, heap))))) => heap,
                _ => 0,
            },
            status: offer.status,
            caller: offer.caller,
        }
    }

    fn execute(&mut self, op: &Op, kind: Kind, offer: &Offer, effects: &mut Effects) -> Result<(), Trap> {
        let may = |allowed: &[Kind]| if allowed.contains(&kind) { Ok(()) } else { Err(Trap) };
        let answering = [Kind::Update, Kind::Query, Kind::Reply, Kind::Reject];
        match op {
            Op::Heap(number) => self.heap = self.mix(self.heap, (*number).into()),
            Op::Global(number) => self.global = self.mix(self.global, (*number).into()),
            Op::Stable(number) => self.stable = self.mix(self.stable, (*number).into()),
            Op::Grow => self.pages = (self.pages + 1).min(MAX_PAGES),
            Op::Certify => {
                if matches!(kind, Kind::Query | Kind::Cleanup) {
                    return Err(Trap);
                }
                effects.certified = Some(self.heap);
            }
            Op::Poison => self.is_poisoned = true,
            Op::Trap => return Err(Trap),
            Op::Reply(_) | Op::Reject => {
                may(&answering)?;
                if !offer.needs_to_respond || effects.answer.is_some() {
                    return Err(Trap);
                }
                effects.answer = Some(match op {
                    Op::Reply(number) => Ok(Some((*number, self.heap))),
                    _ => Err(CANISTER_REJECT),
                });
            }
            Op::Accept(units) => {
                may(&answering)?;
                let left = if effects.answer.is_some() { 0 } else { offer.available - effects.accepted };
                let accepted = left.min((*units).into());
                effects.accepted += accepted;
                self.heap = self.mix(self.heap, accepted as u32);
            }
            Op::Timer { seconds, program } => {
                if kind == Kind::Query {
                    return Err(Trap);
                }
                effects.timer_ns = Some(offer.time_ns + u64::from(*seconds) * NS_PER_SECOND);
                self.timer_program = program.clone();
            }
            Op::Call(call) => {
                may(&[Kind::Update, Kind::Reply, Kind::Reject, Kind::Timer])?;
                self.slots[(call.id % SLOTS) as usize] = Callbacks {
                    id: call.id,
                    on_reply: call.on_reply.clone(),
                    on_reject: call.on_reject.clone(),
                    on_cleanup: call.on_cleanup.clone().unwrap_or_default(),
                };
                effects.calls.push((**call).clone());
            }
        }
        Ok(())
    }

    fn mix(&self, cell: u32, by: u32) -> u32 {
        cell.wrapping_mul(self.factor).wrapping_add(by)
    }
}
