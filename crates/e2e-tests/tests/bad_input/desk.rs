//! Where bad input is handed in, and what is asserted of every refusal.

use std::sync::{Arc, Mutex};

use candid::{Decode, Encode};
use e2e_tests::{World, people::member};
use local_replica::Outcome;
use release_types::{
    CredentialId, Defect, Ecosystem, ProposalAction, ProposalId,
    proposal::{SubmitProposalArgs, SubmitProposalError},
};

/// npm's package under test.
pub const NPM_NAME: &str = "@dao/demo";
/// Python's project under test.
pub const PYPI_NAME: &str = "dao-demo";
pub const WHEEL: &str = "dao_demo-1.0.0-py3-none-any.whl";
pub const SDIST: &str = "dao_demo-1.0.0.tar.gz";

/// The most that refusing anything may cost; a message may compute 40 billion.
const MOST_INSTRUCTIONS: u64 = 20_000_000_000;
/// The largest refusal: megabytes of input are not sent back.
const LARGEST_REFUSAL_BYTES: usize = 32_000;

/// Part of a defect: its field, and what its other parts must contain.
pub type Expected<'a> = (&'a str, &'a str, &'a str);

/// What happened since the desk was opened.
#[derive(Default)]
pub struct Meter {
    pub most_instructions: u64,
    pub traps: Vec<String>,
}

/// A world with a registry and an active credential.
pub struct Desk {
    pub world: World,
    pub credential: CredentialId,
    meter: Arc<Mutex<Meter>>,
}

impl Desk {
    pub fn for_npm() -> Self {
        Self::open(Ecosystem::Npm, &[NPM_NAME, "azle"])
    }

    pub fn for_pypi() -> Self {
        Self::open(Ecosystem::Pypi, &[PYPI_NAME])
    }

    fn open(ecosystem: Ecosystem, packages: &[&str]) -> Self {
        let mut world = World::new();
        match ecosystem {
            Ecosystem::Npm => world.add_npm_registry(),
            Ecosystem::Pypi => world.add_pypi_registry(),
        }
        let credential = world.add_credential(ecosystem, packages);
        let meter = Arc::new(Mutex::new(Meter::default()));
        let observer = meter.clone();
        world.replica.observe(Box::new(move |report, _| {
            let mut meter = observer.lock().expect("no panic while held");
            meter.most_instructions = meter.most_instructions.max(report.instructions);
            if let Outcome::Trap(message) = &report.outcome {
                meter.traps.push(format!("{:?}: {message}", report.entry));
            }
        }));
        Self { world, credential, meter }
    }

    /// Submits what must be refused, and returns its defects after checking that each expected one is among them.
    pub fn refuse(&mut self, what: &str, action: ProposalAction, expected: &[Expected<'_>]) -> Vec<Defect> {
        let args = SubmitProposalArgs { title: "A proposal".into(), summary: String::new(), action };
        self.refuse_submission(what, &args, expected)
    }

    /// As [`Self::refuse`], with title and summary.
    pub fn refuse_submission(
        &mut self,
        what: &str,
        args: &SubmitProposalArgs,
        expected: &[Expected<'_>],
    ) -> Vec<Defect> {
        let before = self.world.snapshot();
        let arg = Encode!(args).expect("encodes");
        let reply = self.world.replica.call(member(0), self.world.dao, "submit_proposal", arg);
        let reply = reply.unwrap_or_else(|reject| panic!("{what}: rejected: {reject}"));
        assert!(reply.len() <= LARGEST_REFUSAL_BYTES, "{what}: a refusal of {} bytes", reply.len());
        let answer = Decode!(&reply, Result<ProposalId, SubmitProposalError>).expect("its type");
        let Err(SubmitProposalError::Invalid { defects }) = answer else { panic!("{what}: {answer:?}") };
        for (field, found, allowed) in expected {
            let is_it = |defect: &Defect| {
                defect.field == *field
                    && defect.found.contains(found)
                    && defect.allowed.contains(allowed)
                    && !defect.hint.is_empty()
            };
            let is_named = defects.iter().any(is_it);
            assert!(is_named, "{what}: no defect {field:?} {found:?} {allowed:?} among {defects:#?}");
        }
        assert_eq!(self.world.changes_since(&before), [""; 0], "{what}: kept something");
        assert_eq!(self.meter().traps, [""; 0], "{what}");
        defects
    }

    /// The proposal to release one tarball as version 1.0.0 of the npm package.
    pub fn npm(&mut self, tarball: &[u8]) -> ProposalAction {
        self.world.npm_release(self.credential, NPM_NAME, "1.0.0", tarball)
    }

    /// The proposal to release one file as version 1.0.0 of the Python project.
    pub fn pypi(&mut self, filename: &str, bytes: &[u8]) -> ProposalAction {
        self.world.pypi_release(self.credential, PYPI_NAME, "1.0.0", &[(filename, bytes)])
    }

    /// After everything that was refused, a good proposal is taken; nothing trapped, and nothing cost too much.
    pub fn close(mut self, good: ProposalAction) {
        self.world.submit(member(0), good).expect("a good proposal is taken afterwards");
        let meter = self.meter();
        assert_eq!(meter.traps, [""; 0]);
        let most = meter.most_instructions;
        assert!(most <= MOST_INSTRUCTIONS, "a message of {most} instructions");
    }

    pub fn meter(&self) -> std::sync::MutexGuard<'_, Meter> {
        self.meter.lock().expect("no panic while held")
    }
}
