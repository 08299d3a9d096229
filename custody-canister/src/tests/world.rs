//! A custody canister at work, and the orders of its authority.

use candid::Principal;
use registry_protocols::secret::SecretToken;
use release_types::{
    CredentialId, CredentialMode, CredentialPolicy, Ecosystem, OrderId, OrderStatus, PublicationState,
    PublishOrder, PublishingMode, Registry, Sha256Digest, Tally,
    credential::{CredentialStatus, DepositCredentialArgs},
    custody::{ChangeCredentialArgs, CustodyInit},
    order::{Decision, OrderedArtifact, Publication, VoteRecord},
    proposal::{CredentialChange, NpmAccess, NpmOptions, ProposalId},
};
use sealing::SealingKey;

use super::stub::StubRuntime;
use crate::{credentials, lifecycle, publish, queries};

pub const NPM_TOKEN: &str = "npm_0123456789abcdefghijABCDEFGHIJ012345";
pub const NPM_READ_TOKEN: &str = "npm_read0123456789abcdefghijABCDEFGHIJ01";
/// Private indexes have tokens of their own kinds.
pub const PYPI_READ_TOKEN: &str = "glpat-0123456789abcdefghij";
pub const PYPI_TOKEN: &str = "pypi-AgEMcHlwaS5leGFtcGxlAiQxMTExMTExMS0yMjIyLTQzMzMtODQ0NC01NTU1NTU1NTU1NTUAAipbMywiYWFhYWFhYWEtYmJiYi00Y2NjLThkZGQtZWVlZWVlZWVlZWVlIl0AAAYgGRsdSW29cw97Nvc_GI5tBxilJD7R7-zINvC-8AKOWkI";
pub const NPM_FILE: &str = "demo-1.0.0.tgz";
/// The name under which npm keeps it.
pub const NPM_ATTACHMENT: &str = "@dao/demo-1.0.0.tgz";
pub const WHEEL: &str = "demo-1.0.0-py3-none-any.whl";
pub const SDIST: &str = "demo-1.0.0.tar.gz";
const NPM_URL: &str = "https://npm.registry.example/";
const PYPI_URL: &str = "https://upload.pypi.registry.example/legacy/";
const PYPI_READ_URL: &str = "https://pypi.registry.example/simple";
const DAY_NS: u64 = 86_400 * 1_000_000_000;

/// The one principal whose orders count.
pub fn authority() -> Principal {
    Principal::from_slice(&[1, 1, 1, 1])
}

pub fn stranger() -> Principal {
    Principal::from_slice(&[2, 2, 2, 1])
}

/// A custody canister that knows its keys.
pub struct World {
    pub runtime: StubRuntime,
}

impl World {
    pub fn new() -> Self {
        let runtime = StubRuntime::new();
        let init = CustodyInit { authority: Some(authority()), key_name: "test_key_1".into() };
        lifecycle::init(&runtime, init, None);
        runtime.settle();
        Self { runtime }
    }

    /// With an active credential for each ecosystem.
    pub fn with_credentials() -> Self {
        let world = Self::new();
        for ecosystem in [Ecosystem::Npm, Ecosystem::Pypi] {
            let id = world.deposit(ecosystem);
            world.change(id, CredentialChange::Activate);
            world.runtime.settle();
            assert_eq!(world.credential_status(id), CredentialStatus::Active);
        }
        world
    }

    pub fn now_ns(&self) -> u64 {
        self.runtime.0.borrow().now_ns
    }

    pub fn policy(&self, ecosystem: Ecosystem) -> CredentialPolicy {
        let (endpoint, package) = match ecosystem {
            Ecosystem::Npm => (NPM_URL, "@dao/demo"),
            Ecosystem::Pypi => (PYPI_URL, "demo"),
        };
        CredentialPolicy {
            custody: self.runtime.custody(),
            ecosystem,
            endpoint: endpoint.into(),
            packages: vec![package.into()],
            mode: CredentialMode::Direct,
            not_before_ns: 0,
            not_after_ns: 1_790_000_000_000_000_000 + 90 * DAY_NS,
            epoch: 1,
        }
    }

    pub fn sealed(&self, policy: CredentialPolicy, token: &str) -> DepositCredentialArgs {
        let key = SealingKey::from_bytes(&StubRuntime::sealing_public_key()).expect("a key");
        let token = SecretToken::new(token.as_bytes().to_vec()).expect("a token");
        let sealed_token = sealing::seal(&key, &policy, token, [3; 32]).expect("seals");
        DepositCredentialArgs { policy, sealed_token }
    }

    pub fn deposit(&self, ecosystem: Ecosystem) -> CredentialId {
        let token = match ecosystem {
            Ecosystem::Npm => NPM_TOKEN,
            Ecosystem::Pypi => PYPI_TOKEN,
        };
        let args = self.sealed(self.policy(ecosystem), token);
        credentials::deposit(&self.runtime, authority(), args).expect("deposits").id
    }

    /// Deposits and activates a token under this policy.
    pub fn activate(&self, policy: CredentialPolicy, token: &str) -> CredentialId {
        let args = self.sealed(policy, token);
        let id = credentials::deposit(&self.runtime, authority(), args).expect("deposits").id;
        self.change(id, CredentialChange::Activate);
        self.runtime.settle();
        assert_eq!(self.credential_status(id), CredentialStatus::Active);
        id
    }

