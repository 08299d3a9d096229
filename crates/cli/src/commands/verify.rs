//! `verify`: whether the group approved exactly these files. The trust anchor is the network and the custody canister
//! that the user pins; a receipt's own claims count for nothing.

mod report;

use std::{fs, path::PathBuf};

use candid::Principal;
use clap::Args as ClapArgs;
use registry_protocols::receipt::Statement;
use release_types::{Ecosystem, Sha256Digest};

use crate::{
    context::{Context, TrustAnchor},
    failure::{Exit, Failure, FailureKind, Outcome},
    operations::{
        custody::Custody,
        receipt::{self, Verdict},
        verification::{
            Claim, FileDigest, Pin, ReleaseName, Subject,
            client::{self, Extent},
            governed::Governed,
            npm_lockfile, requirements,
        },
    },
};
use report::{Finding, Report};

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
A release is fetched by npm or pip on this machine, from the registries that they are set up for; nothing of it is
run. A lockfile is judged by the digests in it, without fetching: packages that custody does not publish are
reported as not governed.

Who knows only the custody canister verifies with: countersign verify --network main --custody ID FILE

Exit codes: 0 everything is approved, 1 something is not, 2 cannot tell.")]
pub struct Args {
    /// Files, or releases to fetch: npm:NAME@VERSION, pypi:NAME==VERSION
    #[arg(value_name = "FILE|RELEASE", required_unless_present_any = ["lockfiles", "requirements"])]
    subjects: Vec<Subject>,
    /// An npm lockfile whose packages are to be verified
    #[arg(long = "lockfile", value_name = "FILE")]
    lockfiles: Vec<PathBuf>,
    /// A pip requirements file with hashes whose packages are to be verified
    #[arg(long, value_name = "FILE")]
    requirements: Vec<PathBuf>,
    /// Also fail on packages of a lockfile that custody does not publish
    #[arg(long)]
    strict: bool,
    /// A package that needs an approval even if custody says nothing of it: npm:NAME or pypi:NAME
    #[arg(long = "governed", value_name = "PACKAGE", value_parser = super::package)]
    governed: Vec<(Ecosystem, String)>,
    /// Verify every file of a Python release, not only the one that pip would install here
    #[arg(long)]
    all: bool,
    /// A receipt to judge by, without asking the network [default: all receipts that custody has]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["lockfiles", "requirements"])]
    receipt: Option<PathBuf>,
    #[command(flatten)]
    key: super::receipt::KeyName,
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    verify(context, &args).await.map_err(cannot_tell)
}

/// Whatever keeps this command from an answer means that it cannot tell.
fn cannot_tell(failure: Failure) -> Failure {
    Failure { kind: FailureKind::Usage, message: format!("cannot tell: {}", failure.message), ..failure }
}

async fn verify(context: &Context, args: &Args) -> Outcome<Exit> {
    // Files are read before the network is asked, so that a wrong name is told at once.
    let pins = pins(args)?;
    let judge = Judge::new(context, args).await?;
    let mut report = Report::new(judge.custody, args.receipt.is_none());
    for subject in &args.subjects {
        match subject {
            Subject::File(path) => {
                let digest = digest_of(path)?;
                let verdict = judge.judge(&Claim::of_bytes(digest));
                report.add(Finding::of_file(path.display().to_string(), digest, verdict));
            }
            Subject::Release(release) => verify_release(context, args, release, &judge, &mut report)?,
        }
    }
    for pin in pins {
        report.add(judge.judge_pin(pin, args.strict));
    }
    Ok(report.print(&context.output))
}

fn digest_of(path: &std::path::Path) -> Outcome<Sha256Digest> {
    fs::read(path).map(|bytes| Sha256Digest::of(&bytes)).map_err(|error| Failure::file("read", path, error))
}

fn pins(args: &Args) -> Outcome<Vec<Pin>> {
    let npm = args.lockfiles.iter().map(|path| (path, npm_lockfile::pins as fn(&str) -> Outcome<Vec<Pin>>));
    let pypi = args.requirements.iter().map(|path| (path, requirements::pins as fn(&str) -> _));
    let mut pins = Vec::new();
    for (path, read) in npm.chain(pypi) {
        let text = fs::read_to_string(path).map_err(|error| Failure::file("read", path, error))?;
        pins.extend(read(&text).map_err(|failure| Failure {
            message: format!("{}: {}", path.display(), failure.message),
            ..failure
        })?);
    }
    Ok(pins)
}

