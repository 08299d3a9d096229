//! Decoding Candid that users and canisters wrote.

use candid::DecoderConfig;
use candid::utils::{ArgumentDecoder, decode_args_with_config};

/// Work that any message may cause, in the decoder's units, about one a byte of a value.
const BASE_QUOTA: usize = 1_000_000;

/// Further work for each byte of a message. Skipping a blob counts 50 for a byte, the most of
/// what is needed.
const QUOTA_PER_BYTE: usize = 64;

/// How many times more the decoder counts what it skips.
const SKIPPING_PENALTY: usize = 50;

/// Decodes arguments with work in proportion to their length: a few bytes can announce 2^60 values
/// that take no space, and reading them one by one would never end.
///
/// # Errors
/// When they are not of the wanted types, or need more work than that.
pub(crate) fn decode_args<'a, Args: ArgumentDecoder<'a>>(bytes: &'a [u8]) -> candid::Result<Args> {
    let quota = BASE_QUOTA.saturating_add(bytes.len().saturating_mul(QUOTA_PER_BYTE));
    let mut config = DecoderConfig::new();
    config.set_decoding_quota(quota).set_skipping_quota(quota / SKIPPING_PENALTY);
    decode_args_with_config(bytes, &config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candid::{CandidType, Deserialize, Encode};

    #[derive(CandidType, Deserialize)]
    struct Wanted {
        id: u64,
    }

    #[derive(CandidType)]
    struct WithBlob<'a> {
        id: u64,
        code: &'a serde_bytes::Bytes,
    }

    #[test]
    fn should_refuse_a_few_bytes_that_announce_endless_values() {
        // record { 1 : vec null }, with 2^50 - 1 elements
        let endless = b"DIDL\x02\x6c\x01\x01\x01\x6d\x7f\x01\x00\xff\xff\xff\xff\xff\xff\xff\x01";
        #[derive(CandidType, Deserialize)]
        struct Nothing {}
        assert!(decode_args::<(Nothing,)>(endless).is_err());
        #[derive(CandidType, Deserialize)]
        struct Taken {
            #[serde(rename = "1")]
            _values: Option<Vec<()>>,
        }
        assert!(decode_args::<(Taken,)>(endless).is_err());
        assert!(decode_args::<()>(endless).is_err());
    }

    #[test]
    fn should_skip_and_decode_arguments_of_three_mebibytes() {
        let code = vec![7; 3 * 1024 * 1024];
        let arg = Encode!(&WithBlob { id: 5, code: serde_bytes::Bytes::new(&code) }).expect("encodes");
        let (wanted,): (Wanted,) = decode_args(&arg).expect("skips the code");
        assert_eq!(wanted.id, 5);
        let arg = Encode!(&code).expect("encodes");
        let (decoded,): (Vec<u8>,) = decode_args(&arg).expect("decodes byte by byte");
        assert_eq!(decoded.len(), code.len());
    }
}
