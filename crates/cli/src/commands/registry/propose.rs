//! `registry propose`: put a registry to the vote.

use std::{
    io::{BufRead as _, IsTerminal as _, Write as _},
    time::SystemTime,
};

use clap::{Args as ClapArgs, ValueEnum};
use release_types::{
    Ecosystem, ProposalAction, Registry, RegistryId,
    proposal::{RegistryProposal, SubmitProposalArgs},
};
use serde_json::json;

use crate::{
    context::Context,
    failure::{Exit, Failure, Outcome},
    operations::{proposal, registry_config},
    output::printable,
};

#[derive(Debug, ClapArgs)]
pub struct Args {
    #[arg(long)]
    ecosystem: EcosystemName,
    /// The name the group gives it [default: npm or pypi]
    #[arg(long, value_name = "NAME")]
    id: Option<String>,
    /// Where it takes uploads [default: what npm or twine on this machine is set up for]
    #[arg(long, value_name = "URL")]
    upload_url: Option<String>,
    /// Where it is read back [default: npm: the upload URL; PyPI: what pip is set up for]
    #[arg(long, value_name = "URL")]
    read_url: Option<String>,
    /// PyPI: base of its version documents, a second view that must agree [default: only the read URL is read]
    #[arg(long, value_name = "URL")]
    version_url: Option<String>,
    /// PyPI: where files lie by their digest, so that custody can read the bytes themselves
    #[arg(long, value_name = "URL")]
    files_url: Option<String>,
    /// When the registry ends direct publishing by token, as announced: 2027-01-15, or 2027-01-15T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    direct_publishing_ends_at: Option<SystemTime>,
    /// What voters read first
    #[arg(long)]
    title: Option<String>,
    /// More for voters
    #[arg(long, default_value = "")]
    summary: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum EcosystemName {
    Npm,
    Pypi,
}

impl From<EcosystemName> for Ecosystem {
    fn from(name: EcosystemName) -> Self {
        match name {
            EcosystemName::Npm => Self::Npm,
            EcosystemName::Pypi => Self::Pypi,
        }
    }
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let registry = Registry {
        version_url: args.version_url.clone(),
        files_url: args.files_url.clone(),
        direct_publishing_ends_at_ns: args.direct_publishing_ends_at.map(nanoseconds),
        ..registry(context, &args)?
    };
    let ecosystem = registry.ecosystem;
    let id = args.id.unwrap_or_else(|| ecosystem.to_string().to_lowercase());
    let title = args.title.unwrap_or_else(|| format!("Publish to the {ecosystem} registry {id}"));
    let action =
        ProposalAction::Registry(RegistryProposal { id: RegistryId(id), registry: registry.clone() });
    let session = context.session().await?;
    let submitted = SubmitProposalArgs { title, summary: args.summary, action };
    let proposal = proposal::submit(&session.dao(), submitted).await?;
    context.output.result(
        json!({ "proposal": proposal, "registry": registry }),
        format!("proposal {proposal}; members vote with `countersign vote {proposal} yes`"),
    );
    Ok(Exit::Done)
}

/// The registry that the flags name, or that the user agrees to of what the machine's tools are set up for.
fn registry(context: &Context, args: &Args) -> Outcome<Registry> {
    let ecosystem = Ecosystem::from(args.ecosystem);
    let given = match (ecosystem, &args.upload_url, &args.read_url) {
        (_, Some(upload), Some(read)) => Some((upload, read)),
        (Ecosystem::Npm, Some(upload), None) => Some((upload, upload)),
        _ => None,
    };
    if let Some((upload_url, read_url)) = given {
        return Ok(Registry::new(ecosystem, upload_url, read_url));
    }
    let flags = "name the registry with --upload-url URL --read-url URL";
    let found = registry_config::configured(ecosystem).ok_or_else(|| {
        Failure::usage(format!("no {ecosystem} registry is set up on this machine with an https address"))
            .hint(flags)
    })?;
    let registry = Registry::new(
        ecosystem,
        args.upload_url.as_ref().unwrap_or(&found.registry.upload_url),
        args.read_url.as_ref().unwrap_or(&found.registry.read_url),
    );
    context.output.note(format!(
        "{} names\n  upload  {}\n  read    {}",
        found.source,
        printable(&registry.upload_url),
        printable(&registry.read_url)
    ));
    if !std::io::stdin().is_terminal() || !agrees("propose this registry? [y/N] ") {
        return Err(Failure::usage("nothing was proposed: nobody agreed to the registry found").hint(
            format!("{flags}, e.g. --upload-url {} --read-url {}", registry.upload_url, registry.read_url),
        ));
    }
    Ok(registry)
}

/// A day, which begins at midnight UTC, or a moment; for clap.
fn moment(text: &str) -> Result<SystemTime, NoMoment> {
    let midnight = format!("{text}T00:00:00Z");
    humantime::parse_rfc3339(text).or_else(|_| humantime::parse_rfc3339(&midnight)).map_err(|_| NoMoment)
}

#[derive(Debug, thiserror::Error)]
#[error("allowed: a day such as 2027-01-15, or a moment in UTC such as 2027-01-15T12:00:00Z")]
struct NoMoment;

fn nanoseconds(time: SystemTime) -> u64 {
    let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX)
}

fn agrees(question: &str) -> bool {
    eprint!("{question}");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_take_a_day_for_its_midnight_and_a_moment_as_it_is() {
        let read = |text| moment(text).map(nanoseconds).map_err(|error| error.to_string());
        assert_eq!(read("1970-01-02"), Ok(86_400_000_000_000));
        assert_eq!(read("1970-01-01T00:00:01Z"), Ok(1_000_000_000));
        assert!(read("1970-01-01T00:00:01+01:00").is_err_and(|error| error.contains("in UTC")));
    }
}
