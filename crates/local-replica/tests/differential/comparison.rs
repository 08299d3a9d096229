//! Runs a history on the replica and takes the model along: after every message both must agree on
//! what the canisters printed, on their memories, certified data, timers, cycles, status and open
//! calls, and on what users were answered.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use candid::Principal;
use ic_management_canister_types::{
    CanisterInstallMode, CanisterSettings, InstallCodeArgs, UpdateSettingsArgs,
};
use local_replica::config::Defect;
use local_replica::{
    EntryPoint, IngressMessage, IngressStatus, MessageReport, Replica, ReplicaConfig, RequestId, Step,
};

use crate::canister::{self, Kind, Line, UNIT_CYCLES};
use crate::history::Action;
use crate::model::{
    Destination, INGRESS_LIFETIME_NS, Impossible, Install, Model, Progress, SYS_UNKNOWN, Status,
};
use crate::program::{CALLERS, Id, METHODS, Place, Target, USER_CALLER, argument, canister_id_record};

/// Controls both canisters; the first canister does too.
const USER: Principal = Principal::from_slice(&[9; 29]);
const INITIAL_UNITS: u64 = 10_000;
/// More than any deadline or timer of a program.
const LONGEST_WAIT: Duration = Duration::from_secs(400);

/// How many states of the model are tried to explain one step of the replica.
const MOST_STATES: usize = 200;

/// Where replica and model part.
#[derive(Debug)]
pub struct Difference {
    /// Messages executed before.
    pub messages: usize,
    pub what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {} messages: {}", self.messages, self.what)
    }
}

/// Runs a history to its end and then on until nothing is left to do; returns how many messages
/// were executed.
pub fn run(actions: &[Action], modules: &Path, defect: Option<Defect>) -> Result<usize, Difference> {
    let mut pair = Pair::new(modules, defect);
    let outcome = actions
        .iter()
        .try_for_each(|action| pair.act(action))
        .and_then(|()| (0..4).try_for_each(|_| pair.drain()));
    match outcome {
        Ok(()) => Ok(pair.messages),
        Err(what) => Err(Difference { messages: pair.messages, what }),
    }
}

struct Pair {
    replica: Replica,
    model: Model,
    ids: [Principal; 2],
    id_bytes: [Vec<u8>; 2],
    modules: [Vec<u8>; 2],
    /// The index of each canister's next log record.
    next_record: [u64; 2],
    messages: usize,
}

impl Pair {
    fn new(modules: &Path, defect: Option<Defect>) -> Self {
        let config = ReplicaConfig {
            defect,
            initial_cycles: u128::from(INITIAL_UNITS) * UNIT_CYCLES,
            ..ReplicaConfig::default().with_module_cache(modules)
        };
        let mut replica = Replica::new(config).expect("the configuration is valid");
        let first = replica.create_canister(vec![USER]);
        let ids = [first, replica.create_canister(vec![USER, first])];
        let controllers = Some(vec![USER, first]);
        let settings = CanisterSettings { controllers, ..CanisterSettings::default() };
        let args = UpdateSettingsArgs { canister_id: first, settings, sender_canister_version: None };
        let args = candid::encode_one(args).expect("the arguments can be encoded");
        replica
            .call(USER, Principal::management_canister(), "update_settings", args)
            .expect("the canister is the user's");
        let id_bytes = ids.map(|id| id.as_slice().to_vec());
        let time_ns = replica.time_ns();
        Self {
            model: Model::new(time_ns, INITIAL_UNITS),
            modules: canister::modules(&id_bytes),
            replica,
            ids,
            id_bytes,
            next_record: [0; 2],
            messages: 0,
        }
    }