/// Fetches a release with the user's client and judges each of its files.
fn verify_release(
    context: &Context,
    args: &Args,
    release: &ReleaseName,
    judge: &Judge,
    report: &mut Report,
) -> Outcome<()> {
    let waiting = context.output.waiting(&format!("fetching {release} with {}", client_of(release)));
    let directory = tempfile::tempdir()
        .map_err(|error| Failure::usage(format!("no temporary directory can be made: {error}")))?;
    let extent = if args.all { Extent::All } else { Extent::Chosen };
    let fetched = client::fetch(release, extent, directory.path())?;
    drop(waiting);
    for file in &fetched.files {
        let digest = digest_of(&file.path)?;
        let claim = Claim { digest: FileDigest::Sha256(digest), release: Some(release.clone()) };
        report.add(Finding::of_fetched(release, &file.filename, digest, judge.judge(&claim)));
    }
    if !fetched.left_out.is_empty() {
        context.output.note(format!(
            "note: {release} has {} more files that pip would not install here; --all verifies them too",
            fetched.left_out.len()
        ));
    }
    Ok(())
}

fn client_of(release: &ReleaseName) -> &'static str {
    match release.ecosystem {
        Ecosystem::Npm => "npm",
        Ecosystem::Pypi => "pip",
    }
}

/// The pinned custody canister's word.
struct Judge {
    custody: Principal,
    key: [u8; 32],
    source: Source,
    governed: Governed,
}

/// Where approvals are looked for.
enum Source {
    /// One receipt that the user has.
    Given(String),
    /// Everything that custody signed.
    All(Vec<Statement>),
}

impl Judge {
    async fn new(context: &Context, args: &Args) -> Outcome<Self> {
        let network = context.network()?;
        let TrustAnchor { custody, key_name } = context.trust_anchor(&network, args.key.key_name.clone())?;
        let key = receipt::receipt_key(&network.receipt_master_key(&key_name)?, custody);
        if let Some(path) = &args.receipt {
            let source = Source::Given(receipt::read_file(path)?);
            return Ok(Self { custody, key, source, governed: Governed::default() });
        }
        let agent = context.reading_agent(&network).await?;
        let canister = Custody { agent: &agent, id: custody };
        let statements = receipt::verified(&canister.receipts().await?, &key, custody);
        let mut governed = Governed::default();
        if !(args.lockfiles.is_empty() && args.requirements.is_empty()) {
            governed = Governed::new(&statements, &canister.credentials().await?);
            for (ecosystem, name) in &args.governed {
                governed.add(*ecosystem, name.clone());
            }
        }
        Ok(Self { custody, key, source: Source::All(statements), governed })
    }

    fn judge(&self, claim: &Claim) -> Verdict {
        match &self.source {
            Source::Given(envelope) => receipt::judge(claim, envelope, &self.key, self.custody),
            Source::All(statements) => receipt::judge_by_all(claim, statements, self.custody),
        }
    }

    /// Judges every digest that a lockfile gives for a release; the worst counts.
    fn judge_pin(&self, pin: Pin, strict: bool) -> Finding {
        let Pin { release, digests } = pin;
        let verdict = if !self.governed.covers(&release) {
            match strict {
                false => Verdict::NotGoverned,
                true => Verdict::NotApproved {
                    reason: format!("the custody canister {} does not publish this package", self.custody),
                },
            }
        } else {
            let judged = digests
                .iter()
                .map(|digest| self.judge(&Claim { digest: digest.clone(), release: Some(release.clone()) }));
            judged.max_by_key(Verdict::exit).unwrap_or_else(|| Verdict::CannotTell {
                reason: "the lockfile has no SHA-512 (npm) or SHA-256 (Python) of it".into(),
            })
        };
        Finding::of_pin(release, digests, verdict)
    }
}

impl Verdict {
    /// What it contributes to the exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Approved { .. } | Self::NotGoverned => Exit::Done,
            Self::CannotTell { .. } => Exit::CannotTell,
            Self::NotApproved { .. } => Exit::No,
        }
    }
}
