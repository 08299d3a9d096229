//! Histories: what users, controllers and time do to two canisters, message by message; made from
//! a seed, and made smaller when one shows a difference.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

use crate::model::Install;
use crate::program::{Generator, Id, Management, Op, Place, Program};

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Action {
    /// A user sends a message, as an update or to a query method.
    Submit { id: Id, place: Place, is_query: bool, program: Program },
    /// A controller stops, starts or uninstalls a canister.
    Manage { id: Id, what: Management, place: Place },
    /// A controller installs code, whose `canister_init` or `canister_post_upgrade` runs the program.
    Install { id: Id, mode: Install, place: Place, program: Program },
    /// Time passes.
    Wait { seconds: u16 },
    /// Up to so many messages are executed.
    Execute { messages: u8 },
}

/// The actions that this seed stands for. Both canisters are installed first.
pub fn from_seed(seed: u64, length: usize) -> Vec<Action> {
    let mut generator = Generator::new(ChaCha20Rng::seed_from_u64(seed));
    let mut actions: Vec<Action> = (0..2)
        .map(|place| Action::Install {
            id: generator.fresh_id(),
            mode: Install::Install,
            place,
            program: Program::new(),
        })
        .collect();
    actions.push(Action::Execute { messages: 2 });
    actions.extend((0..length).map(|_| random_action(&mut generator)));
    actions
}

fn random_action(generator: &mut Generator) -> Action {
    let place = generator.random.gen_range(0..2);
    match generator.random.gen_range(0..1000) {
        0..=299 => {
            let is_query = generator.chance(8);
            let depth = if is_query { 0 } else { generator.random.gen_range(0..4) };
            let program = generator.program(place, depth);
            Action::Submit { id: generator.fresh_id(), place, is_query, program }
        }
        300..=379 => Action::Wait { seconds: generator.random.gen_range(1..150) },
        380..=399 => Action::Manage { id: generator.fresh_id(), what: Management::Stop, place },
        400..=429 => Action::Manage { id: generator.fresh_id(), what: Management::Start, place },
        430..=437 => Action::Manage { id: generator.fresh_id(), what: Management::Uninstall, place },
        438..=489 => {
            let modes = [Install::Upgrade, Install::Upgrade, Install::Install, Install::Reinstall];
            let mode = modes[generator.random.gen_range(0..modes.len())];
            let program = generator.program(place, 0);
            Action::Install { id: generator.fresh_id(), mode, place, program }
        }
        _ => Action::Execute { messages: generator.random.gen_range(1..5) },
    }
}

/// The smallest history found by leaving out actions and parts of programs that still fails.
pub fn shrink(mut actions: Vec<Action>, fails: impl Fn(&[Action]) -> bool) -> Vec<Action> {
    let mut attempts = 400;
    let mut size = actions.len() / 2;
    while size > 0 {
        let mut start = 0;
        while start < actions.len() && attempts > 0 {
            let end = (start + size).min(actions.len());
            let shorter: Vec<Action> = [&actions[..start], &actions[end..]].concat();
            attempts -= 1;
            if fails(&shorter) {
                actions = shorter;
            } else {
                start = end;
            }
        }
        size /= 2;
    }
    for i in 0..actions.len() {
        while attempts > 0 {
            let smaller = with_smaller_program(&actions[i]).into_iter().find_map(|action| {
                attempts -= 1;
                let mut candidate = actions.clone();
                candidate[i] = action;
                fails(&candidate).then_some(candidate)
            });
            match smaller {
                Some(smaller) => actions = smaller,
                None => break,
            }
        }
    }
    actions
}

fn with_smaller_program(action: &Action) -> Vec<Action> {
    match action {
        Action::Submit { program, .. } | Action::Install { program, .. } => smaller(program)
            .into_iter()
            .map(|smaller| {
                let mut action = action.clone();
                match &mut action {
                    Action::Submit { program, .. } | Action::Install { program, .. } => *program = smaller,
                    _ => unreachable!("matched above"),
                }
                action
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The program without one of its operations, or with a smaller part.
fn smaller(program: &Program) -> Vec<Program> {
    let mut candidates = Vec::new();
    for i in 0..program.len() {
        let mut shorter = program.clone();
        shorter.remove(i);
        candidates.push(shorter);
        let mut replace = |op: Op| {
            let mut changed = program.clone();
            changed[i] = op;
            candidates.push(changed);
        };
        match &program[i] {
            Op::Timer { seconds, program } => {
                smaller(program)
                    .into_iter()
                    .for_each(|program| replace(Op::Timer { seconds: *seconds, program }));
            }
            Op::Call(call) => {
                for part in smaller(&call.program) {
                    let mut call = call.clone();
                    call.program = part;
                    replace(Op::Call(call));
                }
                for part in smaller(&call.on_reply) {
                    let mut call = call.clone();
                    call.on_reply = part;
                    replace(Op::Call(call));
                }
                for part in smaller(&call.on_reject) {
                    let mut call = call.clone();
                    call.on_reject = part;
                    replace(Op::Call(call));
                }
                for part in call.on_cleanup.iter().flat_map(smaller) {
                    let mut call = call.clone();
                    call.on_cleanup = Some(part);
                    replace(Op::Call(call));
                }
            }
            _ => {}
        }
    }
    candidates
}
