//! `receipt`: read the receipt of a release, checked under the key derived from the pinned network and custody.

use std::{fmt::Write as _, path::PathBuf};

use clap::Args as ClapArgs;
use registry_protocols::receipt::{BytesRead, Confirmation, Statement, VoteFacts};
use release_types::{OrderId, ProposalId};
use serde_json::json;

use crate::{
    context::{Context, TrustAnchor},
    failure::{Exit, Failure, Outcome},
    operations::{custody::Custody, moment, network_file::write_atomically, proposal, receipt},
    output::{GOOD, HEADING, printable, styled},
};

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// A proposal's number, or an order's id
    #[arg(value_name = "PROPOSAL|ORDER")]
    id: String,
    /// Also write the signed envelope to a file, for `verify --receipt`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    key: KeyName,
}

/// Which master key receipts are signed under, for who has no deployment file.
#[derive(Debug, ClapArgs)]
pub struct KeyName {
    /// Master key that the custody canister was installed with [default: the deployment's, else key_1]
    #[arg(long, value_name = "NAME")]
    pub key_name: Option<String>,
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let network = context.network()?;
    let TrustAnchor { custody, key_name } = context.trust_anchor(&network, args.key.key_name)?;
    let master = network.receipt_master_key(&key_name)?;
    let agent = context.reading_agent(&network).await?;
    let order = match args.id.parse() {
        Ok(number) => proposal::order_id(ProposalId(number)),
        Err(_) => OrderId(args.id),
    };
    let found = Custody { agent: &agent, id: custody }.receipt(order.clone()).await?.ok_or_else(|| {
        Failure::refused(format!("custody has no receipt for {order}"))
            .hint("a receipt is signed when every artifact is verified; look with `countersign status`")
    })?;
    let key = receipt::receipt_key(&master, custody);
    let statement = receipt::read(&found.envelope_json, &key).map_err(|error| {
        Failure::refused(format!("the receipt is not signed by custody {custody}: {error}"))
            .hint("it proves nothing; ask again, and raise the alarm if it stays so")
    })?;
    if let Some(path) = &args.out {
        write_atomically(path, found.envelope_json.as_bytes())?;
    }
    let envelope: serde_json::Value = serde_json::from_str(&found.envelope_json).unwrap_or_default();
    let value = json!({
        "order": found.order,
        "signed_at_ns": found.signed_at_ns,
        "statement": statement,
        "envelope": envelope,
        "receipt_key": hex::encode(key),
    });
    let mut text = format!("{}\n", styled(HEADING, format!("receipt of {}", printable(&found.order.0))));
    text.push_str(&describe(&statement));
    let _ = writeln!(
        text,
        "signed      {} by custody {custody}, {}",
        moment(found.signed_at_ns),
        styled(GOOD, "signature valid")
    );
    context.output.result(value, text);
    Ok(Exit::Done)
}

/// What a verified receipt says.
pub fn describe(statement: &Statement) -> String {
    let said = &statement.predicate;
    let mut text = format!(
        "package     {} {}\nregistry    {}\napproved    by {}\n",
        printable(&said.package),
        printable(&said.version),
        printable(&said.registry.upload_url),
        printable(&said.dao),
    );
    if let Some(VoteFacts { proposal_id, decided_at_s, tally }) = said.vote {
        let _ = writeln!(
            text,
            "voted       in proposal {proposal_id}: {} yes, {} no, {} abstain of {}, decided {}",
            tally.yes,
            tally.no,
            tally.abstain,
            tally.total,
            seconds(decided_at_s)
        );
    }
    let _ = writeln!(text, "ordered     {}", seconds(said.ordered_at_s));
    let _ = writeln!(text, "read back   {}", seconds(said.read_back.at_s));
    let _ = writeln!(text, "mode        {}", printable(&said.mode));
    if let Some(source) = &said.source {
        let _ =
            writeln!(text, "source      {} at {}", printable(&source.repository), printable(&source.commit));
    }
    for (index, subject) in statement.subject.iter().enumerate() {
        let _ = writeln!(
            text,
            "artifact    {}\n  sha256    {}\n  confirmed {}\n  bytes     {}",
            printable(&subject.name),
            printable(&subject.digest.sha256),
            confirmation(said.read_back.confirmation.get(index)),
            bytes_read(said.read_back.bytes.get(index))
        );
    }
    text
}

fn confirmation(by: Option<&Confirmation>) -> String {
    match by {
        Some(Confirmation::RegistrySignature { key }) => format!("by the registry's signature, key {key}"),
        Some(Confirmation::Unsigned) => {
            "by nothing else: the registry signed this version with no key".into()
        }
        Some(Confirmation::RegistryWithoutKeys) => "by nothing else: the registry signs nothing".into(),
        Some(Confirmation::SecondView) => "by the index's version document".into(),
        Some(Confirmation::SingleView) => "by nothing else: the index is read in one view".into(),
        None => "by nothing else".into(),
    }
}

fn bytes_read(bytes: Option<&BytesRead>) -> &'static str {
    match bytes {
        Some(BytesRead::Whole) => "read by all nodes",
        Some(BytesRead::InRanges) => "read by all nodes, range by range",
        Some(BytesRead::NotReadNoRanges) => "not read, only the digest shown: the registry serves no ranges",
        Some(BytesRead::NotReadElsewhere) => "not read, only the digest shown: the file is kept elsewhere",
        Some(BytesRead::NotReadNoFilesUrl) => "not read, only the digest shown: no files URL is registered",
        None => "not read, only the digest shown",
    }
}

fn seconds(at_s: u64) -> String {
    moment(at_s.saturating_mul(1_000_000_000))
}
