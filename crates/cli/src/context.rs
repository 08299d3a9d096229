//! What commands share: the network, the identity, the canisters and the output, resolved when first needed.

use std::path::{Path, PathBuf};

use candid::Principal;
use ic_agent::{Agent, Identity, identity::AnonymousIdentity};

use crate::{
    failure::{Failure, Outcome},
    operations::{
        control::Canisters,
        custody::Custody,
        dao::Dao,
        deployment::Deployment,
        identity,
        network::{Network, NetworkArgs},
        upgrader::Upgrader,
    },
    output::Output,
};

/// Where the local network keeps its files unless told otherwise.
pub const DEFAULT_NETWORK_DIRECTORY: &str = ".countersign/network";

/// The master keys that custody canisters use unless told otherwise.
const DEFAULT_KEY_NAME: &str = "key_1";

/// The options that every command takes.
#[derive(Clone, Debug)]
pub struct Context {
    pub output: Output,
    /// The deployment file.
    pub deployment: PathBuf,
    pub network: NetworkArgs,
    /// Whether the root key may be asked of the network itself.
    pub danger_fetch_root_key: bool,
    pub identity: Option<PathBuf>,
    pub dao: Option<Principal>,
    pub custody: Option<Principal>,
}

/// What receipts are judged by: the custody canister that signs them, and the name of the master key that its
/// own key derives from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustAnchor {
    pub custody: Principal,
    pub key_name: String,
}

/// Both canisters and a way to speak to them.
pub struct Session {
    pub network: Network,
    pub agent: Agent,
    pub deployment: Deployment,
}

impl Session {
    pub fn dao(&self) -> Dao<'_> {
        Dao { agent: &self.agent, id: self.deployment.dao }
    }

    /// The upgrader.
    ///
    /// # Errors
    /// When the canisters were not handed over.
    pub fn upgrader(&self) -> Outcome<Upgrader<'_>> {
        let id = Canisters::try_from(&self.deployment)?.upgrader;
        Ok(Upgrader { agent: &self.agent, id })
    }

    pub fn custody(&self) -> Custody<'_> {
        Custody { agent: &self.agent, id: self.deployment.custody }
    }
}

impl Context {
    /// The network that is meant.
    ///
    /// # Errors
    /// When it is not known or not started.
    pub fn network(&self) -> Outcome<Network> {
        Network::resolve(&self.network, Path::new(DEFAULT_NETWORK_DIRECTORY)).map_err(|failure| {
            match Deployment::read(&self.deployment) {
                Ok(Some(deployment)) if self.network.network.is_none() => failure.hint(format!(
                    "this deployment is on {}; say --network main|URL|FILE, or start the local network with \
                     `countersign network start`",
                    deployment.network
                )),
                _ => failure,
            }
        })
    }

    /// The identity that was given.
    ///
    /// # Errors
    /// When none was given or its file is unusable.
    pub fn identity(&self) -> Outcome<Box<dyn Identity>> {
        match &self.identity {
            Some(path) => identity::load(path),
            None => Err(Failure::usage("this command needs an identity")
                .hint("give one with --identity FILE.pem or COUNTERSIGN_IDENTITY; `countersign identity new FILE` makes one")),
        }
    }

    /// An agent that speaks to `network` as `identity` and trusts only the root key that was pinned.
    ///
    /// # Errors
    /// When the address is no URL, or the root key may be fetched and the network does not answer.
    pub async fn agent(&self, network: &Network, identity: Box<dyn Identity>) -> Outcome<Agent> {
        let agent = Agent::builder()
            .with_url(&network.url)
            .with_boxed_identity(identity)
            .build()
            .map_err(|error| Failure::usage(format!("--network {}: {error}", network.url)))?;
        if let Some(root_key) = &network.root_key {
            agent.set_root_key(root_key.clone());
        } else if self.danger_fetch_root_key {
            self.output.note("the root key comes from the network itself: nothing it says is proven");
            agent.fetch_root_key().await.map_err(|error| {
                Failure::network(format!("{} does not tell its root key: {error}", network.url))
            })?;
        }
        Ok(agent)
    }

