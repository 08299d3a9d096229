//! Which packages a custody canister publishes: those its receipts and its credentials name.

use std::collections::BTreeSet;

use registry_protocols::receipt::Statement;
use release_types::{Ecosystem, credential::CredentialView};

use super::ReleaseName;

/// Packages for which an approval is expected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Governed(BTreeSet<(Ecosystem, String)>);

impl Governed {
    /// What signed receipts name, and what credentials are for, whether in use or not.
    pub fn new(receipts: &[Statement], credentials: &[CredentialView]) -> Self {
        let released = receipts
            .iter()
            .map(|statement| (statement.predicate.registry.ecosystem, statement.predicate.package.clone()));
        let sealed = credentials.iter().flat_map(|view| {
            view.policy.packages.iter().map(|package| (view.policy.ecosystem, package.clone()))
        });
        Self(released.chain(sealed).collect())
    }

    /// Adds a package that the user knows to be governed, whatever custody says.
    pub fn add(&mut self, ecosystem: Ecosystem, package: String) {
        self.0.insert((ecosystem, package));
    }

    /// Whether releases of this package need an approval.
    pub fn covers(&self, release: &ReleaseName) -> bool {
        self.0.contains(&(release.ecosystem, release.package.clone()))
    }
}
