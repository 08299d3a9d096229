//! Keys derived anew for each use: in one piece, but nowhere at rest.

use zeroize::{Zeroize, Zeroizing};

use crate::{
    Dh, DhError, PublicKey, SharedSecret,
    threshold::{Group, SecretScalar},
};

/// A private key made of 48 bytes that a threshold derivation gives to this canister alone. Wiped when dropped.
///
/// Unlike a shared key it exists in one memory while it is used: whoever reads that memory then has it for good.
pub struct VaultKey<G: Group> {
    secret: SecretScalar<G>,
    public: PublicKey,
}

impl<G: Group> VaultKey<G> {
    /// The bytes modulo the group's order, biased by less than 2^-128. None if that is zero: derive with another
    /// input, though nobody ever meets it.
    pub fn from_uniform(bytes: &Zeroizing<[u8; 48]>) -> Option<Self> {
        let secret = SecretScalar::<G>::new(G::reduce(bytes));
        let public = G::lower(&G::clear_cofactor(&secret.public()))?;
        Some(Self { secret, public })
    }
}

impl<G: Group> Dh for VaultKey<G> {
    fn public_key(&self) -> PublicKey {
        self.public
    }

    fn dh(&self, ephemeral: &PublicKey) -> Result<SharedSecret, DhError> {
        let point = G::lift(ephemeral).ok_or(DhError::OtherCurve)?;
        let mut product = G::multiply(&point, self.secret.expose());
        let mut shared = G::clear_cofactor(&product);
        let coordinate = G::coordinate(&shared);
        product.zeroize();
        shared.zeroize();
        coordinate.map(SharedSecret::new).ok_or(DhError::Identity)
    }
}
