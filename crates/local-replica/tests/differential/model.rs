//! An executable model of the interface specification's abstract behaviour, as far as two canisters
//! that interpret programs can observe it: calls and their contexts, rollback, callbacks, cleanup,
//! deadlines, cycles in units, timers, and the life of a canister.
//!
//! The specification lets the network choose which message comes next; so each transition is a
//! method here, and whoever drives the model says which one was taken. A method refuses a
//! transition that is not possible, and returns what the canisters print during one that is.

mod code;
mod lifecycle;
mod silent;

use std::collections::BTreeMap;

use crate::canister::{Kind, Line};
use crate::program::{Id, Place, Program, Target};

pub use code::Code;
use code::{Effects, Entry, Offer};

const NS_PER_SECOND: u64 = 1_000_000_000;

/// How long users' messages may wait before they are processed.
pub const INGRESS_LIFETIME_NS: u64 = 300 * NS_PER_SECOND;

pub const CANISTER_ERROR: u32 = 5;
pub const CANISTER_REJECT: u32 = 4;
pub const DESTINATION_INVALID: u32 = 3;
pub const SYS_TRANSIENT: u32 = 2;
pub const SYS_UNKNOWN: u32 = 6;
/// How long a `stop_canister` call waits.
const STOP_PATIENCE_NS: u64 = 300 * NS_PER_SECOND;

/// A reply: the byte chosen by the program and the cell of the heap; nothing from the management
/// canister. Or a reject code.
pub type Answer = Result<Option<(u8, u32)>, u32>;

/// What a user knows of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    Received,
    Processing,
    Answered(Answer),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    Running,
    /// Answers these calls once no context is left: who made each, with how many units, and when.
    Stopping(Vec<(Origin, u64, u64)>),
    Stopped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    User(Id),
    /// The call of this id, made by that canister.
    Canister(Id, Place),
    Timer,
}

#[derive(Clone, Debug)]
pub struct Canister {
    pub status: Status,
    pub code: Option<Code>,
    pub units: u64,
    pub timer_ns: Option<u64>,
    /// What the heap's cell was when it was certified; 0 when nothing is.
    pub certified: u32,
}

#[derive(Clone, Debug)]
struct Context {
    place: Place,
    origin: Origin,
    has_deadline: bool,
    needs_to_respond: bool,
    deleted: bool,
    available: u64,
}

/// A call whose answer has not been taken by its caller.
#[derive(Clone, Debug)]
struct OpenCall {
    context: u64,
    has_cleanup: bool,
    deadline_ns: Option<u64>,
}

/// A message on its way to a canister, or to the management canister.
#[derive(Clone, Debug)]
enum Message {
    /// The deadline of a user's message is its expiry.
    Call {
        origin: Origin,
        to: Destination,
        id: Id,
        units: u64,
        deadline_ns: Option<u64>,
    },
    Response {
        id: Id,
        to: Place,
        answer: Answer,
        refund: u64,
    },
}

/// What a message asks for.
#[derive(Clone, Debug)]
pub enum Destination {
    Call(Target, Program),
    Install(Install, Place, Id, Program),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "the specification's names of the modes")]
pub enum Install {
    Install,
    Reinstall,
    Upgrade,
}

/// Why a transition cannot be taken.
#[derive(Clone, Debug)]
pub struct Impossible(pub String);

type Lines = Vec<(Place, Line)>;

#[derive(Clone, Debug)]
pub struct Model {
    time_ns: u64,
    pub canisters: [Canister; 2],
    pub users: BTreeMap<Id, Progress>,
    contexts: BTreeMap<u64, Context>,
    next_context: u64,
    open: BTreeMap<Id, OpenCall>,
    /// Older ones first.
    messages: Vec<Message>,
}

impl Model {
    /// Two empty canisters.
    pub fn new(time_ns: u64, units: u64) -> Self {
        let canister = Canister { status: Status::Running, code: None, units, timer_ns: None, certified: 0 };
        Self {
            time_ns,
            canisters: [canister.clone(), canister],
            users: BTreeMap::new(),
            contexts: BTreeMap::new(),
            next_context: 0,
            open: BTreeMap::new(),
            messages: Vec::new(),
        }
    }

    /// Time passes.
    pub fn advance_to(&mut self, time_ns: u64) {
        self.time_ns = time_ns;
        (0..2).for_each(|place| self.give_up_stopping(place));
    }

    pub fn has_open_contexts(&self, place: Place) -> bool {
        self.contexts.values().any(|context| context.place == place)
    }

