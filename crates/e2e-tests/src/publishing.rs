//! One package of either ecosystem, ready to be released again and again: what tests about publishing share.

use std::time::Duration;

use local_replica::{Step, outcalls::Lie};
use registry_protocols::receipt;
use release_types::{
    CredentialId, Ecosystem, ProposalAction, ProposalId, ProposalStatus, Settings, Sha256Digest,
    settings::MOST_RELEASES_PER_DAY,
};
use serde_json::json;

use crate::{
    World,
    archives::{npm_tarball, wheel},
    people::member,
    registry_server::{Misbehaviour, SeenRequest},
};

/// A world with one registry and one package that the group may publish.
pub struct Publisher {
    pub world: World,
    pub ecosystem: Ecosystem,
    pub credential: CredentialId,
    versions: u32,
}

/// A release under way.
#[derive(Clone, Debug)]
pub struct Release {
    pub version: String,
    pub proposal: ProposalId,
    /// What was voted.
    pub bytes: Vec<u8>,
}

impl Publisher {
    pub fn new(ecosystem: Ecosystem) -> Self {
        Self::in_world(World::new(), ecosystem)
    }

    /// In a world without registries and credentials.
    pub fn in_world(mut world: World, ecosystem: Ecosystem) -> Self {
        match ecosystem {
            Ecosystem::Npm => world.add_npm_registry(),
            Ecosystem::Pypi => world.add_pypi_registry(),
        }
        let credential = world.add_credential(ecosystem, &[package(ecosystem)]);
        // These tests release far more often than a group does.
        let many = Settings { releases_per_package_and_day: MOST_RELEASES_PER_DAY };
        assert_eq!(world.carry_out(ProposalAction::Settings(many)), ProposalStatus::Executed);
        Self { world, ecosystem, credential, versions: 0 }
    }

    /// A version that was never released.
    pub fn next_version(&mut self) -> String {
        self.versions += 1;
        format!("1.0.{}", self.versions)
    }

    /// The artifact of a version; no two are equal.
    pub fn artifact(&self, version: &str) -> Vec<u8> {
        match self.ecosystem {
            Ecosystem::Npm => npm_tarball(package(self.ecosystem), version, 2_000),
            Ecosystem::Pypi => wheel("dao_demo", version, 2_000),
        }
    }

    /// Uploads and submits the release of a version.
    pub fn propose(&mut self, version: &str) -> Release {
        self.try_propose(version).expect("a good proposal")
    }

    /// Uploads and submits the release of a version.
    ///
    /// # Errors
    /// The defects for which the proposal was refused.
    pub fn try_propose(&mut self, version: &str) -> Result<Release, String> {
        let bytes = self.artifact(version);
        let (package, credential) = (package(self.ecosystem), self.credential);
        let action = match self.ecosystem {
            Ecosystem::Npm => self.world.npm_release(credential, package, version, &bytes),
            Ecosystem::Pypi => {
                let filename = filename(self.ecosystem, version);
                self.world.pypi_release(credential, package, version, &[(&filename, &bytes)])
            }
        };
        let proposal = self.world.submit(member(0), action).map_err(|error| format!("{error:?}"))?;
        Ok(Release { version: version.into(), proposal, bytes })
    }

    /// Proposes and adopts the release of a version that was never released.
    pub fn adopt_next(&mut self) -> Release {
        let version = self.next_version();
        let release = self.propose(&version);
        self.world.adopt(release.proposal);
        release
    }

    /// Lets messages be executed, and time pass where nothing else happens, until the registry has one write more.
    pub fn run_until_written(&mut self) {
        let before = self.writes().len();
        while self.writes().len() == before {
            if matches!(self.world.replica.step(), Step::Idle) {
                self.world.replica.advance_time(Duration::from_secs(1));
            }
        }
    }

    /// What the registry has for a version.
    pub fn stored(&self, version: &str) -> Option<Vec<u8>> {
        match self.ecosystem {
            Ecosystem::Npm => {
                let key = format!("{}@{version}", package(self.ecosystem));
                self.world.npm.with(|double| double.published.get(&key).map(|(_, bytes)| bytes.clone()))
            }
            Ecosystem::Pypi => {
                let key = (package(self.ecosystem).into(), filename(self.ecosystem, version));
                self.world.pypi.with(|double| double.files.get(&key).cloned())
            }
        }
    }

