//! Measures what an operation costs: an observer notes every message, balances are compared before and after.

use std::sync::{Arc, Mutex, MutexGuard};

use candid::Principal;
use e2e_tests::World;
use local_replica::{EntryPoint, MessageReport, cycles::Prices};

use crate::figures::{Canister, CyclesSplit, Measurement, MessageFigure, PerCanister};

/// The vetKD and Schnorr key that the worlds' custody canister is installed with.
const KEY_NAME: &str = "key_1";
/// Cycles are rounded to this: what an outcall gives back depends on milliseconds of this machine.
const CYCLES_GRAIN: u128 = 10_000_000;
/// Messages of fewer instructions are not named.
pub const NAMED_FROM_INSTRUCTIONS: u64 = 200_000;
/// With more rows than this an operation repeats itself, as a day of looks does: equal messages are then added up.
const MOST_ROWS: usize = 40;

/// Notes every message of a world.
pub struct Meter {
    messages: Arc<Mutex<Vec<MessageReport>>>,
}

impl Meter {
    pub fn attach(world: &mut World) -> Self {
        let messages = Arc::new(Mutex::new(Vec::new()));
        let seen = messages.clone();
        world.replica.observe(Box::new(move |report, _| lock(&seen).push(report.clone())));
        Self { messages }
    }

    /// Runs updates and everything that follows from them. Queries that the operation makes to look how far it is do
    /// not count.
    pub fn updates<T>(
        &self,
        world: &mut World,
        name: &str,
        operation: impl FnOnce(&mut World) -> T,
    ) -> (Measurement, T) {
        self.measure(world, name, |report| !is_query(&report.entry), operation)
    }

    /// Runs one query.
    pub fn query<T>(
        &self,
        world: &mut World,
        name: &str,
        operation: impl FnOnce(&mut World) -> T,
    ) -> (Measurement, T) {
        self.measure(world, name, |report| is_query(&report.entry), operation)
    }

    fn measure<T>(
        &self,
        world: &mut World,
        name: &str,
        counts: impl Fn(&MessageReport) -> bool,
        operation: impl FnOnce(&mut World) -> T,
    ) -> (Measurement, T) {
        lock(&self.messages).clear();
        let before = balances(world);
        let result = operation(world);
        let after = balances(world);
        let messages: Vec<_> = lock(&self.messages).drain(..).filter(counts).collect();
        (measurement(world, name, &messages, before, after), result)
    }
}

fn lock(messages: &Mutex<Vec<MessageReport>>) -> MutexGuard<'_, Vec<MessageReport>> {
    messages.lock().expect("no panic while held")
}

fn is_query(entry: &EntryPoint) -> bool {
    matches!(
        entry,
        EntryPoint::Query { replicated: false, .. }
            | EntryPoint::CompositeQuery { .. }
            | EntryPoint::InspectMessage { .. }
    )
}

fn balances(world: &World) -> PerCanister<u128> {
    per_canister(world, |world, id| world.replica.cycles_balance(id))
}

fn per_canister<T>(world: &World, of: impl Fn(&World, Principal) -> T) -> PerCanister<T> {
    PerCanister { dao: of(world, world.dao), custody: of(world, world.custody) }
}

fn measurement(
    world: &World,
    name: &str,
    messages: &[MessageReport],
    before: PerCanister<u128>,
    after: PerCanister<u128>,
) -> Measurement {
    let messages_by_canister = figures(world, messages);
    let instructions = |canister| {
        messages_by_canister.iter().filter(|m| m.canister == canister).map(|m| m.instructions).sum::<u64>()
    };
    let spent = PerCanister {
        dao: before.dao.saturating_sub(after.dao),
        custody: before.custody.saturating_sub(after.custody),
    };
    let executed = |id: Principal| -> u128 {
        messages.iter().filter(|report| report.canister == id).map(|report| report.cycles_charged).sum()
    };
    let calls_of = |wanted: &str| {
        let is_wanted = |report: &&MessageReport| matches!(&report.entry, EntryPoint::Native { method } if method == wanted);
        messages.iter().filter(is_wanted).count() as u128
    };
    let key_price = Prices::new(13).threshold_key(KEY_NAME).expect("a key that the replica has");
    let execution = executed(world.dao) + executed(world.custody);
    let (vetkd, schnorr) =
        (calls_of("vetkd_derive_key") * key_price, calls_of("sign_with_schnorr") * key_price);
    let total = spent.dao + spent.custody;
    Measurement {
        name: name.into(),
        instructions: PerCanister {
            dao: instructions(Canister::Dao),
            custody: instructions(Canister::Custody),
        },
        cycles: CyclesSplit {
            total: rounded(total),
            execution: rounded(execution),
            vetkd: rounded(vetkd),
            schnorr: rounded(schnorr),
            outcalls_and_transmission: rounded(total.saturating_sub(execution + vetkd + schnorr)),
        },
        heap_bytes: per_canister(world, |world, id| world.replica.canister_memory(id).len() as u64),
        stable_bytes: per_canister(world, |world, id| world.replica.stable_memory(id).len() as u64),
        messages: named(messages_by_canister),
    }
}

