//! vetKD: a master key shared among the nodes, of which no node ever holds more than its share.
//!
//! To derive a key, each node answers with its share of the key encrypted to the caller's transport
//! key. Every share is checked against that node's public key share before it is used, so a lying
//! node is named and skipped, and the combined key is checked once more before it is handed out.

use ic_bls12_381::hash_to_curve::{ExpandMsgXmd, HashToCurve, HashToField};
use ic_bls12_381::{G1Affine, G1Projective, G2Affine, G2Prepared, G2Projective, Scalar, multi_miller_loop};
use pairing::group::Group;
use pairing::group::ff::Field;
use rand::{CryptoRng, RngCore};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::collections::BTreeSet;
use std::fmt;

use super::{ShareFault, ShareFaults};

const CANISTER_DST: &[u8] = b"ic-vetkd-bls12-381-g2-canister-id";
const CONTEXT_DST: &[u8] = b"ic-vetkd-bls12-381-g2-context";
const SIGNATURE_DST: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_AUG_";

/// Position of a node in the subnet, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeIndex(pub u32);

impl NodeIndex {
    /// The point at which this node's share evaluates the sharing polynomial; never 0, where the
    /// secret itself lies.
    fn evaluation_point(self) -> Scalar {
        Scalar::from(u64::from(self.0) + 1)
    }
}

impl fmt::Display for NodeIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {}", self.0)
    }
}

/// Why no key could be derived.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum VetKdError {
    /// The transport key is not a point of G1.
    #[error(
        "transport_public_key: {found_bytes} bytes that are no compressed G1 point; expected the 48 bytes of one"
    )]
    MalformedTransportKey { found_bytes: usize },
    /// Too many nodes lied or were silent.
    #[error("only {good} good key shares of the {needed} needed; refused those of {refused:?}")]
    TooFewShares { needed: usize, good: usize, refused: Vec<NodeIndex> },
    /// The shares were good one by one, yet their combination is not the key.
    #[error("the combined key does not verify under the derived public key")]
    CombinedKeyInvalid,
}

/// One node's answer to a derivation: its key share under ElGamal encryption to the transport key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedKeyShare {
    /// The node that answered.
    pub node: NodeIndex,
    /// `g1 · r`
    pub c1: G1Affine,
    /// `g2 · r`, which proves that `c1` and `c3` use the same `r`
    pub c2: G2Affine,
    /// `transport key · r + H · share`
    pub c3: G1Affine,
}

/// The encrypted key, and the nodes whose shares were refused on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CombinedKey {
    /// `c1 ‖ c2 ‖ c3`, 192 bytes, as the management canister returns it.
    pub encrypted_key: Vec<u8>,
    /// Nodes that answered with a share that does not verify, or twice.
    pub refused: Vec<NodeIndex>,
}

/// What is to be derived: everything that the nodes must agree on before they answer.
#[derive(Clone, Debug)]
pub struct DerivationRequest {
    transport_key: G1Affine,
    /// `Σ` of the two derivation offsets, added to every share.
    offset: Scalar,
    derived_public_key: G2Affine,
    /// The hash of the derived public key and the input: what the key is a BLS signature on.
    hash: G1Affine,
}

/// The share of the master secret that one node holds, with its public counterpart.
#[derive(Clone)]
struct KeyShare {
    node: NodeIndex,
    secret: Scalar,
    public: G2Affine,
}

/// The master key, shared so that any `threshold` nodes can derive keys and fewer cannot.
#[derive(Clone)]
pub struct VetKdKey {
    master_public_key: G2Affine,
    shares: Vec<KeyShare>,
    threshold: usize,
}

impl fmt::Debug for VetKdKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VetKdKey")
            .field("master_public_key", &hex::encode(self.master_public_key()))
            .field("nodes", &self.shares.len())
            .field("threshold", &self.threshold)
            .finish()
    }
}

impl VetKdKey {
    /// A fresh master key shared among `nodes` nodes, of which `threshold` must answer.
    ///
    /// # Panics
    /// If `threshold` is 0 or above `nodes`.
    pub fn generate<R: RngCore + CryptoRng>(rng: &mut R, nodes: u32, threshold: u32) -> Self {
        assert!((1..=nodes).contains(&threshold), "BUG: a threshold of {threshold} for {nodes} nodes");
        let polynomial: Vec<Scalar> = (0..threshold).map(|_| Scalar::random(&mut *rng)).collect();
        let shares = (0..nodes)
            .map(NodeIndex)
            .map(|node| {
                let x = node.evaluation_point();
                let secret =
                    polynomial.iter().rev().fold(Scalar::zero(), |sum, coefficient| sum * x + coefficient);
                KeyShare { node, secret, public: (G2Affine::generator() * secret).into() }
            })
            .collect();
        Self {
            master_public_key: (G2Affine::generator() * polynomial[0]).into(),
            shares,
            threshold: threshold as usize,
        }
    }

