//! `handover`: make votes the only way to change the canisters' code, and check that they are.

use std::{fmt::Write as _, path::PathBuf};

use candid::Principal;
use clap::Args as ClapArgs;
use ic_agent::identity::AnonymousIdentity;
use release_types::control::{Committee, UpgraderInit};
use serde_json::json;

use crate::{
    context::{Context, Session},
    failure::{Exit, Failure, Outcome},
    operations::{
        control::{self, Canisters, Finding, Verdict},
        deploy,
    },
    output::{BAD, GOOD, WARNING, styled},
};

const AFTER_HELP: &str = "\
Exit codes: 0 only votes change the code; 1 somebody else could, or it runs other code than yours; 2 it cannot be told; \
3 no answer from the network.";

#[derive(Debug, ClapArgs)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Only check, and change nothing
    #[arg(long, conflicts_with_all = ["committee", "cycles", "subnet"])]
    check: bool,
    /// The upgrader: an empty canister of yours, or one to be checked [default: the deployed one, else a new one]
    #[arg(long, value_name = "ID")]
    upgrader: Option<Principal>,
    /// Where scripts/build put the canisters
    #[arg(long, value_name = "DIR", default_value = "target/wasm")]
    wasm_dir: PathBuf,
    /// Somebody who may help to repair a DAO that no longer works; repeat for each, at least two
    #[arg(long, value_name = "PRINCIPAL", requires = "threshold")]
    committee: Vec<Principal>,
    /// How many of them must agree, at least two
    #[arg(long, value_name = "NUMBER", requires = "committee")]
    threshold: Option<u32>,
    /// How long everybody can see and cancel a repair before it is carried out, 7 to 90 days
    #[arg(long, value_name = "DURATION", default_value = "14d")]
    delay: humantime::Duration,
    /// Cycles that the upgrader starts with, paid from your balance at the cycles ledger
    #[arg(long, value_name = "CYCLES", default_value_t = 2_000_000_000_000)]
    cycles: u128,
    /// The subnet of the upgrader, which must be that of the other canisters [default: the network chooses]
    #[arg(long, value_name = "ID")]
    subnet: Option<Principal>,
}

impl Args {
    fn committee(&self) -> Outcome<Option<Committee>> {
        let Some(threshold) = self.threshold else { return Ok(None) };
        let delay_ns = u64::try_from(self.delay.as_nanos()).unwrap_or(u64::MAX);
        let committee = Committee { members: self.committee.clone(), threshold, delay_ns };
        let defects = committee.defects();
        if defects.is_empty() {
            return Ok(Some(committee));
        }
        Err(Failure { defects, ..Failure::usage("such a committee is not allowed") })
    }
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let mut session = if args.check { context.reading_session().await? } else { context.session().await? };
    if !args.check {
        hand_over(context, &args, &mut session).await?;
    } else if args.upgrader.is_some() {
        session.deployment.upgrader = args.upgrader;
    }
    let canisters = Canisters::try_from(&session.deployment)?;
    let anybody = context.agent(&session.network, Box::new(AnonymousIdentity)).await?;
    let progress = context.output.waiting("checking who controls the canisters");
    let findings = control::check(&session.agent, &anybody, canisters, &args.wasm_dir).await?;
    drop(progress);
    let worst = findings.iter().map(|finding| exit(finding.verdict)).max().unwrap_or(Exit::Done);
    let value = json!({ "safe": worst == Exit::Done, "upgrader": canisters.upgrader, "findings": findings });
    context.output.result(value, text(&findings, worst));
    Ok(worst)
}

async fn hand_over(context: &Context, args: &Args, session: &mut Session) -> Outcome<()> {
    let committee = args.committee()?;
    let code = deploy::read_module(&args.wasm_dir, "upgrader_canister.wasm.gz")?;
    let (dao, custody) = (session.deployment.dao, session.deployment.custody);
    let known = session.deployment.upgrader;
    if let Some(upgrader) = known.filter(|_| committee.is_some()) {
        return Err(Failure::usage(format!("the upgrader {upgrader} is installed already"))
            .hint("leave --committee out; the group changes it by upgrading the upgrader"));
    }
    let mut progress = context.output.waiting("handing the canisters over");
    let upgrader = match known.or(args.upgrader) {
        Some(upgrader) => upgrader,
        None => {
            let upgrader = deploy::create_canister(&session.agent, args.cycles, args.subnet).await?;
            context.output.note(format!("created the upgrader canister {upgrader}"));
            upgrader
        }
    };
    if known.is_none() {
        progress.say("installing the upgrader's code");
        let init = UpgraderInit { dao: Some(dao), custody: Some(custody), committee };
        deploy::install_upgrader(&session.agent, upgrader, &code, &init).await?;
        session.deployment.upgrader = Some(upgrader);
        session.deployment.write(&context.deployment)?;
    }
    progress.say("changing the controllers");
    control::hand_over(&session.agent, Canisters { dao, custody, upgrader }).await
}

fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Safe => Exit::Done,
        Verdict::CannotTell => Exit::CannotTell,
        Verdict::Unsafe => Exit::No,
    }
}

fn text(findings: &[Finding], worst: Exit) -> String {
    let mut text = String::new();
    for Finding { what, verdict, found, needed } in findings {
        let _ = match verdict {
            Verdict::Safe => writeln!(text, "{}  {what}: {found}", styled(GOOD, "safe       ")),
            Verdict::CannotTell => {
                writeln!(text, "{}  {what}: {found}; compare with {needed}", styled(WARNING, "cannot tell"))
            }
            Verdict::Unsafe => {
                writeln!(text, "{}  {what}: found {found}; needed is {needed}", styled(BAD, "UNSAFE     "))
            }
        };
    }
    text.push_str(match worst {
        Exit::Done => "only votes of the group can change these canisters\n",
        Exit::CannotTell => {
            "nobody but the group's votes can change these canisters; which code they run was not compared\n"
        }
        Exit::No => "this set-up is NOT safe\n",
    });
    text
}