    /// Whether a user's message is taken at all.
    pub fn submit(&mut self, id: Id, to: Destination) -> bool {
        if let Destination::Call(Target::Update(place) | Target::Query(place), _) = &to {
            let canister = &self.canisters[*place];
            if canister.status != Status::Running || canister.code.is_none() {
                return false;
            }
        }
        self.users.insert(id, Progress::Received);
        self.messages.push(Message::Call {
            origin: Origin::User(id),
            to,
            id,
            units: 0,
            deadline_ns: Some(self.time_ns + INGRESS_LIFETIME_NS),
        });
        true
    }

    /// A call begins to be processed: by a user, or the first one of its queue.
    pub fn take_call(&mut self, id: Id) -> Result<Lines, Impossible> {
        let queue = |message: &Message| match message {
            Message::Call { origin: Origin::Canister(_, from), to, .. } => Some((*from, to.callee())),
            _ => None,
        };
        let position =
            self.position(|message| matches!(message, Message::Call { id: own, .. } if *own == id))?;
        let of = queue(&self.messages[position]);
        let is_overtaking = of.is_some()
            && self.messages[..position].iter().any(|older| queue(older) == of && !self.is_expired(older));
        if is_overtaking {
            return Err(Impossible(format!("call {id} overtakes an older one of its queue")));
        }
        let Message::Call { origin, to, units, deadline_ns, .. } = self.messages.remove(position) else {
            unreachable!("found as a call");
        };
        if let Origin::User(id) = origin {
            self.users.insert(id, Progress::Processing);
            if deadline_ns.is_some_and(|expiry_ns| expiry_ns < self.time_ns) {
                self.respond(origin, Err(SYS_TRANSIENT), units);
                return Ok(Lines::new());
            }
        }
        let lines = match to {
            Destination::Install(mode, place, id, program) => {
                let (lines, answer) = self.install(mode, place, id, &program);
                self.respond(origin, answer, units);
                lines
            }
            Destination::Call(target, program) => self.call(origin, target, id, &program, units, deadline_ns),
        };
        self.settle();
        Ok(lines)
    }

    fn call(
        &mut self,
        origin: Origin,
        target: Target,
        id: Id,
        program: &Program,
        units: u64,
        deadline_ns: Option<u64>,
    ) -> Lines {
        let (place, kind) = match target {
            Target::Missing => {
                self.respond(origin, Err(DESTINATION_INVALID), units);
                return Lines::new();
            }
            Target::Manage(what, about) => {
                self.manage(origin, what, about, units);
                return Lines::new();
            }
            Target::NoMethod(_) => {
                self.respond(origin, Err(CANISTER_ERROR), units);
                return Lines::new();
            }
            Target::Update(place) => (place, Kind::Update),
            Target::Query(place) => (place, Kind::Query),
        };
        if self.canisters[place].status != Status::Running || self.canisters[place].code.is_none() {
            self.respond(origin, Err(CANISTER_ERROR), units);
            return Lines::new();
        }
        // Neither users' messages nor queries are told of a deadline.
        let has_deadline =
            deadline_ns.is_some() && matches!((origin, target), (Origin::Canister(..), Target::Update(_)));
        let context = self.open_context(place, origin, has_deadline, units);
        let (line, effects) = self.enter(context, Entry::new(kind, id), program);
        let mut lines = vec![(place, Line::Saw(line))];
        match effects {
            Some(effects) => self.keep(context, effects),
            None => lines.push((place, Line::Trapped)),
        }
        lines
    }

    /// The answer of a call arrives at its caller.
    pub fn take_response(&mut self, id: Id) -> Result<Lines, Impossible> {
        let position =
            self.position(|message| matches!(message, Message::Response { id: own, .. } if *own == id))?;
        if self.is_silent(&self.messages[position]) {
            return Err(Impossible(format!("nobody waits for the answer of call {id}")));
        }
        let Message::Response { answer, refund, .. } = self.messages.remove(position) else {
            unreachable!("found as a response");
        };
        Ok(self.callback(id, answer, refund))
    }

    /// The deadline of a call passes, and the caller learns so.
    pub fn expire(&mut self, id: Id) -> Result<Lines, Impossible> {
        let deadline_ns = self.open.get(&id).and_then(|call| call.deadline_ns);
        match deadline_ns {
            Some(deadline_ns) if deadline_ns <= self.time_ns => Ok(self.callback(id, Err(SYS_UNKNOWN), 0)),
            _ => Err(Impossible(format!("call {id} is not past a deadline"))),
        }
    }

