//! The steps of a publish: every call that custody makes, in the order of an undisturbed release, each with the moment
//! at which it is under way and nothing of it has happened yet.

use candid::Decode;
use ic_management_canister_types::{HttpMethod, HttpRequestArgs};
use local_replica::{EntryPoint, MessageReport, Step, scheduler::QueuedMessage};
use release_types::ProposalStatus;
use std::{collections::BTreeMap, time::Duration};

use crate::desk::{Desk, Moment, Release};

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    FetchBytes,
    DrawRandomness,
    DeriveKey,
    Send,
    /// The document by which the registry shows a version or a file.
    Read,
    /// The bytes that the registry serves.
    ReadBytes,
    /// The staging area's list.
    ListStages,
    Sign,
}

impl Kind {
    /// The method that is called.
    pub fn method(self) -> &'static str {
        match self {
            Self::FetchBytes => "artifact_chunk",
            Self::DrawRandomness => "raw_rand",
            Self::DeriveKey => "vetkd_derive_key",
            Self::Send | Self::Read | Self::ReadBytes | Self::ListStages => "http_request",
            Self::Sign => "sign_with_schnorr",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::FetchBytes => "fetch bytes",
            Self::DrawRandomness => "raw_rand",
            Self::DeriveKey => "derive key",
            Self::Send => "send",
            Self::Read => "look",
            Self::ReadBytes => "read bytes",
            Self::ListStages => "list stages",
            Self::Sign => "sign receipt",
        }
    }
}

/// One call of an undisturbed release.
pub struct Call {
    pub kind: Kind,
    /// Position of the file that it is about.
    pub file: usize,
    /// The how-manieth call of this kind for this file it is, from 1.
    pub repetition: usize,
    /// For people, unlike that of every other call of the release.
    pub name: String,
    /// When it is under way.
    pub moment: Moment,
    /// Instructions that its callback takes.
    pub callback_instructions: u64,
}

/// An undisturbed release: how it begins, and its calls.
pub struct Undisturbed {
    pub release: Release,
    /// Adopted, and custody knows nothing of it yet.
    pub start: Moment,
    pub calls: Vec<Call>,
}

impl Undisturbed {
    /// Goes through a whole release.
    pub fn record(desk: &mut Desk) -> Self {
        let release = desk.adopt_next();
        let start = desk.moment();
        let mut calls: Vec<Call> = Vec::new();
        let mut waiting = 0;
        while desk.world.proposal(release.proposal).status != ProposalStatus::Executed {
            match desk.world.replica.step() {
                Step::Executed(report) => {
                    note_callback(desk, &report, &mut calls);
                    let made = calls_not_begun(desk);
                    if let (Some(kind), true) = (made.last(), made.len() > waiting) {
                        let moment = desk.moment();
                        calls.push(Call {
                            kind: *kind,
                            file: 0,
                            repetition: 1,
                            name: String::new(),
                            moment,
                            callback_instructions: 0,
                        });
                    }
                    waiting = made.len();
                }
                Step::WaitingForOutcall => std::thread::yield_now(),
                Step::Idle => {
                    desk.let_people_act(release.proposal);
                    desk.world.replica.advance_time(Duration::from_secs(1));
                }
            }
        }
        name_calls(&mut calls);
        Self { release, start, calls }
    }

    /// The last moment before a call is made.
    pub fn before(&self, call: usize) -> &Moment {
        match call.checked_sub(1) {
            Some(earlier) => &self.calls[earlier].moment,
            None => &self.start,
        }
    }
}

/// Notes what the callback of the latest call took.
fn note_callback(desk: &Desk, report: &MessageReport, calls: &mut [Call]) {
    let Some(latest) = calls.last_mut() else { return };
    let is_its_own = report.canister == desk.world.custody
        && matches!(&report.entry, EntryPoint::ReplyCallback { method } if method == TIMER);
    if is_its_own && latest.callback_instructions == 0 {
        latest.callback_instructions = report.instructions;
    }
}

/// The method in which custody works: the one that the timers run.
pub const TIMER: &str = "<ic-cdk internal> timer_executor";

/// What the calls are for that custody has made and nobody has begun to execute.
fn calls_not_begun(desk: &Desk) -> Vec<Kind> {
    let custody = desk.world.custody;
    let kind = |message: &QueuedMessage| match message {
        QueuedMessage::Request(request) if request.caller == custody && request.to != custody => {
            Some(kind_of(&request.method, &request.arg))
        }
        _ => None,
    };
    desk.world.replica.view().queue().filter_map(kind).collect()
}

fn kind_of(method: &str, arg: &[u8]) -> Kind {
    match method {
        "artifact_chunk" => Kind::FetchBytes,
        "raw_rand" => Kind::DrawRandomness,
        "vetkd_derive_key" => Kind::DeriveKey,
        "sign_with_schnorr" => Kind::Sign,
        "http_request" => {
            let args = Decode!(arg, HttpRequestArgs).expect("an outcall's arguments");
            match args.method {
                HttpMethod::GET if args.url.contains("/-/stage?") => Kind::ListStages,
                HttpMethod::GET if args.url.ends_with("/tarball") || args.url.ends_with(".tgz") => {
                    Kind::ReadBytes
                }
                HttpMethod::GET => Kind::Read,
                _ => Kind::Send,
            }
        }
        other => panic!("custody makes a call that is no step: {other}"),
    }
}

/// Names calls by file, where there are several, and numbers those of one name.
fn name_calls(calls: &mut [Call]) {
    let files = calls.iter().filter(|call| call.kind == Kind::Send).count();
    let (mut file, mut is_sent) = (0, false);
    let mut known = BTreeMap::new();
    for call in calls {
        if call.kind == Kind::FetchBytes && (file == 0 || is_sent) {
            (file, is_sent) = (file + 1, false);
        }
        is_sent |= call.kind == Kind::Send;
        // Amendments fetch nothing and have one file.
        call.file = usize::saturating_sub(file, 1);
        call.name = match call.kind {
            Kind::Sign => call.kind.name().into(),
            kind if files > 1 => format!("{} (file {file})", kind.name()),
            kind => kind.name().into(),
        };
        let times = known.entry(call.name.clone()).or_insert(0);
        *times += 1;
        call.repetition = *times;
        if *times > 1 {
            call.name = format!("{}, {times}", call.name);
        }
    }
}
