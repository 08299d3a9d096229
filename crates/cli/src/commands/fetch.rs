//! `fetch`: download the exact bytes under review, checked against the digests that the proposal names.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args as ClapArgs;
use release_types::{ProposalAction, ProposalId, Sha256Digest};
use serde_json::json;

use crate::{
    context::Context,
    failure::{Exit, Failure, Outcome},
    operations::{download::download, network_file::write_atomically, proposal},
    output::printable,
};

#[derive(Debug, ClapArgs)]
pub struct Args {
    #[arg(value_name = "PROPOSAL", value_parser = super::proposal_id)]
    id: ProposalId,
    /// Where to put the files
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

pub async fn run(context: &Context, args: Args) -> Outcome<Exit> {
    let session = context.session().await?;
    let view = proposal::find(&session.dao(), args.id).await?;
    let ProposalAction::Release(release) = view.action else {
        return Err(Failure::usage(format!(
            "proposal {} is no release: there is nothing to download",
            args.id
        ))
        .hint(format!("read what it would change with `countersign show {}`", args.id)));
    };
    for artifact in &release.artifacts {
        keep_others(&inside(&args.out, &artifact.filename)?, artifact.sha256)?;
    }
    let mut files = Vec::new();
    let mut text = String::new();
    for artifact in &release.artifacts {
        let path = inside(&args.out, &artifact.filename)?;
        let progress =
            context.output.bytes(&format!("fetching {}", printable(&artifact.filename)), artifact.size_bytes);
        let bytes = download(&session.dao(), artifact, |part| progress.advance(part)).await??;
        drop(progress);
        write_atomically(&path, &bytes)?;
        text.push_str(&format!("{}  {}\n", artifact.sha256, printable(&path.display().to_string())));
        files.push(json!({ "filename": artifact.filename, "path": path, "sha256": artifact.sha256 }));
    }
    context.output.result(json!({ "proposal": args.id, "files": files }), text);
    Ok(Exit::Done)
}

/// Refuses to replace a file that has other bytes than those that come.
fn keep_others(path: &Path, coming: Sha256Digest) -> Outcome<()> {
    let found = match fs::read(path) {
        Ok(bytes) => Sha256Digest::of(&bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Failure::file("read", path, error)),
    };
    if found == coming {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{} is there already with other bytes: sha256 {found}, and {coming} comes; nothing was fetched",
        path.display()
    ))
    .hint("choose another directory with --out DIR, or move the file away"))
}

/// The path of a file inside a directory. Its name comes from outside, so it must be a name and nothing more.
fn inside(directory: &Path, filename: &str) -> Outcome<PathBuf> {
    let is_plain = Path::new(filename).file_name().is_some_and(|name| name == filename)
        && !filename.contains(['/', '\\', ':'])
        && !filename.chars().any(char::is_control);
    if !is_plain {
        return Err(Failure::refused(format!("the artifact's name {filename:?} is not a plain file name"))
            .hint("vote no: a package's file is never named so"));
    }
    Ok(directory.join(filename))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_refuse_to_replace_a_file_that_has_other_bytes() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("demo-1.0.0.tgz");
        let coming = Sha256Digest::of(b"voted");
        assert_eq!(keep_others(&path, coming), Ok(()), "nothing is there");
        fs::write(&path, b"voted").expect("written");
        assert_eq!(keep_others(&path, coming), Ok(()), "the same bytes");
        fs::write(&path, b"mine").expect("written");
        let failure = keep_others(&path, coming).expect_err("others");
        assert!(failure.message.contains("demo-1.0.0.tgz"), "{failure}");
        assert!(failure.hint.expect("has one").contains("--out"));
    }

    #[test]
    fn should_never_write_outside_the_directory() {
        for name in ["../evil", "/etc/passwd", "a/b", "..", ".", "", "a\\b", "C:evil", "a\nb"] {
            assert!(inside(Path::new("out"), name).is_err(), "{name:?}");
        }
        assert_eq!(
            inside(Path::new("out"), "demo-1.0.0.tgz").expect("plain"),
            Path::new("out/demo-1.0.0.tgz")
        );
    }
}
