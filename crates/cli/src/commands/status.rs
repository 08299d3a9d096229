//! `status`: where the group, or a proposal, stands; with `--wait`, until nothing more will happen by itself.

use std::{fmt::Write as _, time::Duration};

use clap::Args as ClapArgs;
use release_types::{
    ProposalId, ProposalStatus, ProposalView,
    alarms::Alarm,
    credential::{CredentialStatus, CredentialView},
    dao::RegistryView,
    proposal::ListProposalsArgs,
};
use serde_json::json;

use super::describe;
use crate::{
    context::{Context, Session},
    failure::{Exit, Failure, Outcome},
    operations::{now_ns, proposal, upgrader::Upgrader},
    output::{HEADING, printable, styled},
};

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// A proposal; without it, the whole group
    #[arg(value_name = "PROPOSAL", value_parser = super::proposal_id)]
    id: Option<ProposalId>,
    /// Wait until it is over; exit code 1 if it was not carried out
    #[arg(long, requires = "id")]
    wait: bool,
    /// How long to wait
    #[arg(long, value_name = "DURATION", default_value = "2h", requires = "wait")]
    timeout: humantime::Duration,
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let session = context.reading_session().await?;
    let Some(id) = args.id else { return overview(context, &session).await };
    let view = if args.wait {
        wait(context, &session, id, args.timeout.into()).await?
    } else {
        proposal::find_with_order(&session.dao(), &session.custody(), id).await?
    };
    context.output.result(json!(view), describe::proposal(&view));
    let over = proposal::is_over(&view.status);
    Ok(if args.wait && over && view.status != ProposalStatus::Executed { Exit::No } else { Exit::Done })
}

async fn wait(
    context: &Context,
    session: &Session,
    id: ProposalId,
    timeout: Duration,
) -> Outcome<ProposalView> {
    let mut progress = context.output.waiting(&format!("waiting for proposal {id}"));
    let waited = proposal::wait_until_over(&session.dao(), id, timeout, |view| {
        let mut line = format!("proposal {id}: {}", describe::status(&view.status));
        if view.status == ProposalStatus::Open {
            let _ = write!(line, "; {}", describe::tally(&view.tally));
        }
        for artifact in view.order.iter().flat_map(|order| &order.artifacts) {
            let state = describe::publication(&artifact.state);
            let _ = write!(line, "; {}: {state}", printable(&artifact.filename));
        }
        progress.say(&line);
    })
    .await?;
    waited.ok_or_else(|| {
        Failure::network(format!("proposal {id} is not over after {}", humantime::format_duration(timeout)))
            .hint(format!("nothing is lost; look again with `countersign status {id} --wait`"))
    })
}

async fn overview(context: &Context, session: &Session) -> Outcome<Exit> {
    let dao = session.dao().info().await?;
    let custody = session.custody().info().await?;
    let freezes = session.custody().freezes().await?;
    let demands = session.dao().freeze_demands().await?;
    let alarms = alarms(session).await?;
    let funds = session.custody().funds().await?;
    let page = session.dao().proposals(ListProposalsArgs { before: None, limit: Some(5) }).await?;
    let sealing_key = custody.sealing_key.as_ref().map(hex::encode);
    let receipt_key = custody.receipt_key.as_ref().map(hex::encode);
    let mut text = describe::freeze::freezes(&freezes, &demands);
    text.push_str(&describe::alarms::alarms(&alarms));
    let _ = write!(
        text,
        "{}\nDAO      {}\ncustody  {} (keys {}; obeys {})\nnetwork  {}\npolicy   {}\n",
        styled(HEADING, "the group"),
        session.deployment.dao,
        session.deployment.custody,
        printable(&custody.key_name),
        custody.authority,
        session.network.url,
        describe::policy::sentences(&dao.policies.default, &dao.members).join("; "),
    );
    let _ = writeln!(text, "funds    custody has {}", describe::alarms::funds(&funds));
    let _ =
        writeln!(text, "         the DAO canister has {}", describe::alarms::dao_funds(dao.liquid_cycles));
    let upgrader = match dao.upgrader {
        Some(id) => Some(Upgrader { agent: &session.agent, id }.info().await?),
        None => None,
    };
    text.push_str(&describe::control::upgrader(dao.upgrader, upgrader.as_ref()));
    for member in &dao.members {
        let _ = writeln!(
            text,
            "member   {} {} ({}), power {}",
            member.id,
            printable(&member.name),
            member.keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            member.voting_power
        );
    }
    for proposer in &dao.proposers {
        let _ = writeln!(text, "proposer {} ({})", printable(&proposer.name), proposer.principal);
    }
    for view in &page.proposals {
        let _ = writeln!(
            text,
            "{:>4}  {}; {}",
            view.id.0,
            describe::action(&view.action),
            describe::status(&view.status)
        );
    }
    let value = json!({
        "dao": { "id": session.deployment.dao, "info": dao },
        "custody": {
            "id": session.deployment.custody,
            "authority": custody.authority,
            "key_name": custody.key_name,
            "sealing_key": sealing_key,
            "receipt_key": receipt_key,
        },
        "freezes": freezes,
        "freeze_demands": demands,
        "alarms": alarms,
        "funds": funds,
        "network": session.network.url,
        "proposals": page.proposals,
    });
    context.output.result(value, text);
    Ok(Exit::Done)
}

