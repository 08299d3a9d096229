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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::{P256, X25519};

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        hex::decode(hex).expect("hex").try_into().expect("the length")
    }

    fn secret<G: Group>(uniform: [u8; 48], peer: PublicKey) -> String {
        let key = VaultKey::<G>::from_uniform(&Zeroizing::new(uniform)).expect("not zero");
        hex::encode(key.dh(&peer).expect("this curve").expose())
    }

    #[test]
    fn should_give_what_ecdh_gives() {
        // Wycheproof, the first case of each curve.
        let peer = "0462d5bd3372af75fe85a040715d0f502428e07046868b0bfdfa61d731afe44f26\
                    ac333a93a9e70a81cd5a95b5bf8d13990eb741c8c38872b4a07d275a014e30cf";
        let private: [u8; 32] = bytes("0612465c89a023ab17855b0a6bcebfd3febb53aef84138647b5352e02c10c346");
        let mut uniform = [0; 48];
        uniform[16..].copy_from_slice(&private);
        let peer = PublicKey::p256(&bytes::<65>(peer)).expect("a key");
        let expected = "53020d908b0219328b658b525f26780e3ae12bcd952bb25a93bc0895e1714285";
        assert_eq!(secret::<P256>(uniform, peer), expected);

        let peer = "504a36999f489cd2fdbc08baff3d88fa00569ba986cba22548ffde80f9806829";
        let mut private = [0; 48];
        private[..32].copy_from_slice(&bytes::<32>(
            "c8a9d5a91091ad851c668b0736c1c9a02936c0d3ad62670858088047ba057475",
        ));
        let eighth = X25519::reduce(&private) * X25519::invert(&8u64.into());
        let mut uniform = [0; 48];
        uniform[..32].copy_from_slice(&X25519::scalar_to_bytes(&eighth));
        let peer = PublicKey::x25519(&bytes::<32>(peer)).expect("a key");
        let expected = "436a2c040cf45fea9b29a0cb81b1f41458f863d0d61b453d0a982720d6d61320";
        assert_eq!(secret::<X25519>(uniform, peer), expected);
    }

    #[test]
    fn should_reduce_by_the_order_and_refuse_zero() {
        let order = "00000000000000000000000000000000\
                     ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
        let mut uniform: [u8; 48] = bytes(order);
        assert!(VaultKey::<P256>::from_uniform(&Zeroizing::new(uniform)).is_none());
        assert!(VaultKey::<X25519>::from_uniform(&Zeroizing::new([0; 48])).is_none());
        uniform[47] += 5;
        let key = VaultKey::<P256>::from_uniform(&Zeroizing::new(uniform)).expect("five");
        assert_eq!(Some(key.public_key()), P256::lower(&P256::generate(&5u64.into())));
        let other = VaultKey::<X25519>::from_uniform(&Zeroizing::new(uniform)).expect("not zero");
        assert_eq!(key.dh(&other.public_key()).err(), Some(DhError::OtherCurve));
    }
}