    /// The compressed master public key: what a client pins.
    pub fn master_public_key(&self) -> [u8; 96] {
        self.master_public_key.to_compressed()
    }

    /// The compressed public key of `canister` for `context`; with an empty context, the canister's
    /// own key, from which clients derive the others offline.
    pub fn public_key(&self, canister: &[u8], context: &[u8]) -> [u8; 96] {
        self.derivation(canister, context).1.to_compressed()
    }

    /// Derives the key of `canister` for `context` and `input`, encrypted to the transport key:
    /// asks the nodes one by one, from a random one on, until enough good shares are there. Nodes
    /// fail as `faults` says.
    ///
    /// The identity is accepted as a transport key: canisters that want the key unencrypted send it.
    ///
    /// # Errors
    /// When the transport key is no point of G1, or too few nodes give good shares.
    pub fn derive_key<R: RngCore + CryptoRng>(
        &self,
        rng: &mut R,
        canister: &[u8],
        context: &[u8],
        input: &[u8],
        transport_public_key: &[u8],
        faults: &ShareFaults,
    ) -> Result<Vec<u8>, VetKdError> {
        let request = self.request(canister, context, input, transport_public_key)?;
        let nodes = self.shares.len() as u32;
        let first = rng.next_u32() % nodes;
        let shares = (0..nodes).map(|step| NodeIndex((first + step) % nodes)).filter_map(|node| match faults
            .of(node)
        {
            None => Some(self.encrypted_share(rng, node, &request)),
            Some(ShareFault::Silent) => None,
            Some(ShareFault::Wrong) => {
                let share = self.encrypted_share(rng, node, &request);
                Some(EncryptedKeyShare { c3: G1Affine::generator(), ..share })
            }
        });
        Ok(self.combine(&request, shares)?.encrypted_key)
    }

    /// Prepares a derivation, checking the transport key.
    ///
    /// # Errors
    /// When the transport key is no point of G1.
    pub fn request(
        &self,
        canister: &[u8],
        context: &[u8],
        input: &[u8],
        transport_public_key: &[u8],
    ) -> Result<DerivationRequest, VetKdError> {
        let transport_key = <&[u8; 48]>::try_from(transport_public_key)
            .ok()
            .and_then(|bytes| G1Affine::from_compressed(bytes).into_option())
            .ok_or(VetKdError::MalformedTransportKey { found_bytes: transport_public_key.len() })?;
        let (offset, derived_public_key) = self.derivation(canister, context);
        let signed = [&derived_public_key.to_compressed()[..], input].concat();
        let hash = <G1Projective as HashToCurve<ExpandMsgXmd<Sha256>>>::hash_to_curve(signed, SIGNATURE_DST);
        Ok(DerivationRequest { transport_key, offset, derived_public_key, hash: hash.into() })
    }

    /// The answer of one node to a derivation.
    ///
    /// # Panics
    /// If the subnet has no such node.
    pub fn encrypted_share<R: RngCore + CryptoRng>(
        &self,
        rng: &mut R,
        node: NodeIndex,
        request: &DerivationRequest,
    ) -> EncryptedKeyShare {
        let share = &self.shares[node.0 as usize];
        let r = Scalar::random(rng);
        EncryptedKeyShare {
            node,
            c1: (G1Affine::generator() * r).into(),
            c2: (G2Affine::generator() * r).into(),
            c3: (request.transport_key * r + request.hash * (share.secret + request.offset)).into(),
        }
    }

    /// Combines the first `threshold` shares that verify; takes no more of the iterator than that.
    ///
    /// # Errors
    /// When fewer verify, naming the nodes whose shares were refused.
    pub fn combine(
        &self,
        request: &DerivationRequest,
        shares: impl IntoIterator<Item = EncryptedKeyShare>,
    ) -> Result<CombinedKey, VetKdError> {
        let mut good: Vec<EncryptedKeyShare> = Vec::with_capacity(self.threshold);
        let mut heard = BTreeSet::new();
        let mut refused = Vec::new();
        for share in shares {
            if heard.insert(share.node) && self.verifies(request, &share) {
                good.push(share);
            } else {
                refused.push(share.node);
            }
            if good.len() == self.threshold {
                let key = interpolate(&good);
                if !is_encryption_under(request, &request.derived_public_key, &key.0, &key.1, &key.2) {
                    return Err(VetKdError::CombinedKeyInvalid);
                }
                return Ok(CombinedKey { encrypted_key: serialize(&key), refused });
            }
        }
        Err(VetKdError::TooFewShares { needed: self.threshold, good: good.len(), refused })
    }