fn rounded(cycles: u128) -> u64 {
    let grains = (cycles + CYCLES_GRAIN / 2) / CYCLES_GRAIN;
    u64::try_from(grains * CYCLES_GRAIN).expect("far below 2^64 cycles")
}

/// Messages in their order, equal neighbours added up. Of a transform, which every node runs, one run counts.
fn figures(world: &World, messages: &[MessageReport]) -> Vec<MessageFigure> {
    let mut figures: Vec<MessageFigure> = Vec::new();
    let mut answered = PerCanister { dao: String::new(), custody: String::new() };
    let mut was_transform = false;
    for report in messages {
        let is_transform = matches!(report.entry, EntryPoint::Transform { .. });
        if std::mem::replace(&mut was_transform, is_transform) && is_transform {
            continue;
        }
        let canister = match report.canister {
            id if id == world.dao => Some(Canister::Dao),
            id if id == world.custody => Some(Canister::Custody),
            _ => None,
        };
        // The canisters call nobody else: whose call this was is certain.
        if let Some(method) = answered_method(&report.entry) {
            match canister {
                Some(Canister::Custody) if !is_transform => answered.dao = method.to_owned(),
                _ => answered.custody = method.to_owned(),
            }
        }
        let Some(canister) = canister else { continue };
        let message = label(
            &report.entry,
            match canister {
                Canister::Dao => &answered.dao,
                Canister::Custody => &answered.custody,
            },
        );
        match figures.last_mut() {
            Some(last) if last.canister == canister && last.message == message => {
                last.count += 1;
                last.instructions += report.instructions;
            }
            _ => {
                figures.push(MessageFigure { canister, message, count: 1, instructions: report.instructions })
            }
        }
    }
    figures
}

/// The messages worth naming.
fn named(mut messages: Vec<MessageFigure>) -> Vec<MessageFigure> {
    messages.retain(|message| message.instructions >= NAMED_FROM_INSTRUCTIONS);
    if messages.len() <= MOST_ROWS {
        return messages;
    }
    let mut sums: Vec<MessageFigure> = Vec::new();
    for MessageFigure { canister, message, count, instructions } in messages {
        match sums.iter_mut().find(|sum| sum.canister == canister && sum.message == message) {
            Some(sum) => {
                sum.count += count;
                sum.instructions += instructions;
            }
            None => sums.push(MessageFigure { canister, message, count, instructions }),
        }
    }
    sums
}

/// The method that a caller gets an answer of through this message.
fn answered_method(entry: &EntryPoint) -> Option<&str> {
    match entry {
        EntryPoint::Native { method } => Some(method),
        EntryPoint::Transform { .. } => Some("http_request"),
        EntryPoint::Query { method, replicated: true } => Some(method),
        EntryPoint::Update { method } if !is_timer(method) => Some(method),
        _ => None,
    }
}

/// Whether this is the self-call in which the development kit runs a timer.
fn is_timer(method: &str) -> bool {
    method.contains("timer_executor")
}

/// `answered` is the method whose answer the canister got last.
fn label(entry: &EntryPoint, answered: &str) -> String {
    match entry {
        EntryPoint::Start => "start".into(),
        EntryPoint::Init => "init".into(),
        EntryPoint::PreUpgrade => "pre-upgrade".into(),
        EntryPoint::PostUpgrade => "post-upgrade".into(),
        EntryPoint::InspectMessage { method } => format!("inspect {method}"),
        EntryPoint::Update { method } if is_timer(method) => "timer's task".into(),
        EntryPoint::Update { method } => format!("update {method}"),
        EntryPoint::Query { method, .. } | EntryPoint::CompositeQuery { method } => format!("query {method}"),
        EntryPoint::Transform { method } => format!("transform {method}"),
        EntryPoint::ReplyCallback { method } if method == "canister_global_timer" => "timer's end".into(),
        EntryPoint::ReplyCallback { .. } => format!("after {answered}"),
        EntryPoint::RejectCallback { .. } => format!("after failed {answered}"),
        EntryPoint::Cleanup { method } => format!("clean-up of {method}"),
        EntryPoint::GlobalTimer => "global timer".into(),
        EntryPoint::Heartbeat => "heartbeat".into(),
        EntryPoint::OnLowWasmMemory => "low memory".into(),
        EntryPoint::Native { method } => method.clone(),
    }
}
