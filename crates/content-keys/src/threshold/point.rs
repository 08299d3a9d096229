//! Points and scalars as others send them: checked where they are read.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_bytes::{ByteArray, ByteBuf, Bytes};

use super::{group::Group, roster::MAX_HOLDERS};

/// A public point that keys and commitments are made of: on the curve, of the group's prime order, not the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point<G: Group>(G::Element);

impl<G: Group> Point<G> {
    /// None for the identity and for a point with a component of small order.
    pub fn new(element: G::Element) -> Option<Self> {
        (element != G::identity() && G::is_torsion_free(&element)).then_some(Self(element))
    }

    /// A sum or product of points of prime order. None for the identity.
    pub(super) fn computed(element: G::Element) -> Option<Self> {
        (element != G::identity()).then_some(Self(element))
    }

    pub(super) fn element(&self) -> &G::Element {
        &self.0
    }
}

/// Reads points, no more than a key has holders: reading one costs millions of instructions.
pub(super) fn deserialize_few<'de, G: Group, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Point<G>>, D::Error> {
    let encoded = Vec::<ByteBuf>::deserialize(deserializer)?;
    if encoded.len() > MAX_HOLDERS {
        return Err(D::Error::custom(format_args!("{} points; allowed: {MAX_HOLDERS}", encoded.len())));
    }
    let points = encoded.iter().map(|bytes| G::decode(bytes).and_then(Point::new));
    points.collect::<Option<_>>().ok_or_else(|| D::Error::custom("no point of the group"))
}

/// A point that somebody computed from an envelope's key: on the curve, not the identity. On Curve25519 it may have a
/// component of small order, which all checks and the result ignore: cheaper than to refuse it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product<G: Group>(pub(super) G::Element);

/// A proof's or signature's answer to its challenge: public.
#[derive(Clone, Copy, PartialEq)]
pub struct Response<G: Group>(pub(super) G::Scalar);

impl<G: Group> Eq for Response<G> {}

impl<G: Group> core::fmt::Debug for Response<G> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Response({:02x?})", G::scalar_to_bytes(&self.0))
    }
}

impl<G: Group> Serialize for Point<G> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Bytes::new(&G::encode(&self.0)).serialize(serializer)
    }
}

impl<'de, G: Group> Deserialize<'de> for Point<G> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = ByteBuf::deserialize(deserializer)?;
        G::decode(&bytes).and_then(Self::new).ok_or_else(|| D::Error::custom("no point of the group"))
    }
}

impl<G: Group> Serialize for Product<G> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Bytes::new(&G::encode(&self.0)).serialize(serializer)
    }
}

impl<'de, G: Group> Deserialize<'de> for Product<G> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = ByteBuf::deserialize(deserializer)?;
        G::decode(&bytes).map(Self).ok_or_else(|| D::Error::custom("no point of the curve"))
    }
}

impl<G: Group> Serialize for Response<G> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Bytes::new(&G::scalar_to_bytes(&self.0)).serialize(serializer)
    }
}

impl<'de, G: Group> Deserialize<'de> for Response<G> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = ByteArray::<32>::deserialize(deserializer)?;
        let scalar = G::scalar_from_bytes(&bytes);
        scalar.map(Self).ok_or_else(|| D::Error::custom("a scalar above the group's order"))
    }
}
