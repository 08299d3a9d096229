//! `onboard`: the checklist before a group takes a package over: what is there, and who else could publish.

use std::fmt::Write as _;

use clap::Args as ClapArgs;
use release_types::{Ecosystem, Registry, RegistryId};
use serde_json::json;

use crate::{
    context::{Context, TrustAnchor},
    failure::{Exit, Outcome},
    operations::{
        custody::Custody,
        onboarding::{
            self, Door, DoorState, Seen, SeenVersion,
            client::{Wanted, look},
            doors::human_steps,
        },
        receipt, release,
        verification::ReleaseName,
    },
    output::{BAD, GOOD, HEADING, WARNING, printable, styled},
};

/// Versions that are looked at closely unless told otherwise.
const RECENT: usize = 5;

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
The registry is asked by npm or pip on this machine, with the credentials that they have. Nothing is changed.

Exit codes: 0 no door is seen open, 1 one is, 2 the registry does not know or does not show the package.")]
pub struct Args {
    /// npm:NAME or pypi:NAME
    #[arg(value_name = "PACKAGE", value_parser = super::package)]
    package: (Ecosystem, String),
    /// The registry that the group voted into place [default: the one that npm or pip is set up for]
    #[arg(long, value_name = "NAME")]
    registry: Option<String>,
    /// How many of the latest versions are looked at closely
    #[arg(long, value_name = "NUMBER", default_value_t = RECENT)]
    recent: usize,
    #[command(flatten)]
    key: super::receipt::KeyName,
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let (ecosystem, package) = &args.package;
    let registry = voted_registry(context, &args).await?;
    let approved = approved_versions(context, &args).await?;
    let waiting = context.output.waiting(&format!("asking the registry about {package}"));
    let wanted = Wanted { ecosystem: *ecosystem, package, registry: registry.as_ref(), recent: args.recent };
    let mut seen = look(wanted)?;
    drop(waiting);
    for version in seen.iter_mut().flat_map(|seen| &mut seen.recent) {
        version.has_receipt = approved.iter().any(|release| release.has_version(&version.version));
    }
    let doors = seen.as_ref().map(|seen| onboarding::doors(*ecosystem, seen)).unwrap_or_default();
    let steps = human_steps(*ecosystem, seen.as_ref());
    let open = doors.iter().filter(|door| door.state == DoorState::Open).count();
    let mut text = format!("{}\n", styled(HEADING, format!("{ecosystem} package {}", printable(package))));
    match &seen {
        None => text.push_str("the registry does not know this name, or does not show it to you\n"),
        Some(seen) => write_seen(&mut text, seen),
    }
    write_doors(&mut text, &doors);
    let _ = writeln!(text, "{}", styled(HEADING, "steps for people"));
    for step in &steps {
        let _ = writeln!(text, "  - {step}");
    }
    let value = json!({
        "package": package, "ecosystem": ecosystem.to_string().to_lowercase(), "registry": registry,
        "seen": seen, "doors": doors, "steps": steps, "open_doors": open,
    });
    context.output.result(value, text);
    Ok(match (&seen, open) {
        (None, _) => Exit::CannotTell,
        (Some(_), 0) => Exit::Done,
        (Some(_), _) => Exit::No,
    })
}

async fn voted_registry(context: &Context, args: &Args) -> Outcome<Option<Registry>> {
    let Some(name) = &args.registry else { return Ok(None) };
    let session = context.reading_session().await?;
    let wanted = RegistryId(name.clone());
    let registries = session.dao().registries().await?;
    let found = release::choose_registry(&registries, Some(&wanted), Some(args.package.0))?;
    Ok(Some(found.registry.clone()))
}

/// The releases of this package that custody signed receipts for.
async fn approved_versions(context: &Context, args: &Args) -> Outcome<Vec<ReleaseName>> {
    let network = context.network()?;
    let TrustAnchor { custody, key_name } = context.trust_anchor(&network, args.key.key_name.clone())?;
    let key = receipt::receipt_key(&network.receipt_master_key(&key_name)?, custody);
    let agent = context.reading_agent(&network).await?;
    let receipts = Custody { agent: &agent, id: custody }.receipts().await?;
    let (ecosystem, package) = &args.package;
    let named = receipt::verified(&receipts, &key, custody).into_iter().filter_map(|statement| {
        let said = statement.predicate;
        let is_of_package = said.registry.ecosystem == *ecosystem && said.package == *package;
        is_of_package.then_some(ReleaseName {
            ecosystem: *ecosystem,
            package: said.package,
            version: said.version,
        })
    });
    Ok(named.collect())
}

fn write_seen(text: &mut String, seen: &Seen) {
    let with_receipt = seen.recent.iter().filter(|version| version.has_receipt).count();
    let _ = writeln!(
        text,
        "versions    {}; of the {} latest, {with_receipt} have a receipt of custody",
        seen.versions,
        seen.recent.len()
    );
    for version in &seen.recent {
        let _ = writeln!(text, "  {}", describe_version(version));
    }
    for (tag, version) in &seen.tags {
        let _ = writeln!(text, "tag         {} is {}", printable(tag), printable(version));
    }
    if let Some(status) = &seen.status {
        let _ = writeln!(text, "status      {}", printable(status));
    }
    text.push_str(
        "versions without a receipt were published before the group watched: look at each, then have the package \
         watched with `countersign watch propose NAME`; the watch takes what is there as its baseline\n",
    );
}

fn describe_version(version: &SeenVersion) -> String {
    let mut facts = Vec::new();
    facts.extend(version.published_at.as_deref().map(printable));
    facts.extend(version.published_by.as_deref().map(|name| format!("by {}", printable(name))));
    facts.extend(version.trusted_publisher.as_deref().map(|ci| format!("from {}", printable(ci))));
    let yes_or_no = |fact: Option<bool>, yes: &str, no: &str| {
        fact.map(|fact| if fact { yes.to_string() } else { no.to_string() })
    };
    facts.extend(yes_or_no(version.has_provenance, "provenance", "no provenance"));
    facts.extend(yes_or_no(version.is_signed, "signed by the registry", "not signed by the registry"));
    facts.push(if version.has_receipt { "receipt".into() } else { "no receipt".into() });
    format!("{}: {}", printable(&version.version), facts.join(", "))
}

fn write_doors(text: &mut String, doors: &[Door]) {
    if doors.is_empty() {
        return;
    }
    let _ = writeln!(text, "{}", styled(HEADING, "doors beside Countersign"));
    for door in doors {
        let state = match door.state {
            DoorState::Open => styled(BAD, "open"),
            DoorState::Closed => styled(GOOD, "closed"),
            DoorState::CannotSee => styled(WARNING, "look yourself"),
        };
        let _ = writeln!(text, "  [{state}] {}: {}", door.name, printable(&door.found));
        if door.state != DoorState::Closed {
            let _ = writeln!(text, "      {}", door.close);
        }
    }
}
