//! The interface of artifact sources, the canisters that serve an order's bytes: what custody asks and understands.
//!
//! A source is whatever canister an order names, so its answers are outside bytes. The interface is written down in
//! `artifact-source.did`.

use candid::{DecoderConfig, Reserved};
use release_types::{CHUNK_BYTES, artifact::ArtifactChunk};

/// The one method that a source has.
pub const METHOD: &str = "artifact_chunk";

/// Most work on decoding an answer, in Candid's units: a byte of a chunk costs a few, and more than a chunk is of no
/// use.
const DECODING_QUOTA: usize = 8 * CHUNK_BYTES as usize;
/// Most work on skipping what an answer says beside the chunk.
const SKIPPING_QUOTA: usize = 10_000;

/// What a source answers. Why it refuses is of no interest, so that every source may say it its own way.
pub type Answer = Result<ArtifactChunk, Reserved>;

/// The chunk of an answer; none if the source says that it has no such chunk.
///
/// # Errors
/// If the answer is of another type, or takes too long to understand.
pub fn decode_answer(bytes: &[u8]) -> Result<Option<ArtifactChunk>, candid::Error> {
    let mut limits = DecoderConfig::new();
    limits.set_decoding_quota(DECODING_QUOTA).set_skipping_quota(SKIPPING_QUOTA);
    let answer: Answer = candid::utils::decode_one_with_config(bytes, &limits)?;
    Ok(answer.ok())
}

#[cfg(test)]
mod tests {
    use candid::{
        CandidType, Encode,
        types::{FuncMode, Function, TypeInner, internal::TypeContainer},
    };
    use candid_parser::utils::{CandidSource, service_compatible, service_equal};
    use release_types::artifact::{ArtifactChunkArgs, ArtifactChunkError};
    use serde::Serialize;

    use super::*;

    const WRITTEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/artifact-source.did");

    #[test]
    fn should_ask_exactly_what_the_candid_file_says() {
        let mut types = TypeContainer::new();
        let function = Function {
            modes: vec![FuncMode::Query],
            args: vec![types.add::<ArtifactChunkArgs>()],
            rets: vec![types.add::<Answer>()],
        };
        let service = TypeInner::Service(vec![(METHOD.into(), TypeInner::Func(function).into())]);
        let asked = candid::pretty::candid::compile(&types.env, &Some(service.into()));
        service_equal(CandidSource::Text(&asked), CandidSource::File(WRITTEN.as_ref()))
            .unwrap_or_else(|difference| panic!("{difference}\ncustody asks:\n{asked}"));
    }

    #[test]
    fn should_be_served_by_the_dao_canister() {
        let dao = concat!(env!("CARGO_MANIFEST_DIR"), "/../dao-canister/dao.did");
        service_compatible(CandidSource::File(dao.as_ref()), CandidSource::File(WRITTEN.as_ref()))
            .expect("the DAO canister is an artifact source");
    }

    #[test]
    fn should_understand_a_chunk_and_every_kind_of_refusal() {
        let chunk = ArtifactChunk { bytes: vec![7; CHUNK_BYTES as usize] };
        let served = Encode!(&Ok::<_, ArtifactChunkError>(chunk.clone())).expect("encodes");
        assert_eq!(decode_answer(&served).expect("a chunk"), Some(chunk));
        let refused = Encode!(&Err::<ArtifactChunk, _>(ArtifactChunkError::NotFound)).expect("encodes");
        assert_eq!(decode_answer(&refused).expect("a refusal"), None);
        let refused = Encode!(&Err::<ArtifactChunk, _>("no such thing")).expect("encodes");
        assert_eq!(decode_answer(&refused).expect("a refusal in words"), None);
    }

    #[test]
    fn should_not_understand_answers_of_other_types() {
        for other in [Encode!(), Encode!(&"Ok"), Encode!(&vec![7_u8; 10]), Encode!(&Ok::<u64, u64>(1))] {
            assert!(decode_answer(&other.expect("encodes")).is_err());
        }
        assert!(decode_answer(b"no candid").is_err());
    }

    #[test]
    fn should_give_up_when_an_answer_takes_too_long_to_understand() {
        #[derive(CandidType, Serialize)]
        struct Padded {
            #[serde(with = "serde_bytes")]
            bytes: Vec<u8>,
            padding: Vec<()>,
        }
        let padded = Padded { bytes: vec![7], padding: vec![(); 20_000] };
        let answer = Encode!(&Ok::<_, Reserved>(padded)).expect("encodes");
        assert!(answer.len() < 200, "small to send, long to read");
        assert!(decode_answer(&answer).is_err());
        let endless = Encode!(&Ok::<_, Reserved>(ArtifactChunk { bytes: vec![7; DECODING_QUOTA] }));
        assert!(decode_answer(&endless.expect("encodes")).is_err(), "more than a chunk");
    }
}