    fn callback(&mut self, id: Id, answer: Answer, refund: u64) -> Lines {
        let OpenCall { context, has_cleanup, .. } =
            self.open.remove(&id).expect("a response that is not silent is for an open call");
        let place = self.contexts[&context].place;
        self.canisters[place].units += refund;
        let kind = if answer.is_ok() { Kind::Reply } else { Kind::Reject };
        let entry = Entry { refund, answer: Some(answer), ..Entry::new(kind, id) };
        let code = self.canisters[place].code.as_ref();
        let to_run = code.map(|code| code.callback(id, kind)).unwrap_or_default();
        let (line, effects) = self.enter(context, entry, &to_run);
        let mut lines = vec![(place, Line::Saw(line))];
        match effects {
            Some(effects) => self.keep(context, effects),
            None => {
                lines.push((place, Line::Trapped));
                if has_cleanup {
                    lines.extend(self.clean_up(context, id, answer));
                }
            }
        }
        self.settle();
        lines
    }

    /// Runs on the state before the callback that trapped.
    fn clean_up(&mut self, context: u64, id: Id, answer: Answer) -> Lines {
        let place = self.contexts[&context].place;
        let entry = Entry { answer: Some(answer), ..Entry::new(Kind::Cleanup, id) };
        let code = self.canisters[place].code.as_ref();
        let to_run = code.map(|code| code.callback(id, Kind::Cleanup)).unwrap_or_default();
        let (line, effects) = self.enter(context, entry, &to_run);
        let mut lines = vec![(place, Line::Saw(line))];
        match effects {
            Some(effects) => self.keep(context, effects),
            None => lines.push((place, Line::Trapped)),
        }
        lines
    }

    /// The global timer of a canister fires.
    pub fn fire_timer(&mut self, place: Place) -> Result<Lines, Impossible> {
        let canister = &mut self.canisters[place];
        let is_due = canister.timer_ns.is_some_and(|timer_ns| timer_ns <= self.time_ns);
        let Some(code) = canister.code.as_ref().filter(|_| is_due && canister.status == Status::Running)
        else {
            return Err(Impossible(format!("no timer of canister {place} is due")));
        };
        let program = code.timer_program.clone();
        canister.timer_ns = None;
        let context = self.open_context(place, Origin::Timer, false, 0);
        let (line, effects) = self.enter(context, Entry::new(Kind::Timer, 0), &program);
        let mut lines = vec![(place, Line::Saw(line))];
        match effects {
            Some(effects) => self.keep(context, effects),
            None => lines.push((place, Line::Trapped)),
        }
        self.settle();
        Ok(lines)
    }

    /// Why something is left to do although neither time nor a user moves.
    pub fn left_to_do(&self) -> Option<String> {
        // Calls whose callers wait no longer may be dropped.
        if let Some(message) = self.messages.iter().find(|message| !self.is_expired(message)) {
            return Some(format!("{message:?} is not delivered"));
        }
        let late = self.open.iter().find(|(_, call)| call.deadline_ns.is_some_and(|at| at <= self.time_ns));
        if let Some((id, _)) = late {
            return Some(format!("call {id} is past its deadline"));
        }
        let due = self.canisters.iter().position(|canister| {
            canister.status == Status::Running
                && canister.code.is_some()
                && canister.timer_ns.is_some_and(|at| at <= self.time_ns)
        });
        due.map(|place| format!("the timer of canister {place} is due"))
    }

    /// The oldest call that this canister made of the management canister.
    pub fn first_management_call(&self, from: Place) -> Option<Id> {
        self.first_call(|origin, to| {
            matches!((origin, to), (Origin::Canister(_, own), Destination::Call(Target::Manage(..), _)) if *own == from)
        })
    }

    /// The oldest call of this canister, or of nobody in particular, to a method of `to`; `None` is
    /// the canister that does not exist.
    pub fn first_call_between(&self, from: Place, to: Option<Place>) -> Option<Id> {
        self.first_call(|origin, destination| {
            matches!(origin, Origin::Canister(_, own) if *own == from)
                && destination.callee() == to.map_or(Callee::Missing, Callee::Canister)
        })
    }

    /// The oldest such call that is not to be dropped because its deadline has passed.
    fn first_call(&self, wanted: impl Fn(&Origin, &Destination) -> bool) -> Option<Id> {
        self.messages.iter().find_map(|message| match message {
            Message::Call { origin, to, id, deadline_ns, .. }
                if wanted(origin, to) && deadline_ns.is_none_or(|at| at > self.time_ns) =>
            {
                Some(*id)
            }
            _ => None,
        })
    }

