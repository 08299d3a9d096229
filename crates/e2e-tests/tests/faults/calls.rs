//! The steps of a publish: every call that custody makes, in the order of an undisturbed release, each with the moment
//! at which it is under way and nothing of it has happened yet.
//!
//! A call is named by its step: what custody says of the file at that moment, what it asks for, and, for a key, what that
//! is derived for. So the look before sending is another call than the one after it, and that which confirms another again.

use candid::Decode;
use ic_management_canister_types::{HttpMethod, HttpRequestArgs};
use local_replica::{EntryPoint, MessageReport, Step, scheduler::QueuedMessage};
use release_types::ProposalStatus;
use std::{collections::BTreeMap, rc::Rc, time::Duration};

use crate::{
    desk::{Desk, Moment, Release},
    progress::Progress,
};

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    FetchBytes,
    DrawRandomness,
    DeriveKey,
    Send,
    /// The document by which the registry shows a version or a file.
    Look,
    /// The Python index's other view of a file.
    SecondView,
    /// The keys that an npm registry signs with.
    ReadKeys,
    /// The whole document of a package, which a deprecation is written into.
    ReadDocument,
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
            Self::Sign => "sign_with_schnorr",
            Self::Send
            | Self::Look
            | Self::SecondView
            | Self::ReadKeys
            | Self::ReadDocument
            | Self::ReadBytes
            | Self::ListStages => "http_request",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::FetchBytes => "fetch bytes",
            Self::DrawRandomness => "raw_rand",
            Self::DeriveKey => "derive key",
            Self::Send => "send",
            Self::Look => "look",
            Self::SecondView => "second view",
            Self::ReadKeys => "read keys",
            Self::ReadDocument => "read document",
            Self::ReadBytes => "read bytes",
            Self::ListStages => "list stages",
            Self::Sign => "sign receipt",
        }
    }

    /// Whether it is made for the sake of a later call.
    fn is_for_a_key(self) -> bool {
        matches!(self, Self::DrawRandomness | Self::DeriveKey)
    }
}

/// One call of an undisturbed release.
pub struct Call {
    pub kind: Kind,
    /// How custody stands at that moment.
    pub progress: Progress,
    /// How many calls custody made before it in the same message.
    pub made_before: usize,
    /// The how-manieth call of this kind for this file in this step it is, from 1.
    pub repetition: usize,
    /// For people, unlike that of every other call of the release.
    pub name: String,
    /// When it is under way; one for all calls of a message.
    pub moment: Rc<Moment>,
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
                    let open = calls_not_begun(desk);
                    if open.len() > waiting {
                        calls.extend(made(desk, &release, &open[waiting..]));
                    }
                    waiting = open.len();
                }
                Step::WaitingForOutcall => std::thread::yield_now(),
                Step::Idle => {
                    desk.let_people_act(release.proposal);
                    desk.world.replica.advance_time(Duration::from_secs(1));
                }
            }
        }
        name_calls(&mut calls, release.files.len());
        Self { release, start, calls }
    }
}

/// The calls that custody made in the message that was executed just now.
fn made(desk: &mut Desk, release: &Release, kinds: &[Kind]) -> Vec<Call> {
    let moment = Rc::new(desk.moment());
    let progress = desk.progress(release.proposal);
    let call = |(made_before, kind): (usize, &Kind)| Call {
        kind: *kind,
        progress,
        made_before,
        repetition: 1,
        name: String::new(),
        moment: moment.clone(),
        callback_instructions: 0,
    };
    kinds.iter().enumerate().map(call).collect()
}

/// Notes what the callback of a call took. Answers come in the order of the calls.
fn note_callback(desk: &Desk, report: &MessageReport, calls: &mut [Call]) {
    let is_its_own = report.canister == desk.world.custody
        && matches!(&report.entry, EntryPoint::ReplyCallback { method } if method == TIMER);
    let unanswered = calls.iter_mut().find(|call| call.callback_instructions == 0);
    if let (true, Some(call)) = (is_its_own, unanswered) {
        call.callback_instructions = report.instructions;
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
            if args.method == HttpMethod::GET { kind_of_reading(&args.url) } else { Kind::Send }
        }
        other => panic!("custody makes a call that is no step: {other}"),
    }
}

fn kind_of_reading(url: &str) -> Kind {
    let is_file = url.ends_with("/tarball") || url.ends_with(".tgz") || url.contains("/packages/");
    match url {
        url if url.contains("/-/stage?") => Kind::ListStages,
        _ if is_file => Kind::ReadBytes,
        url if url.ends_with("/-/npm/v1/keys") => Kind::ReadKeys,
        url if url.ends_with("?write=true") => Kind::ReadDocument,
        url if url.contains("/json?") => Kind::SecondView,
        _ => Kind::Look,
    }
}

/// Names calls by their steps, and numbers those of one name.
fn name_calls(calls: &mut [Call], files: usize) {
    let mut known = BTreeMap::new();
    for index in 0..calls.len() {
        let purpose = calls[index..].iter().find(|call| !call.kind.is_for_a_key()).map(|call| call.kind);
        let call = &mut calls[index];
        call.name = format!("{}: {}", call.progress.state, call.kind.name());
        if let (true, Some(purpose)) = (call.kind.is_for_a_key(), purpose) {
            call.name = format!("{} to {}", call.name, purpose.name());
        }
        if files > 1 && call.kind != Kind::Sign {
            call.name = format!("{} (file {})", call.name, call.progress.file + 1);
        }
        let times = known.entry(call.name.clone()).or_insert(0);
        *times += 1;
        call.repetition = *times;
        if *times > 1 {
            call.name = format!("{}, {times}", call.name);
        }
    }
}