    fn act(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::Submit { id, place, is_query, program } => {
                let target = if *is_query { Target::Query(*place) } else { Target::Update(*place) };
                let method =
                    format!("{}_{}", if *is_query { "query" } else { "update" }, CALLERS[USER_CALLER]);
                let arg = argument(*id, program, *place, &self.id_bytes);
                self.submit(*id, Destination::Call(target, program.clone()), self.ids[*place], &method, arg)
            }
            Action::Manage { id, what, place } => {
                let to = Destination::Call(Target::Manage(*what, *place), Vec::new());
                let arg = canister_id_record(&self.id_bytes[*place]);
                self.submit(*id, to, Principal::management_canister(), what.method(), arg)
            }
            Action::Install { id, mode, place, program } => {
                let to = Destination::Install(*mode, *place, *id, program.clone());
                let args = InstallCodeArgs {
                    mode: match mode {
                        Install::Install => CanisterInstallMode::Install,
                        Install::Reinstall => CanisterInstallMode::Reinstall,
                        Install::Upgrade => CanisterInstallMode::Upgrade(None),
                    },
                    canister_id: self.ids[*place],
                    wasm_module: self.modules[canister::module_of(*id)].clone(),
                    arg: argument(*id, program, *place, &self.id_bytes),
                    sender_canister_version: None,
                };
                let arg = candid::encode_one(args).expect("the arguments can be encoded");
                self.submit(*id, to, Principal::management_canister(), "install_code", arg)
            }
            Action::Wait { seconds } => {
                self.wait(Duration::from_secs((*seconds).into()));
                Ok(())
            }
            Action::Execute { messages } => {
                for _ in 0..*messages {
                    if !self.step()? {
                        break;
                    }
                }
                Ok(())
            }
        }
    }

    fn submit(
        &mut self,
        id: Id,
        to: Destination,
        canister_id: Principal,
        method: &str,
        arg: Vec<u8>,
    ) -> Result<(), String> {
        let outcome = self.replica.submit(IngressMessage {
            request_id: request_id(id),
            sender: USER,
            canister_id,
            method_name: method.to_owned(),
            arg,
            ingress_expiry_ns: self.replica.time_ns() + INGRESS_LIFETIME_NS,
        });
        let is_taken = self.model.submit(id, to);
        match (&outcome, is_taken) {
            (Ok(()), true) | (Err(_), false) => Ok(()),
            _ => Err(format!("submitting message {id}: the replica says {outcome:?}, the model {is_taken}")),
        }
    }

    fn wait(&mut self, duration: Duration) {
        self.replica.advance_time(duration);
        self.model.advance_to(self.replica.time_ns());
    }

    /// Executes everything, lets deadlines pass and timers fire.
    fn drain(&mut self) -> Result<(), String> {
        while self.step()? {}
        self.wait(LONGEST_WAIT);
        while self.step()? {}
        Ok(())
    }

    /// Executes one message, if there is one, and compares.
    fn step(&mut self) -> Result<bool, String> {
        match self.replica.step() {
            Step::Executed(report) => {
                self.messages += 1;
                let seen = self.new_lines();
                self.follow(&report, &seen)?;
                Ok(true)
            }
            Step::Idle => {
                let quiet = after_silent_steps(&self.model, |model| {
                    (model.silent_steps().is_empty() && self.difference(&model).is_none()).then_some(model)
                });
                let Some(model) = quiet else {
                    return Err(format!("idling, {}", self.difference(&self.model).unwrap_or_default()));
                };
                self.model = model;
                match self.model.left_to_do() {
                    None => Ok(false),
                    Some(left) => Err(format!("the replica idles, but {left}")),
                }
            }
            Step::WaitingForOutcall => Err("no program makes outcalls".to_owned()),
        }
    }

    /// Lets the model take the transition that this step of the replica shows, before or after
    /// others that no code notices, so that all agrees.
    fn follow(&mut self, report: &MessageReport, seen: &[(Place, Line)]) -> Result<(), String> {
        let mut reason = None;
        let followed = after_silent_steps(&self.model, |mut model| {
            let why = match self.explain(&mut model, report, seen) {
                Ok((explained, expected)) if expected == seen => match self.agreeing(&model) {
                    Ok(model) => return Some(model),
                    Err(difference) => format!("after {explained}, {difference}"),
                },
                Ok((explained, expected)) => format!("{explained} should print\n    {expected:?}"),
                Err(Impossible(why)) => why,
            };
            reason.get_or_insert(why);
            None
        });
        let Some(model) = followed else {
            let reason = reason.unwrap_or_default();
            return Err(format!("{reason}\n  printed was\n    {seen:?}\n  by {report:?}"));
        };
        self.model = model;
        Ok(())
    }

    /// Takes the transition that the report and what was printed point to.
    fn explain(
        &self,
        model: &mut Model,
        report: &MessageReport,
        seen: &[(Place, Line)],
    ) -> Result<(String, Vec<(Place, Line)>), Impossible> {
        let first = seen.iter().find_map(|(place, line)| match line {
            Line::Saw(saw) => Some((*place, *saw)),
            Line::Trapped => None,
        });
        if let EntryPoint::Native { method } = &report.entry {
            let id = self.refused_or_managed(model, report, method)?;
            return Ok((format!("call {id} of {method}"), model.take_call(id)?));
        }
        let Some((place, saw)) = first else {
            return Err(Impossible("code ran, but nothing was printed".to_owned()));
        };
        let id = saw.id;
        match saw.kind {
            Kind::Update | Kind::Query => Ok((format!("call {id}"), model.take_call(id)?)),
            Kind::Timer => Ok((format!("the timer of canister {place}"), model.fire_timer(place)?)),
            Kind::Reply | Kind::Reject => {
                let what = format!("the answer of call {id}");
                if saw.reject_code == SYS_UNKNOWN {
                    return Ok((what, model.expire(id)?));
                }
                Ok((what, model.take_response(id)?))
            }
            other => Err(Impossible(format!("a message began with {other:?}"))),
        }
    }

    /// Which call was answered without running the code of its method.
    fn refused_or_managed(
        &self,
        model: &Model,
        report: &MessageReport,
        method: &str,
    ) -> Result<Id, Impossible> {
        let of_user = model.users.iter().find(|(id, progress)| {
            **progress == Progress::Received
                && self.replica.ingress_status(&request_id(**id)) != Some(&IngressStatus::Received)
        });
        if let Some((id, _)) = of_user {
            return Ok(*id);
        }
        let found = if report.canister == Principal::management_canister() {
            model.first_management_call(0)
        } else {
            let to = self.ids.iter().position(|id| *id == report.canister);
            let from = METHODS.iter().position(|known| *known == method).map(|index| index % 2);
            from.and_then(|from| model.first_call_between(from, to))
        };
        found.ok_or_else(|| Impossible(format!("no call of {method} waits")))
    }

    fn new_lines(&mut self) -> Vec<(Place, Line)> {
        let mut lines = Vec::new();
        for place in 0..2 {
            for record in self.replica.logs(self.ids[place]) {
                if record.idx >= self.next_record[place] {
                    self.next_record[place] = record.idx + 1;
                    lines.extend(Line::parse(&record.content).map(|line| (place, line)));
                }
            }
        }
        lines
    }

    /// The model after some of the steps that no code notices, so that all agrees.
    fn agreeing(&self, model: &Model) -> Result<Model, String> {
        after_silent_steps(model, |model| self.difference(&model).is_none().then_some(model))
            .ok_or_else(|| self.difference(model).unwrap_or_default())
    }

    fn difference(&self, model: &Model) -> Option<String> {
        (0..2)
            .find_map(|place| self.canister_difference(model, place))
            .or_else(|| self.answer_difference(model))
    }

    fn canister_difference(&self, model: &Model, place: Place) -> Option<String> {
        let id = self.ids[place];
        let canister = self.replica.view().canister(id).expect("canisters are not deleted");
        let expected = &model.canisters[place];
        let memory = self.replica.canister_memory(id);
        let code = expected.code.as_ref();
        let status = match expected.status {
            Status::Running => 1,
            Status::Stopping(_) => 2,
            Status::Stopped => 3,
        };
        let units = self.replica.cycles_balance(id).div_ceil(UNIT_CYCLES);
        let found = [
            ("pages", memory.len() as u128 / 65_536),
            ("heap", cell(memory).into()),
            ("stable memory", cell(self.replica.stable_memory(id)).into()),
            ("certified data", cell(&canister.certified_data).into()),
            ("timer", canister.global_timer_ns.into()),
            ("status", canister.status.number().into()),
            ("open contexts", u128::from(!canister.open_calls.is_empty())),
            ("units of cycles", units),
        ];
        let expected = [
            code.map_or(0, |code| code.pages).into(),
            code.map_or(0, |code| code.heap).into(),
            code.map_or(0, |code| code.stable).into(),
            expected.certified.into(),
            expected.timer_ns.unwrap_or(0).into(),
            status,
            u128::from(model.has_open_contexts(place)),
            expected.units.into(),
        ];
        found.iter().zip(expected).find(|((_, found), expected)| found != expected).map(
            |((what, found), expected)| format!("canister {place}: {what} should be {expected}, is {found}"),
        )
    }

    fn answer_difference(&self, model: &Model) -> Option<String> {
        model.users.iter().find_map(|(id, expected)| {
            let found = self.replica.ingress_status(&request_id(*id));
            let agrees = match (expected, found) {
                (Progress::Received, Some(IngressStatus::Received))
                | (Progress::Processing, Some(IngressStatus::Processing)) => true,
                (Progress::Answered(Ok(None)), Some(IngressStatus::Replied(_))) => true,
                (Progress::Answered(Ok(Some((number, heap)))), Some(IngressStatus::Replied(reply))) => {
                    reply[..] == [&[*number][..], &heap.to_le_bytes()].concat()
                }
                (Progress::Answered(Err(code)), Some(IngressStatus::Rejected(reject))) => {
                    reject.code.as_u32() == *code
                }
                // The network forgets answers after a while.
                (Progress::Answered(_), None | Some(IngressStatus::Done)) => true,
                _ => false,
            };
            (!agrees).then(|| format!("message {id} should be {expected:?}, is {found:?}"))
        })
    }
}