    fn position(&self, wanted: impl Fn(&Message) -> bool) -> Result<usize, Impossible> {
        self.messages.iter().position(wanted).ok_or_else(|| Impossible("no such message waits".to_owned()))
    }

    fn open_context(&mut self, place: Place, origin: Origin, has_deadline: bool, available: u64) -> u64 {
        self.next_context += 1;
        self.contexts.insert(
            self.next_context,
            Context {
                place,
                origin,
                has_deadline,
                needs_to_respond: origin != Origin::Timer,
                deleted: false,
                available,
            },
        );
        self.next_context
    }

    /// Executes; `None` when it traps, and nothing is kept.
    fn enter(
        &mut self,
        context: u64,
        entry: Entry,
        program: &Program,
    ) -> (crate::canister::Observation, Option<Effects>) {
        let context = &self.contexts[&context];
        let canister = &mut self.canisters[context.place];
        let offer = Offer {
            available: context.available,
            needs_to_respond: context.needs_to_respond,
            has_deadline: context.has_deadline,
            status: match canister.status {
                Status::Running => 1,
                Status::Stopping(_) => 2,
                Status::Stopped => 3,
            },
            caller: match context.origin {
                Origin::User(_) => code::USER,
                Origin::Canister(_, place) => place as u32,
                Origin::Timer => code::SYSTEM,
            },
            time_ns: self.time_ns,
        };
        let code = canister.code.as_mut().expect("contexts of empty canisters are deleted");
        code.run(&entry, &offer, program)
    }

    /// Carries out what a message did that returned.
    fn keep(&mut self, id: u64, effects: Effects) {
        let context = self.contexts.get_mut(&id).expect("executed just now");
        let place = context.place;
        context.available -= effects.accepted;
        let canister = &mut self.canisters[place];
        canister.units += effects.accepted;
        if let Some(timer_ns) = effects.timer_ns {
            canister.timer_ns = Some(timer_ns);
        }
        if let Some(certified) = effects.certified {
            canister.certified = certified;
        }
        for call in effects.calls {
            canister.units -= u64::from(call.units);
            let deadline_ns =
                call.timeout_seconds.map(|seconds| self.time_ns + u64::from(seconds) * NS_PER_SECOND);
            self.open.insert(
                call.id,
                OpenCall { context: id, has_cleanup: call.on_cleanup.is_some(), deadline_ns },
            );
            self.messages.push(Message::Call {
                origin: Origin::Canister(call.id, place),
                to: Destination::Call(call.target, call.program),
                id: call.id,
                units: call.units.into(),
                deadline_ns,
            });
        }
        if let Some(answer) = effects.answer {
            let context = self.contexts.get_mut(&id).expect("executed just now");
            context.needs_to_respond = false;
            let (origin, refund) = (context.origin, std::mem::take(&mut context.available));
            self.respond(origin, answer, refund);
        }
    }

    fn respond(&mut self, origin: Origin, answer: Answer, refund: u64) {
        match origin {
            Origin::User(id) => {
                self.users.insert(id, Progress::Answered(answer));
            }
            Origin::Canister(id, to) => self.messages.push(Message::Response { id, to, answer, refund }),
            Origin::Timer => {}
        }
    }

    /// Answers contexts that nothing can answer any more, removes those that are done, and
    /// completes stops.
    fn settle(&mut self) {
        let finished: Vec<u64> = self
            .contexts
            .keys()
            .filter(|id| !self.open.values().any(|call| call.context == **id))
            .copied()
            .collect();
        for id in finished {
            let context = self.contexts.remove(&id).expect("listed just now");
            if context.needs_to_respond {
                self.respond(context.origin, Err(CANISTER_ERROR), context.available);
            }
        }
        for place in 0..2 {
            if !self.has_open_contexts(place)
                && let Status::Stopping(origins) = &mut self.canisters[place].status
            {
                let origins = std::mem::take(origins);
                self.canisters[place].status = Status::Stopped;
                for (origin, units, _) in origins {
                    self.respond(origin, Ok(None), units);
                }
            }
        }
    }
}

/// Whose queue a call waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Callee {
    Canister(Place),
    Missing,
    Management,
}

impl Destination {
    fn callee(&self) -> Callee {
        match self {
            Self::Call(Target::Update(place) | Target::Query(place) | Target::NoMethod(place), _) => {
                Callee::Canister(*place)
            }
            Self::Call(Target::Missing, _) => Callee::Missing,
            Self::Call(Target::Manage(..), _) | Self::Install(..) => Callee::Management,
        }
    }
}