    /// Activates a read-only token for the registry of these orders, and has the registry show nothing without one.
    pub fn close_to_the_public(&self, ecosystem: Ecosystem) -> CredentialId {
        let (endpoint, token) = match ecosystem {
            Ecosystem::Npm => (NPM_URL, NPM_READ_TOKEN),
            Ecosystem::Pypi => (PYPI_READ_URL, PYPI_READ_TOKEN),
        };
        let policy = CredentialPolicy {
            mode: CredentialMode::Read,
            endpoint: endpoint.into(),
            ..self.policy(ecosystem)
        };
        self.runtime.0.borrow_mut().registries.is_private = true;
        self.activate(policy, token)
    }

    pub fn not_after_ns(&self, id: CredentialId) -> u64 {
        queries::credential(&id).expect("a credential in custody").policy.not_after_ns
    }

    pub fn change(&self, credential: CredentialId, change: CredentialChange) {
        let args = ChangeCredentialArgs { credential, change };
        credentials::change(&self.runtime, authority(), args).expect("changes");
    }

    pub fn credential_status(&self, id: CredentialId) -> CredentialStatus {
        queries::credential(&id).expect("a credential in custody").status
    }

    fn keep_artifact(&self, bytes: &[u8]) -> Sha256Digest {
        let digest = Sha256Digest::of(bytes);
        self.runtime.0.borrow_mut().artifacts.insert(digest, bytes.to_vec());
        digest
    }

    fn artifact(&self, filename: &str, bytes: &[u8], publication: Publication) -> OrderedArtifact {
        OrderedArtifact {
            filename: filename.into(),
            sha256: self.keep_artifact(bytes),
            size_bytes: bytes.len() as u64,
            source: authority(),
            publication,
        }
    }

    fn order(&self, ecosystem: Ecosystem, artifacts: Vec<OrderedArtifact>) -> PublishOrder {
        let policy = self.policy(ecosystem);
        let (upload_url, read_url) = match ecosystem {
            Ecosystem::Npm => (NPM_URL, NPM_URL),
            Ecosystem::Pypi => (PYPI_URL, PYPI_READ_URL),
        };
        PublishOrder {
            id: OrderId("proposal-1".into()),
            mode: PublishingMode::Direct,
            credential: Some(policy.id()),
            read_credential: None,
            registry: Registry::new(ecosystem, upload_url, read_url),
            package: policy.packages[0].clone(),
            version: "1.0.0".into(),
            artifacts,
            decision: Decision {
                authority: authority(),
                vote: Some(VoteRecord {
                    proposal: ProposalId(1),
                    decided_at_ns: self.now_ns(),
                    tally: Tally { yes: 3, no: 1, abstain: 1, total: 5 },
                }),
                source: None,
            },
            expires_at_ns: self.now_ns() + DAY_NS,
        }
    }

    /// An order for a tarball of two chunks.
    pub fn npm_order(&self) -> PublishOrder {
        let publication = Publication::Npm {
            manifest_json: r#"{"name":"@dao/demo","version":"1.0.0"}"#.into(),
            options: NpmOptions { dist_tag: "latest".into(), access: NpmAccess::Public },
        };
        self.order(Ecosystem::Npm, vec![self.artifact(NPM_FILE, &npm_bytes(), publication)])
    }

    /// An order for a wheel and a source distribution.
    pub fn pypi_order(&self) -> PublishOrder {
        let publication = |filetype: &str| Publication::Pypi {
            form: [
                ("metadata_version", "2.4"),
                ("name", "Demo"),
                ("version", "1.0.0"),
                ("filetype", filetype),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        };
        let wheel = self.artifact(WHEEL, b"the wheel's bytes", publication("bdist_wheel"));
        let sdist = self.artifact(SDIST, b"the source distribution's bytes", publication("sdist"));
        self.order(Ecosystem::Pypi, vec![wheel, sdist])
    }

    pub fn order_of(&self, ecosystem: Ecosystem) -> PublishOrder {
        match ecosystem {
            Ecosystem::Npm => self.npm_order(),
            Ecosystem::Pypi => self.pypi_order(),
        }
    }

    pub fn publish(&self, order: PublishOrder) -> OrderStatus {
        publish::accept(&self.runtime, authority(), order).expect("a good order")
    }

    /// Publishes and lets everything run to its end.
    pub fn carry_out(&self, order: PublishOrder) -> OrderStatus {
        let id = self.publish(order).id;
        self.runtime.settle();
        self.status(&id)
    }

    pub fn status(&self, id: &OrderId) -> OrderStatus {
        let status = queries::order_status(id).expect("an accepted order");
        for state in states(&status) {
            if let PublicationState::Blocked { reason } | PublicationState::Refused { reason } = state {
                assert!(!reason.contains("  "), "people read it: {reason}");
            }
        }
        status
    }

    /// How many publish requests reached a registry.
    pub fn sent(&self) -> usize {
        self.runtime.0.borrow().registries.received.len()
    }
}

/// The credential that an order publishes with.
pub fn named(order: &PublishOrder) -> CredentialId {
    order.credential.expect("the order publishes with one")
}

pub fn npm_bytes() -> Vec<u8> {
    (0..1_100_000_u32).map(|i| (i % 251) as u8).collect()
}

/// The states of an order's artifacts.
pub fn states(status: &OrderStatus) -> Vec<PublicationState> {
    status.artifacts.iter().map(|artifact| artifact.state.clone()).collect()
}
