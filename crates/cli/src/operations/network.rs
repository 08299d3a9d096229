//! Which network is meant, and which keys of it are trusted. Keys come from constants, a file or the command line;
//! never, unasked, from the network itself.

use std::path::Path;

use ic_ed25519::{MasterPublicKeyId, PublicKey};
use sealing::MasterKey;

use super::network_file::NetworkFile;
use crate::failure::{Failure, Outcome};

/// Where the main network is reached.
const MAIN_URL: &str = "https://icp-api.io";

/// What the user said about the network.
#[derive(Clone, Debug, Default)]
pub struct NetworkArgs {
    /// `main`, a URL or a network file; the running local network if absent.
    pub network: Option<String>,
    /// Root key in hexadecimal, for a URL.
    pub root_key: Option<String>,
    /// vetKD master key in hexadecimal, for a URL.
    pub master_key: Option<String>,
    /// Threshold Ed25519 master key in hexadecimal, for a URL.
    pub receipt_master_key: Option<String>,
}

/// A network to speak to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    pub url: String,
    /// DER; the main network's own if absent.
    pub root_key: Option<Vec<u8>>,
    /// Whether a process on this machine serves it, which derives its keys from a seed.
    pub is_served_locally: bool,
    keys: MasterKeys,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum MasterKeys {
    /// The main network's constants, one for each key name.
    Main,
    /// Given by a file or the command line; the same for every key name.
    Pinned { vetkd: Option<Vec<u8>>, ed25519: Option<Vec<u8>> },
}

impl Network {
    /// Finds the network that `args` mean; `local` is the directory of the local one.
    ///
    /// # Errors
    /// When a file is missing or a key is not hexadecimal.
    pub fn resolve(args: &NetworkArgs, local: &Path) -> Outcome<Self> {
        let given = |flag: &str, hexadecimal: &Option<String>| {
            hexadecimal.as_deref().map(|text| decode_key(flag, text)).transpose()
        };
        let root_key = given("--root-key", &args.root_key)?;
        let vetkd = given("--master-key", &args.master_key)?;
        let ed25519 = given("--receipt-master-key", &args.receipt_master_key)?;
        match args.network.as_deref() {
            Some("main") => Ok(Self {
                url: MAIN_URL.into(),
                root_key: None,
                is_served_locally: false,
                keys: MasterKeys::Main,
            }),
            Some(url) if url.starts_with("http://") || url.starts_with("https://") => Ok(Self {
                url: url.into(),
                root_key,
                is_served_locally: false,
                keys: MasterKeys::Pinned { vetkd, ed25519 },
            }),
            Some(file) => Self::from_file(&NetworkFile::read(Path::new(file))?),
            None => Self::from_file(&NetworkFile::read(&NetworkFile::path_in(local))?),
        }
    }

    fn from_file(file: &NetworkFile) -> Outcome<Self> {
        let optional = |field: &str, text: &Option<String>| {
            text.as_deref().map(|text| decode_key(field, text)).transpose()
        };
        Ok(Self {
            url: file.url.clone(),
            root_key: Some(decode_key("root_key", &file.root_key)?),
            is_served_locally: file.pid.is_some(),
            keys: MasterKeys::Pinned {
                vetkd: optional("vetkd_master_public_key", &file.vetkd_master_public_key)?,
                ed25519: optional(
                    "schnorr_ed25519_master_public_key",
                    &file.schnorr_ed25519_master_public_key,
                )?,
            },
        })
    }

    /// The master key that tokens are sealed under.
    ///
    /// # Errors
    /// When no trusted source names it.
    pub fn vetkd_master_key(&self, key_name: &str) -> Outcome<MasterKey> {
        match &self.keys {
            MasterKeys::Main => MasterKey::of_main_network(key_name).map_err(|_| unknown_key_name(key_name)),
            MasterKeys::Pinned { vetkd: Some(bytes), .. } => MasterKey::from_bytes(bytes).map_err(|error| {
                Failure::usage(format!("the vetKD master key is not usable: {error}"))
                    .hint("it is 96 bytes, 192 hexadecimal digits, as the network's operator publishes it")
            }),
            MasterKeys::Pinned { vetkd: None, .. } => {
                Err(Failure::usage("no trusted vetKD master key is known for this network")
                    .hint("give it with --master-key HEX, or use a network file that has it"))
            }
        }
    }

