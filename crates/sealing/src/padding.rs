//! Tokens in a bucket of fixed size, so that a ciphertext does not tell which kind of token it holds.

use registry_protocols::secret::{SecretToken, TokenError};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Size of every plaintext: two bytes of length, big-endian, the token, zeros.
pub(crate) const BUCKET_BYTES: usize = 512;
const LENGTH_BYTES: usize = 2;

/// Longest token that can be sealed, in bytes.
pub const MAX_SEALABLE_TOKEN_BYTES: usize = BUCKET_BYTES - LENGTH_BYTES;

/// The bucket holding the token; nothing when it is too long.
pub(crate) fn pad(token: &SecretToken) -> Option<Zeroizing<Vec<u8>>> {
    let token = token.expose();
    let length = u16::try_from(token.len()).ok().filter(|_| token.len() <= MAX_SEALABLE_TOKEN_BYTES)?;
    let mut bucket = Zeroizing::new(vec![0; BUCKET_BYTES]);
    bucket[..LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
    bucket[LENGTH_BYTES..LENGTH_BYTES + token.len()].copy_from_slice(token);
    Some(bucket)
}

/// The token in the bucket; `None` when it is no bucket. Looks at every byte, whatever the length.
pub(crate) fn unpad(bucket: &[u8]) -> Option<Result<SecretToken, TokenError>> {
    let (length, content) = bucket.split_first_chunk::<LENGTH_BYTES>()?;
    if bucket.len() != BUCKET_BYTES {
        return None;
    }
    let length = usize::from(u16::from_be_bytes(*length));
    let padding = content.iter().enumerate().fold(0, |found, (at, byte)| {
        // All ones from the token's end on.
        let mask = u8::from(at >= length).wrapping_neg();
        found | (byte & mask)
    });
    let well_padded = bool::from(padding.ct_eq(&0)) && length <= content.len();
    well_padded.then(|| SecretToken::new(content[..length].to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(length: usize) -> SecretToken {
        SecretToken::new(vec![b'a'; length]).expect("printable")
    }

    #[test]
    fn should_give_back_tokens_of_every_length() {
        for length in [1, 40, 244, MAX_SEALABLE_TOKEN_BYTES] {
            let bucket = pad(&token(length)).expect("fits");
            assert_eq!(bucket.len(), BUCKET_BYTES);
            let unpadded = unpad(&bucket).expect("a bucket").expect("a token");
            assert_eq!(unpadded.expose(), token(length).expose());
        }
        assert!(pad(&token(MAX_SEALABLE_TOKEN_BYTES + 1)).is_none());
    }

    #[test]
    fn should_refuse_what_is_no_bucket() {
        let bucket = pad(&token(40)).expect("fits");
        let mut dirty = bucket.to_vec();
        dirty[BUCKET_BYTES - 1] = 1;
        let mut long = bucket.to_vec();
        long[..2].copy_from_slice(&511_u16.to_be_bytes());
        for bytes in [&[][..], &[0], &bucket[..BUCKET_BYTES - 1], &dirty, &long] {
            assert!(unpad(bytes).is_none());
        }
    }

    #[test]
    fn should_refuse_a_bucket_whose_content_is_no_token() {
        assert_eq!(unpad(&[0; BUCKET_BYTES]).expect("a bucket").expect_err("empty"), TokenError::Empty);
    }
}