    /// Speaks to both canisters as the identity that was given.
    ///
    /// # Errors
    /// When there is no identity, network or deployment.
    pub async fn session(&self) -> Outcome<Session> {
        let identity = self.identity()?;
        self.open(identity).await
    }

    /// Like [`Self::session`], for what anyone may read: without an identity it speaks anonymously.
    ///
    /// # Errors
    /// When there is no network or deployment.
    pub async fn reading_session(&self) -> Outcome<Session> {
        let identity = self.reading_identity()?;
        self.open(identity).await
    }

    /// An agent for what anyone may read: without an identity it speaks anonymously.
    ///
    /// # Errors
    /// As [`Self::agent`], or when the identity's file is unusable.
    pub async fn reading_agent(&self, network: &Network) -> Outcome<Agent> {
        let identity = self.reading_identity()?;
        self.agent(network, identity).await
    }

    fn reading_identity(&self) -> Outcome<Box<dyn Identity>> {
        match &self.identity {
            Some(path) => identity::load(path),
            None => Ok(Box::new(AnonymousIdentity)),
        }
    }

    async fn open(&self, identity: Box<dyn Identity>) -> Outcome<Session> {
        let network = self.network()?;
        let deployment = self.deployment(&network)?;
        let agent = self.agent(&network, identity).await?;
        Ok(Session { network, agent, deployment })
    }

    /// What receipts are judged by. A custody canister given as an option is enough: its key's name is then
    /// `key_name`, else the deployment's on this network, else the main network's usual one.
    ///
    /// # Errors
    /// When no custody canister is known, or the deployment is on another network.
    pub fn trust_anchor(&self, network: &Network, key_name: Option<String>) -> Outcome<TrustAnchor> {
        let found = Deployment::read(&self.deployment)?;
        let Some(custody) = self.custody else {
            if found.is_none() {
                return Err(Failure::usage("no custody canister is known").hint("name it with --custody ID"));
            }
            let Deployment { custody, key_name: deployed, .. } = self.deployment(network)?;
            return Ok(TrustAnchor { custody, key_name: key_name.unwrap_or(deployed) });
        };
        let deployed = found.filter(|found| found.network == network.url);
        let key_name = key_name.or_else(|| deployed.map(|found| found.key_name));
        Ok(TrustAnchor { custody, key_name: key_name.unwrap_or_else(|| DEFAULT_KEY_NAME.to_string()) })
    }

    /// The canisters that are meant: those given as options, else those that were deployed from here.
    ///
    /// # Errors
    /// When they are not known, or were deployed to another network.
    pub fn deployment(&self, network: &Network) -> Outcome<Deployment> {
        let path = &self.deployment;
        let found = Deployment::read(path)?;
        let deployment = match (self.dao, self.custody, found) {
            (Some(dao), Some(custody), found) => Deployment {
                dao,
                custody,
                upgrader: found.as_ref().and_then(|found| found.upgrader),
                key_name: found.map_or_else(|| DEFAULT_KEY_NAME.to_string(), |found| found.key_name),
                network: network.url.clone(),
            },
            (dao, custody, Some(found)) => Deployment {
                dao: dao.unwrap_or(found.dao),
                custody: custody.unwrap_or(found.custody),
                ..found
            },
            (_, _, None) => {
                return Err(Failure::usage(format!(
                    "no deployment is known ({} is missing)",
                    path.display()
                ))
                .hint("run `countersign deploy`, or name the canisters with --dao ID --custody ID"));
            }
        };
        if deployment.network != network.url {
            return Err(Failure::usage(format!(
                "{} is for the network at {}, and the network in use is {}",
                path.display(),
                deployment.network,
                network.url
            ))
            .hint(match self.network.network {
                Some(_) => "choose the right --network, another --deployment, or name the canisters with --dao ID --custody ID".to_string(),
                None => format!("this deployment is on {}; say --network main|URL|FILE", deployment.network),
            }));
        }
        Ok(deployment)
    }
}