    /// The master key that receipts are signed under.
    ///
    /// # Errors
    /// When no trusted source names it.
    pub fn receipt_master_key(&self, key_name: &str) -> Outcome<PublicKey> {
        match &self.keys {
            MasterKeys::Main => match key_name {
                "key_1" => Ok(PublicKey::mainnet_key(MasterPublicKeyId::Key1)),
                "test_key_1" => Ok(PublicKey::mainnet_key(MasterPublicKeyId::TestKey1)),
                other => Err(unknown_key_name(other)),
            },
            MasterKeys::Pinned { ed25519: Some(bytes), .. } => {
                PublicKey::deserialize_raw(bytes).map_err(|error| {
                    Failure::usage(format!("the threshold Ed25519 master key is not usable: {error:?}"))
                        .hint("it is 32 bytes, 64 hexadecimal digits, as the network's operator publishes it")
                })
            }
            MasterKeys::Pinned { ed25519: None, .. } => {
                Err(Failure::usage("no trusted threshold Ed25519 master key is known for this network")
                    .hint("give it with --receipt-master-key HEX, or use a network file that has it"))
            }
        }
    }
}

fn decode_key(field: &str, hexadecimal: &str) -> Outcome<Vec<u8>> {
    hex::decode(hexadecimal)
        .map_err(|error| Failure::usage(format!("{field}: found no hexadecimal key ({error})")))
}

fn unknown_key_name(found: &str) -> Failure {
    Failure::usage(format!("the main network has no key named {found}; it has key_1 and test_key_1"))
        .hint("check the key name that the custody canister was installed with")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::FailureKind;

    fn args(network: &str) -> NetworkArgs {
        NetworkArgs { network: Some(network.into()), ..NetworkArgs::default() }
    }

    #[test]
    fn should_use_the_running_local_network_by_default() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = NetworkFile {
            url: "http://127.0.0.1:1".into(),
            root_key: "3081".into(),
            vetkd_master_public_key: None,
            schnorr_ed25519_master_public_key: None,
            pid: Some(1),
        };
        file.write(&NetworkFile::path_in(directory.path())).expect("written");
        let network = Network::resolve(&NetworkArgs::default(), directory.path()).expect("found");
        assert_eq!(network.url, file.url);
        assert_eq!(network.root_key, Some(vec![0x30, 0x81]));
        assert!(network.is_served_locally, "its keys come from a seed");
    }

    #[test]
    fn should_pin_the_main_networks_keys_by_name() {
        let main = Network::resolve(&args("main"), Path::new("/nowhere")).expect("built in");
        assert_eq!(main.root_key, None, "the agent's own constant");
        assert!(!main.is_served_locally);
        assert!(main.vetkd_master_key("key_1").is_ok());
        assert_ne!(
            main.receipt_master_key("key_1").expect("known").serialize_raw(),
            main.receipt_master_key("test_key_1").expect("known").serialize_raw()
        );
        assert!(main.vetkd_master_key("key_2").is_err());
        assert!(main.receipt_master_key("key_2").is_err());
    }

    #[test]
    fn should_refuse_to_seal_when_a_plain_url_comes_without_a_master_key() {
        let network = Network::resolve(&args("http://127.0.0.1:1"), Path::new("/nowhere")).expect("a URL");
        let failure = network.vetkd_master_key("key_1").expect_err("no key");
        assert_eq!(failure.kind, FailureKind::Usage);
        assert!(failure.hint.expect("has one").contains("--master-key"));
        assert!(network.receipt_master_key("key_1").is_err());
    }

    #[test]
    fn should_name_the_flag_when_a_key_is_not_hexadecimal() {
        let wrong = NetworkArgs { master_key: Some("xyz".into()), ..args("http://127.0.0.1:1") };
        let failure = Network::resolve(&wrong, Path::new("/nowhere")).expect_err("not hexadecimal");
        assert!(failure.message.contains("--master-key"), "{failure}");
    }
}