    fn verifies(&self, request: &DerivationRequest, share: &EncryptedKeyShare) -> bool {
        let Some(holder) = self.shares.iter().find(|holder| holder.node == share.node) else {
            return false;
        };
        let public =
            G2Affine::from(G2Projective::from(holder.public) + G2Affine::generator() * request.offset);
        is_encryption_under(request, &public, &share.c1, &share.c2, &share.c3)
    }

    /// The offset that leads from the master key to the derived one, and the derived public key.
    fn derivation(&self, canister: &[u8], context: &[u8]) -> (Scalar, G2Affine) {
        let canister_offset = hash_to_scalar(&self.master_public_key.to_compressed(), canister, CANISTER_DST);
        let canister_key = add_offset(&self.master_public_key, &canister_offset);
        if context.is_empty() {
            return (canister_offset, canister_key);
        }
        let context_offset = hash_to_scalar(&canister_key.to_compressed(), context, CONTEXT_DST);
        (canister_offset + context_offset, add_offset(&canister_key, &context_offset))
    }
}

/// Whether `(c1, c2, c3)` encrypts, to the request's transport key, the signature that the secret
/// behind `public` makes on the request's hash.
fn is_encryption_under(
    request: &DerivationRequest,
    public: &G2Affine,
    c1: &G1Affine,
    c2: &G2Affine,
    c3: &G1Affine,
) -> bool {
    let g2 = G2Prepared::from(G2Affine::generator());
    let c2_prepared = G2Prepared::from(*c2);
    // e(g1, c2) = e(c1, g2): the same randomness in both groups.
    let same_randomness = product_is_one(&[(&G1Affine::generator(), &c2_prepared), (&-c1, &g2)]);
    // e(c3, g2) = e(transport key, c2) · e(H, public): the payload is the signature share.
    same_randomness
        && product_is_one(&[
            (&request.transport_key, &c2_prepared),
            (&request.hash, &G2Prepared::from(*public)),
            (&-c3, &g2),
        ])
}

fn product_is_one(pairs: &[(&G1Affine, &G2Prepared)]) -> bool {
    multi_miller_loop(pairs).final_exponentiation().is_identity().into()
}

/// Lagrange interpolation at 0 of shares by distinct nodes.
fn interpolate(shares: &[EncryptedKeyShare]) -> (G1Affine, G2Affine, G1Affine) {
    let mut c1 = G1Projective::identity();
    let mut c2 = G2Projective::identity();
    let mut c3 = G1Projective::identity();
    for share in shares {
        let x = share.node.evaluation_point();
        let (mut numerator, mut denominator) = (Scalar::one(), Scalar::one());
        for other in shares.iter().filter(|other| other.node != share.node) {
            let other_x = other.node.evaluation_point();
            numerator *= other_x;
            denominator *= other_x - x;
        }
        let inverse = denominator.invert().expect("the nodes are distinct, so no factor is zero");
        let coefficient = numerator * inverse;
        c1 += share.c1 * coefficient;
        c2 += share.c2 * coefficient;
        c3 += share.c3 * coefficient;
    }
    (c1.into(), c2.into(), c3.into())
}

fn serialize((c1, c2, c3): &(G1Affine, G2Affine, G1Affine)) -> Vec<u8> {
    [&c1.to_compressed()[..], &c2.to_compressed()[..], &c3.to_compressed()[..]].concat()
}

fn add_offset(key: &G2Affine, offset: &Scalar) -> G2Affine {
    (G2Projective::from(*key) + G2Affine::generator() * offset).into()
}

fn hash_to_scalar(first: &[u8], second: &[u8], domain: &[u8]) -> Scalar {
    let mut input = Vec::with_capacity(16 + first.len() + second.len());
    for part in [first, second] {
        input.extend_from_slice(&(part.len() as u64).to_be_bytes());
        input.extend_from_slice(part);
    }
    let mut scalar = [Scalar::zero()];
    <Scalar as HashToField>::hash_to_field::<ExpandMsgXmd<Sha256>>(&input, domain, &mut scalar);
    scalar[0]
}

#[cfg(test)]
mod tests;
