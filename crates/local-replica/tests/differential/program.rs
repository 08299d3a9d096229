//! Programs that the test canister interprets, their encoding, and random ones.

use rand::Rng;
use rand_chacha::ChaCha20Rng;

/// Names one call or one user's message; unique within a history.
pub type Id = u32;

/// Which of the two canisters.
pub type Place = usize;

/// Most bytes of the three callbacks of one call; a slot of the canister holds them.
const MAX_CALLBACK_BYTES: usize = 1024 - 10;
/// Most bytes of a timer's program.
const MAX_TIMER_BYTES: usize = 1024;
/// Most bytes of an argument.
const MAX_ARGUMENT_BYTES: usize = 12 * 1024;

pub type Program = Vec<Op>;

/// What a message does, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Mixes a number into a cell of the linear memory.
    Heap(u8),
    /// Mixes a number into a WebAssembly global.
    Global(u8),
    /// Mixes a number into a cell of stable memory.
    Stable(u8),
    /// Grows the linear memory by a page, up to [`MAX_PAGES`].
    Grow,
    /// Makes the heap's cell the certified data.
    Certify,
    /// Lets the next `canister_pre_upgrade` trap.
    Poison,
    /// Accepts up to so many units of cycles, and mixes how many into the heap's cell.
    Accept(u8),
    Timer {
        seconds: u16,
        program: Program,
    },
    Call(Box<Call>),
    Reply(u8),
    Reject,
    Trap,
}

/// Pages that [`Op::Grow`] stops at.
pub const MAX_PAGES: u32 = 4;

/// One call to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub id: Id,
    pub target: Target,
    /// Units of cycles to attach.
    pub units: u8,
    pub timeout_seconds: Option<u8>,
    /// What the callee executes.
    pub program: Program,
    pub on_reply: Program,
    pub on_reject: Program,
    pub on_cleanup: Option<Program>,
}

/// Whom a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Update(Place),
    Query(Place),
    /// A method that the canister does not have.
    NoMethod(Place),
    /// A canister that does not exist.
    Missing,
    /// The management canister, about a canister.
    Manage(Management, Place),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Management {
    Stop,
    Start,
    Uninstall,
}

impl Management {
    pub fn method(self) -> &'static str {
        match self {
            Self::Stop => "stop_canister",
            Self::Start => "start_canister",
            Self::Uninstall => "uninstall_code",
        }
    }
}

/// The name of each caller in the methods it calls, so that a refused call tells whose it was.
pub const CALLERS: [&str; 3] = ["a", "b", "user"];
/// The index of users in [`CALLERS`].
pub const USER_CALLER: usize = 2;

/// The names the canister calls, by the number that stands for them in programs.
pub const METHODS: [&str; 9] = [
    "update_a",
    "update_b",
    "query_a",
    "query_b",
    "none_a",
    "none_b",
    "stop_canister",
    "start_canister",
    "uninstall_code",
];

/// The bytes of an argument: the message's id, then its program.
pub fn argument(id: Id, program: &Program, place: Place, ids: &[Vec<u8>; 2]) -> Vec<u8> {
    let mut bytes = id.to_le_bytes().to_vec();
    bytes.extend(encode(program, place, ids));
    assert!(bytes.len() <= MAX_ARGUMENT_BYTES, "the generator bounds programs");
    bytes
}

/// `place` is the canister that executes the program.
fn encode(program: &Program, place: Place, ids: &[Vec<u8>; 2]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for op in program {
        match op {
            Op::Heap(number) => bytes.extend([1, *number]),
            Op::Global(number) => bytes.extend([2, *number]),
            Op::Stable(number) => bytes.extend([3, *number]),
            Op::Reply(number) => bytes.extend([4, *number]),
            Op::Reject => bytes.push(5),
            Op::Trap => bytes.push(6),
            Op::Accept(units) => bytes.extend([7, *units]),
            Op::Timer { seconds, program } => {
                bytes.push(8);
                bytes.extend(seconds.to_le_bytes());
                let program = encode(program, place, ids);
                assert!(program.len() <= MAX_TIMER_BYTES, "the generator bounds programs");
                push_sized(&mut bytes, &program);
            }
            Op::Call(call) => {
                let (callee, method, arg) = match call.target {
                    Target::Update(to) => (to, place, argument(call.id, &call.program, to, ids)),
                    Target::Query(to) => (to, 2 + place, argument(call.id, &call.program, to, ids)),
                    Target::NoMethod(to) => (to, 4 + place, Vec::new()),
                    Target::Missing => (2, place, Vec::new()),
                    Target::Manage(what, about) => (3, 6 + what as usize, canister_id_record(&ids[about])),
                };
                bytes.extend([9, callee as u8, method as u8, call.units, call.timeout_seconds.unwrap_or(0)]);
                bytes.extend(call.id.to_le_bytes());
                bytes.push(call.on_cleanup.is_some().into());
                push_sized(&mut bytes, &arg);
                push_sized(&mut bytes, &encode_callbacks(call, place, ids));
            }
            Op::Poison => bytes.push(10),
            Op::Grow => bytes.push(11),
            Op::Certify => bytes.push(12),
        }
    }
    bytes
}

fn encode_callbacks(call: &Call, place: Place, ids: &[Vec<u8>; 2]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let none = Program::new();
    for program in [&call.on_reply, &call.on_reject, call.on_cleanup.as_ref().unwrap_or(&none)] {
        push_sized(&mut bytes, &encode(program, place, ids));
    }
    assert!(bytes.len() <= MAX_CALLBACK_BYTES + 6, "the generator bounds programs");
    bytes
}