/// What is wanted of this state, or of one that steps reach which no code notices.
fn after_silent_steps<T>(model: &Model, mut wanted: impl FnMut(Model) -> Option<T>) -> Option<T> {
    // Most likely each canister took the oldest ones.
    let mut first = model.clone();
    loop {
        let mut both = first.clone();
        loop {
            if let Some(found) = wanted(both.clone()) {
                return Some(found);
            }
            let Some(step) = both.first_silent_step(1) else {
                break;
            };
            both.take_silent_step(step);
        }
        let Some(step) = first.first_silent_step(0) else {
            break;
        };
        first.take_silent_step(step);
    }
    let mut reached = vec![(model.clone(), Vec::new())];
    let mut next = 0;
    while next < reached.len() {
        let (model, mut passed_over) = reached[next].clone();
        for step in model.silent_steps() {
            // Steps commute: one order of them is enough.
            if reached.len() < MOST_STATES && !passed_over.contains(&step) {
                let mut model = model.clone();
                model.take_silent_step(step);
                reached.push((model, passed_over.clone()));
                passed_over.push(step);
            }
        }
        if let Some(found) = wanted(model) {
            return Some(found);
        }
        next += 1;
    }
    None
}

fn cell(memory: &[u8]) -> u32 {
    memory.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn request_id(id: Id) -> RequestId {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&id.to_le_bytes());
    RequestId(bytes)
}