    /// Lets somebody else publish these bytes.
    pub fn publish_behind_our_back(&self, version: &str, bytes: &[u8]) {
        match self.ecosystem {
            Ecosystem::Npm => {
                let key = format!("{}@{version}", package(self.ecosystem));
                let document = npm_document(version, bytes);
                self.world.npm.with(|double| double.published.insert(key, (document, bytes.to_vec())));
            }
            Ecosystem::Pypi => {
                let key = (package(self.ecosystem).into(), filename(self.ecosystem, version));
                self.world.pypi.with(|double| double.files.insert(key, bytes.to_vec()));
            }
        }
    }

    /// Lets the registry say "not found" to so many reads of what it has.
    pub fn hide(&self, reads: usize) {
        match self.ecosystem {
            Ecosystem::Npm => self.world.npm.with(|double| double.hidden_reads = reads),
            Ecosystem::Pypi => self.world.pypi.with(|double| double.hidden_reads = reads),
        }
    }

    pub fn misbehave(&self, misbehaviour: Misbehaviour) {
        match self.ecosystem {
            Ecosystem::Npm => self.world.npm.misbehave(misbehaviour),
            Ecosystem::Pypi => self.world.pypi.misbehave(misbehaviour),
        }
    }

    /// Lets everything be well again: registry, network and nodes.
    pub fn clear_faults(&self) {
        self.world.npm.behave();
        self.world.pypi.behave();
        self.hide(0);
        self.world.replica.faults().clear();
    }

    /// Every request that reached the registry.
    pub fn seen(&self) -> Vec<SeenRequest> {
        match self.ecosystem {
            Ecosystem::Npm => self.world.npm.seen(),
            Ecosystem::Pypi => self.world.pypi.seen(),
        }
    }

    /// The requests that would change the registry, and reached it.
    pub fn writes(&self) -> Vec<SeenRequest> {
        match self.ecosystem {
            Ecosystem::Npm => self.world.npm.writes(),
            Ecosystem::Pypi => self.world.pypi.writes(),
        }
    }

    /// A node's lie about a version: that the registry shows these bytes.
    pub fn lie_about(&self, version: &str, bytes: &[u8]) -> Lie {
        let document = document(self.ecosystem, version, &filename(self.ecosystem, version), bytes);
        Lie { status: 200, body: document.to_string().into_bytes(), ..Lie::default() }
    }

    /// Panics unless the release ended as it should: executed, verified, with a receipt, and the voted bytes stored.
    pub fn assert_published(&mut self, release: &Release, status: &ProposalStatus, case: &str) {
        assert_eq!(*status, ProposalStatus::Executed, "{case}");
        assert!(
            self.stored(&release.version).as_ref() == Some(&release.bytes),
            "{case}: other bytes are stored"
        );
        let order = self.world.order(release.proposal).expect("custody took the order");
        assert!(order.is_verified(), "{case}: {order:?}");
        let envelope = self.world.receipt(release.proposal).unwrap_or_else(|| panic!("{case}: no receipt"));
        let statement = receipt::verify(&envelope, &self.world.receipt_key(self.world.custody))
            .unwrap_or_else(|error| panic!("{case}: {error}"));
        let digest = Sha256Digest::of(&release.bytes);
        assert!(statement.subject_with(&digest).is_some(), "{case}: a receipt for other bytes");
    }
}

/// The package's name at its registry.
pub fn package(ecosystem: Ecosystem) -> &'static str {
    match ecosystem {
        Ecosystem::Npm => "@dao/demo",
        Ecosystem::Pypi => "dao-demo",
    }
}

/// The name under which an artifact is published.
pub fn filename(ecosystem: Ecosystem, version: &str) -> String {
    match ecosystem {
        Ecosystem::Npm => format!("demo-{version}.tgz"),
        Ecosystem::Pypi => format!("dao_demo-{version}-py3-none-any.whl"),
    }
}

/// The document by which a registry shows these bytes.
pub fn document(ecosystem: Ecosystem, version: &str, filename: &str, bytes: &[u8]) -> serde_json::Value {
    match ecosystem {
        Ecosystem::Npm => npm_document(version, bytes),
        Ecosystem::Pypi => json!({
            "meta": {"api-version": "1.1"}, "name": package(ecosystem), "versions": [],
            "files": [{
                "filename": filename, "url": "file", "size": bytes.len(),
                "hashes": {"sha256": Sha256Digest::of(bytes).to_string()},
            }],
        }),
    }
}

fn npm_document(version: &str, bytes: &[u8]) -> serde_json::Value {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use sha1::Sha1;
    use sha2::{Digest, Sha512};
    json!({
        "name": package(Ecosystem::Npm), "version": version,
        "dist": {
            "integrity": format!("sha512-{}", STANDARD.encode(Sha512::digest(bytes))),
            "shasum": hex::encode(Sha1::digest(bytes)),
        },
    })
}