fn push_sized(bytes: &mut Vec<u8>, part: &[u8]) {
    let size = u16::try_from(part.len()).expect("the generator bounds programs");
    bytes.extend(size.to_le_bytes());
    bytes.extend(part);
}

/// The argument of management calls that name a canister and nothing else.
pub fn canister_id_record(id: &[u8]) -> Vec<u8> {
    #[derive(candid::CandidType)]
    struct Record {
        canister_id: candid::Principal,
    }
    let record = Record { canister_id: candid::Principal::from_slice(id) };
    candid::encode_one(record).expect("a principal can be encoded")
}

/// Makes random programs whose calls have fresh ids.
pub struct Generator {
    pub random: ChaCha20Rng,
    next_id: Id,
}

impl Generator {
    pub fn new(random: ChaCha20Rng) -> Self {
        Self { random, next_id: 1 }
    }

    pub fn fresh_id(&mut self) -> Id {
        self.next_id += 1;
        self.next_id - 1
    }

    pub fn chance(&mut self, percent: u32) -> bool {
        self.random.gen_range(0..100) < percent
    }

    /// A program that fits its place, with calls nested up to `depth`.
    pub fn program(&mut self, place: Place, depth: u32) -> Program {
        loop {
            let program = self.ops(place, depth);
            if fits(&program, place) {
                return program;
            }
        }
    }

    fn ops(&mut self, place: Place, depth: u32) -> Program {
        let count = self.random.gen_range(0..=4);
        let mut program: Program = (0..count).map(|_| self.op(place, depth)).collect();
        match self.random.gen_range(0..10) {
            0..=4 => program.push(Op::Reply(self.random.r#gen())),
            5 => program.push(Op::Reject),
            6 => program.push(Op::Trap),
            _ => {}
        }
        program
    }

    fn op(&mut self, place: Place, depth: u32) -> Op {
        match self.random.gen_range(0..100) {
            0..=14 => Op::Heap(self.random.r#gen()),
            15..=24 => Op::Global(self.random.r#gen()),
            25..=34 => Op::Stable(self.random.r#gen()),
            35..=44 => Op::Accept(self.random.gen_range(0..4)),
            45..=46 => Op::Grow,
            47 => Op::Poison,
            48..=49 => Op::Trap,
            50..=51 => Op::Reply(self.random.r#gen()),
            52..=57 if depth > 0 => {
                Op::Timer { seconds: self.random.gen_range(0..200), program: self.ops(place, depth - 1) }
            }
            58..=60 => Op::Certify,
            _ if depth > 0 => Op::Call(Box::new(self.call(place, depth - 1))),
            _ => Op::Heap(self.random.r#gen()),
        }
    }

    fn call(&mut self, place: Place, depth: u32) -> Call {
        let target = self.target(place);
        let callee = match target {
            Target::Update(to) | Target::Query(to) | Target::NoMethod(to) => to,
            Target::Missing | Target::Manage(..) => place,
        };
        // Queries rarely get programs that they may not execute.
        let callee_depth = if matches!(target, Target::Query(_)) && !self.chance(10) { 0 } else { depth };
        Call {
            id: self.fresh_id(),
            target,
            units: if self.chance(50) { self.random.gen_range(1..4) } else { 0 },
            timeout_seconds: self.chance(30).then(|| self.random.gen_range(1..200)),
            program: self.ops(callee, callee_depth),
            on_reply: self.ops(place, depth),
            on_reject: self.ops(place, depth.saturating_sub(1)),
            on_cleanup: self.chance(60).then(|| self.ops(place, 0)),
        }
    }

    fn target(&mut self, place: Place) -> Target {
        let to = self.random.gen_range(0..2);
        match self.random.gen_range(0..100) {
            0..=79 => Target::Update(to),
            80..=89 => Target::Query(to),
            90..=91 => Target::NoMethod(to),
            92..=93 => Target::Missing,
            // One canister only, so that it is plain whose call the management canister executes.
            _ if place == 0 => {
                let what = [Management::Stop, Management::Start, Management::Uninstall];
                Target::Manage(what[self.random.gen_range(0..3)], to)
            }
            _ => Target::Update(to),
        }
    }
}

/// Whether every part of the program fits where the canister puts it.
fn fits(program: &Program, place: Place) -> bool {
    let ids = [vec![0; 10], vec![0; 10]];
    let parts_fit = program.iter().all(|op| match op {
        Op::Timer { program, .. } => {
            fits(program, place) && encode(program, place, &ids).len() <= MAX_TIMER_BYTES
        }
        Op::Call(call) => {
            let callee = match call.target {
                Target::Update(to) | Target::Query(to) => to,
                _ => place,
            };
            let none = Program::new();
            let callbacks = [&call.on_reply, &call.on_reject, call.on_cleanup.as_ref().unwrap_or(&none)];
            fits(&call.program, callee)
                && callbacks.iter().all(|program| fits(program, place))
                && callbacks.iter().map(|program| encode(program, place, &ids).len()).sum::<usize>()
                    <= MAX_CALLBACK_BYTES
        }
        _ => true,
    });
    parts_fit && encode(program, place, &ids).len() <= MAX_ARGUMENT_BYTES - 4
}
