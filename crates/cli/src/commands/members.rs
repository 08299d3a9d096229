//! `members`: who belongs to the group, and with which keys.

use std::fmt::Write as _;

use candid::Principal;
use clap::{Args as ClapArgs, Subcommand};
use release_types::{
    MemberChange, MemberId, ProposalAction, Proposer,
    member::{ChangeKeysArgs, KeyError, SuspendKeyArgs},
    proposal::SubmitProposalArgs,
};
use serde_json::json;

use crate::{
    context::Context,
    failure::{Exit, Failure, Outcome},
    operations::{
        group::{GroupMember, GroupProposer, parse_member, parse_proposer},
        moment, proposal,
    },
    output::{BAD, printable, styled},
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List members, their keys, and which are suspended
    List,
    /// Propose to change who belongs to the group; all changes together
    Propose(Propose),
    /// Your own keys: devices, and one kept for recovery
    #[command(subcommand)]
    Key(Key),
    /// Demand to put another member's key out of use; two members' demands do so at once, until a vote
    Suspend {
        #[arg(value_name = "KEY")]
        key: Principal,
        /// Why, for the public log
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Key {
    /// Add a key of yours
    Add {
        #[arg(value_name = "KEY")]
        key: Principal,
        /// The key that it replaces
        #[arg(long, value_name = "KEY")]
        replacing: Option<Principal>,
    },
    /// Take a key of yours out of use
    Remove {
        #[arg(value_name = "KEY")]
        key: Principal,
    },
}

#[derive(Debug, ClapArgs)]
#[command(group = clap::ArgGroup::new("changes").required(true).multiple(true))]
pub struct Propose {
    /// A new member; repeat for each
    #[arg(long, group = "changes", value_name = "NAME=PRINCIPAL[:POWER]", value_parser = parse_member)]
    admit: Vec<GroupMember>,
    /// A member who leaves, by number
    #[arg(long, group = "changes", value_name = "MEMBER")]
    remove: Vec<u32>,
    /// Another voting power
    #[arg(long, group = "changes", value_name = "MEMBER=POWER", value_parser = parse_power)]
    power: Vec<(MemberId, u64)>,
    /// The only keys of a member from then on
    #[arg(long, group = "changes", value_name = "MEMBER=KEY[,KEY…]", value_parser = parse_keys)]
    keys: Vec<Keys>,
    /// Let a suspended key act again
    #[arg(long, group = "changes", value_name = "KEY")]
    reinstate: Vec<Principal>,
    /// Somebody who may only propose
    #[arg(long, group = "changes", value_name = "NAME=PRINCIPAL", value_parser = parse_proposer)]
    add_proposer: Vec<GroupProposer>,
    /// Somebody who may propose no more
    #[arg(long, group = "changes", value_name = "PRINCIPAL")]
    remove_proposer: Vec<Principal>,
    /// What voters read first
    #[arg(long, default_value = "Change the members")]
    title: String,
    /// More for voters
    #[arg(long, default_value = "")]
    summary: String,
}

#[derive(Clone, Debug)]
struct Keys {
    member: MemberId,
    keys: Vec<Principal>,
}

#[derive(Debug, thiserror::Error)]
#[error("found {0:?}; allowed: a member's number, =, and the value")]
struct ChangeSyntax(String);

fn parse_power(text: &str) -> Result<(MemberId, u64), ChangeSyntax> {
    let syntax = || ChangeSyntax(text.to_owned());
    let (member, power) = text.split_once('=').ok_or_else(syntax)?;
    Ok((MemberId(member.parse().map_err(|_| syntax())?), power.parse().map_err(|_| syntax())?))
}

fn parse_keys(text: &str) -> Result<Keys, ChangeSyntax> {
    let syntax = || ChangeSyntax(text.to_owned());
    let (member, keys) = text.split_once('=').ok_or_else(syntax)?;
    let keys: Result<Vec<_>, _> = keys.split(',').map(Principal::from_text).collect();
    let member = MemberId(member.parse().map_err(|_| syntax())?);
    Ok(Keys { member, keys: keys.map_err(|_| syntax())? })
}

impl Propose {
    fn changes(&self) -> Vec<MemberChange> {
        let admit = self.admit.iter().map(|member| MemberChange::Admit {
            name: member.name.clone(),
            voting_power: member.voting_power,
            keys: vec![member.principal],
        });
        let remove = self.remove.iter().map(|member| MemberChange::Remove { member: MemberId(*member) });
        let power = self.power.iter().map(|(member, voting_power)| MemberChange::SetPower {
            member: *member,
            voting_power: *voting_power,
        });
        let keys = self
            .keys
            .iter()
            .map(|keys| MemberChange::SetKeys { member: keys.member, keys: keys.keys.clone() });
        let reinstate = self.reinstate.iter().map(|key| MemberChange::Reinstate { key: *key });
        let add = self.add_proposer.iter().map(|proposer| {
            let (principal, name) = (proposer.principal, proposer.name.clone());
            MemberChange::AddProposer(Proposer { principal, name })
        });
        let end = self
            .remove_proposer
            .iter()
            .map(|principal| MemberChange::RemoveProposer { principal: *principal });
        remove.chain(admit).chain(power).chain(keys).chain(reinstate).chain(add).chain(end).collect()
    }
}

pub async fn run(context: &Context, command: Command) -> Outcome<Exit> {
    match command {
        Command::List => list(context).await,
        Command::Propose(args) => propose(context, args).await,
        Command::Key(Key::Add { key, replacing }) => change_keys(context, Some(key), replacing).await,
        Command::Key(Key::Remove { key }) => change_keys(context, None, Some(key)).await,
        Command::Suspend { key, reason } => suspend(context, key, reason).await,
    }
}

async fn list(context: &Context) -> Outcome<Exit> {
    let info = context.reading_session().await?.dao().info().await?;
    let mut text = String::new();
    for member in &info.members {
        let _ =
            writeln!(text, "{:>4}  {}, power {}", member.id.0, printable(&member.name), member.voting_power);
        for key in &member.keys {
            let suspension = info.suspensions.iter().find(|suspension| suspension.key == *key);
            let note = match suspension {
                None => String::new(),
                Some(suspension) => {
                    let state = match suspension.suspended_at_ns {
                        Some(at_ns) => format!("suspended at {}", moment(at_ns)),
                        None => "one member demands to suspend it, one more is needed".to_owned(),
                    };
                    format!("  {}", styled(BAD, format!("{state}: {}", printable(&suspension.reason))))
                }
            };
            let _ = writeln!(text, "      {key}{note}");
        }
    }
    for proposer in &info.proposers {
        let _ = writeln!(text, "      {} may propose: {}", printable(&proposer.name), proposer.principal);
    }
    let value = json!({
        "members": info.members,
        "proposers": info.proposers,
        "suspensions": info.suspensions,
    });
    context.output.result(value, text);
    Ok(Exit::Done)
}

async fn propose(context: &Context, args: Propose) -> Outcome<Exit> {
    let session = context.session().await?;
    let changes = args.changes();
    let action = ProposalAction::Members { changes: changes.clone() };
    let submitted = SubmitProposalArgs { title: args.title, summary: args.summary, action };
    let id = proposal::submit(&session.dao(), submitted).await?;
    context.output.result(
        json!({ "proposal": id, "changes": changes }),
        format!("proposal {id}; members vote with `countersign vote {id} yes`"),
    );
    Ok(Exit::Done)
}

async fn change_keys(context: &Context, add: Option<Principal>, remove: Option<Principal>) -> Outcome<Exit> {
    let session = context.session().await?;
    let member = session.dao().change_keys(ChangeKeysArgs { add, remove }).await?.map_err(refusal)?;
    let keys: Vec<_> = member.keys.iter().map(ToString::to_string).collect();
    let text = format!("the keys of {} are {}", printable(&member.name), keys.join(", "));
    context.output.result(json!(member), text);
    Ok(Exit::Done)
}

async fn suspend(context: &Context, key: Principal, reason: String) -> Outcome<Exit> {
    let session = context.session().await?;
    let demand = session.dao().suspend_key(SuspendKeyArgs { key, reason }).await?;
    let suspension = demand.map_err(refusal)?;
    let text = match suspension.suspended_at_ns {
        Some(_) => format!(
            "{key} is suspended; a vote decides what becomes of it: `countersign members propose --reinstate {key}`, \
             or --keys {}=KEY",
            suspension.member
        ),
        None => "noted: one more member must demand it".to_owned(),
    };
    context.output.result(json!(suspension), text);
    Ok(Exit::Done)
}

fn refusal(error: KeyError) -> Failure {
    match error {
        KeyError::NotAllowed { caller } => {
            Failure::refused(format!("{caller} is no key of a member, or suspended"))
                .hint("choose another identity with --identity")
        }
        KeyError::Invalid { defects } => Failure::refused("nothing was changed").with_defects(defects),
        KeyError::TooOften { limit, frees_at_ns } => {
            Failure::refused(format!("you did so {limit} times within a day, as often as allowed"))
                .hint(format!("again from {} on", moment(frees_at_ns)))
        }
    }
}
