//! `deploy`: put both canisters on a network, or new code into them.

use std::{path::PathBuf, time::Duration};

use candid::Principal;
use clap::Args as ClapArgs;
use ic_agent::Agent;
use release_types::dao::DaoInit;
use serde_json::json;

use crate::{
    context::Context,
    failure::{Exit, Failure, Outcome},
    operations::{
        deploy::{self, Code},
        deployment::Deployment,
        group::{Group, GroupMember, GroupProposer, parse_member, parse_proposer},
    },
};

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Put new code into the deployed canisters: stop, install, start
    #[arg(long, conflicts_with_all = ["group", "members", "proposers"])]
    upgrade: bool,
    /// Where scripts/build put the canisters
    #[arg(long, value_name = "DIR", default_value = "target/wasm")]
    wasm_dir: PathBuf,
    /// The group, as a TOML or JSON file
    #[arg(long, value_name = "FILE")]
    group: Option<PathBuf>,
    /// A member; repeat for each
    #[arg(long = "member", value_name = "NAME=PRINCIPAL[:POWER]", value_parser = parse_member)]
    members: Vec<GroupMember>,
    /// Someone who may only propose, such as a CI job; repeat for each
    #[arg(long = "proposer", value_name = "NAME=PRINCIPAL", value_parser = parse_proposer)]
    proposers: Vec<GroupProposer>,
    /// How long voting is open, for every kind of proposal [default: as `policy defaults` says]
    #[arg(long, value_name = "DURATION")]
    voting_period: Option<String>,
    /// Share of all voting power that must take part [default: none]
    #[arg(long, value_name = "PERCENT")]
    quorum: Option<f64>,
    /// Yes must be more than this share of yes and no [default: 50]
    #[arg(long, value_name = "PERCENT")]
    approval: Option<f64>,
    /// Name of the network's threshold keys
    #[arg(long, value_name = "NAME", default_value = "key_1")]
    key_name: String,
    /// Cycles that each canister starts with, paid from your balance at the cycles ledger
    #[arg(long, value_name = "CYCLES", default_value_t = 2_000_000_000_000)]
    cycles: u128,
    /// The subnet to create them on [default: the network chooses]
    #[arg(long, value_name = "ID")]
    subnet: Option<Principal>,
}

impl Args {
    fn group(&self) -> Outcome<Group> {
        let mut group = self.group.as_deref().map(Group::read).transpose()?.unwrap_or_default();
        group.members.extend(self.members.iter().cloned());
        group.proposers.extend(self.proposers.iter().cloned());
        group.voting_period = self.voting_period.clone().or(group.voting_period);
        group.quorum_percent = self.quorum.or(group.quorum_percent);
        group.approval_percent = self.approval.or(group.approval_percent);
        Ok(group)
    }
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let code = Code::read(&args.wasm_dir)?;
    let deployment =
        if args.upgrade { upgrade(context, &code).await? } else { install(context, &args, &code).await? };
    let (dao_code, custody_code) = code.digests();
    let value = json!({
        "dao": deployment.dao,
        "custody": deployment.custody,
        "key_name": deployment.key_name,
        "network": deployment.network,
        "dao_module_sha256": dao_code,
        "custody_module_sha256": custody_code,
    });
    let text = format!(
        "DAO      {}  code {dao_code}\ncustody  {}  code {custody_code}\nnetwork  {}",
        deployment.dao, deployment.custody, deployment.network
    );
    context.output.result(value, text);
    Ok(Exit::Done)
}

async fn upgrade(context: &Context, code: &Code) -> Outcome<Deployment> {
    let session = context.session().await?;
    for (what, id, code) in
        [("custody", session.deployment.custody, &code.custody), ("DAO", session.deployment.dao, &code.dao)]
    {
        let _progress = context.output.waiting(&format!("upgrading the {what} canister"));
        deploy::upgrade(&session.agent, id, code).await?;
    }
    Ok(session.deployment)
}

async fn install(context: &Context, args: &Args, code: &Code) -> Outcome<Deployment> {
    let group = args.group()?;
    let init = DaoInit {
        members: group.members()?,
        proposers: group.proposers(),
        policies: group.policies()?,
        custody: None,
        upgrader: None,
    };
    let network = context.network()?;
    let path = &context.deployment;
    if Deployment::read(path)?.is_some_and(|earlier| earlier.network == network.url)
        && canisters_exist(context).await
    {
        return Err(Failure::refused(format!("{} names canisters on this network already", path.display()))
            .hint("use --upgrade for new code, or another --deployment FILE for another group"));
    }
    let agent = context.agent(&network, context.identity()?).await?;
    let mut progress = context.output.waiting("creating the canisters");
    let dao = created(&agent, "DAO", context.dao, context, args).await?;
    let custody = created(&agent, "custody", context.custody, context, args).await?;
    let deployment =
        Deployment { dao, custody, upgrader: None, key_name: args.key_name.clone(), network: network.url };
    progress.say("installing their code");
    deploy::install(&agent, &deployment, code, init).await?;
    progress.say("waiting for custody's keys");
    deploy::wait_for_keys(&agent, custody, Duration::from_secs(60)).await?;
    deployment.write(path)?;
    Ok(deployment)
}

/// An empty canister: the one that was named, else a new one. Its id is told at once, so that it is not lost (and
/// paid for again) if a later step fails.
async fn created(
    agent: &Agent,
    what: &str,
    named: Option<Principal>,
    context: &Context,
    args: &Args,
) -> Outcome<Principal> {
    if let Some(id) = named {
        return Ok(id);
    }
    let id = deploy::create_canister(agent, args.cycles, args.subnet).await?;
    context.output.note(format!("created the {what} canister {id}"));
    Ok(id)
}

/// Whether the canisters that the deployment names answer; a local network started anew has none.
async fn canisters_exist(context: &Context) -> bool {
    match context.reading_session().await {
        Ok(session) => session.dao().info().await.is_ok(),
        Err(_) => false,
    }
}