/// Custody's alarms. Custody hears of a registry's announcements with orders and watches; what the group has voted into
/// its registries since is added here.
async fn alarms(session: &Session) -> Outcome<Vec<Alarm>> {
    let alarms = session.custody().alarms().await?;
    let registries = session.dao().registries().await?;
    let credentials = session.custody().credentials().await?;
    Ok(with_announced_ends(alarms, &registries, &credentials, now_ns()))
}

fn with_announced_ends(
    mut alarms: Vec<Alarm>,
    registries: &[RegistryView],
    credentials: &[CredentialView],
    now_ns: u64,
) -> Vec<Alarm> {
    for view in credentials.iter().filter(|view| view.status == CredentialStatus::Active) {
        let of_credential =
            registries.iter().filter(|known| known.registry.upload_url == view.policy.endpoint);
        let ends_at_ns = of_credential.filter_map(|known| known.registry.direct_publishing_ends_at_ns).min();
        let Some(alarm) = Alarm::of_announced_end(&view.policy, ends_at_ns, now_ns) else { continue };
        if alarms.iter().all(|known| known.kind != alarm.kind) {
            alarms.push(alarm);
        }
    }
    alarms
}

#[cfg(test)]
mod tests {
    use release_types::{
        CredentialMode, CredentialPolicy, Ecosystem, Registry, RegistryId, Sha256Digest, alarms::AlarmKind,
        registry::END_WARNING_NS,
    };

    use super::*;

    const URL: &str = "https://npm.registry.example/";

    fn credential(mode: CredentialMode, status: CredentialStatus) -> CredentialView {
        let policy = CredentialPolicy {
            custody: candid::Principal::from_slice(&[7]),
            ecosystem: Ecosystem::Npm,
            endpoint: URL.into(),
            packages: vec!["demo".into()],
            mode,
            not_before_ns: 0,
            not_after_ns: u64::MAX,
            epoch: 1,
        };
        CredentialView {
            id: policy.id(),
            policy,
            status,
            deposited_at_ns: 0,
            sealed_token_sha256: Sha256Digest::of(b""),
            probe: None,
            notice: None,
        }
    }

    #[test]
    fn should_warn_of_an_announced_end_that_custody_has_not_heard_of() {
        let at_ns = 3 * END_WARNING_NS;
        let registry =
            Registry { direct_publishing_ends_at_ns: Some(at_ns), ..Registry::new(Ecosystem::Npm, URL, URL) };
        let registries = [RegistryView { id: RegistryId("npm".into()), registry }];
        let direct = credential(CredentialMode::Direct, CredentialStatus::Active);
        let others = [
            credential(CredentialMode::Staged, CredentialStatus::Active),
            credential(CredentialMode::Direct, CredentialStatus::Revoked),
        ];
        let alarms =
            |known, credentials: &[_], now_ns| with_announced_ends(known, &registries, credentials, now_ns);
        let warned = alarms(Vec::new(), std::slice::from_ref(&direct), at_ns - END_WARNING_NS);
        let [Alarm { kind: AlarmKind::DirectPublishingEnds { credential, .. }, .. }] = &warned[..] else {
            panic!("{warned:?}")
        };
        assert_eq!(*credential, direct.id);
        assert_eq!(alarms(warned.clone(), std::slice::from_ref(&direct), at_ns), warned, "once");
        assert_eq!(alarms(Vec::new(), std::slice::from_ref(&direct), at_ns - END_WARNING_NS - 1), []);
        assert_eq!(alarms(Vec::new(), &others, at_ns), []);
    }
}
