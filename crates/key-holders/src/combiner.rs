//! One ECDH with a threshold key: the holders asked in one fan-out, their answers checked and combined.
//!
//! [`evaluate`] with proofs asks all holders and takes the first answers that hold: bad ones are named and not used.
//! Without proofs it asks just enough holders, which costs a quarter; a wrong answer then gives a wrong secret, which
//! shows when the envelope does not open: ask again with proofs to tell a bad holder from a bad envelope.

use candid::Principal;
use content_keys::{
    PublicKey,
    threshold::{
        BadPartial, CombineError, Combined, Group, HolderIndex, InvalidRequest, KeySet, Partial, Recipient,
        Request, VerifiedPartial, Verifier,
    },
};
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use serde_bytes::ByteBuf;

use crate::{
    Silence, Transport, ask, decode, encode,
    interface::{EvaluateArgs, KeyName},
};

/// A key and where its holders are.
#[derive(Clone, Debug)]
pub struct SharedKey<G: Group> {
    pub name: KeyName,
    /// The public side, of the present epoch.
    pub keys: KeySet<G>,
    /// In the order of the holders' indices.
    pub holders: Vec<Principal>,
}

/// Whether answers are proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proofs {
    Asked,
    /// For envelopes that authenticate what they hold only.
    Spared,
}

/// What a fan-out brought: one outcome for each request, in order.
pub struct Evaluated {
    pub outcomes: Vec<Combined>,
    pub faults: Vec<Fault>,
}

/// A holder that did not answer, or badly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub holder: HolderIndex,
    pub kind: FaultKind,
}

/// What was wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    #[error(transparent)]
    Silent(#[from] Silence),
    /// With [`BadPartial::Lie`], request and answer are the evidence.
    #[error(transparent)]
    Bad(#[from] BadPartial),
}

/// Why there is no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CombinerError {
    #[error(transparent)]
    Request(#[from] InvalidRequest),
    #[error("{found} holders answered well; {needed} are needed")]
    TooFew { found: usize, needed: usize, faults: Vec<Fault> },
    #[error(transparent)]
    Combine(#[from] CombineError),
}

impl<G: Group> SharedKey<G> {
    /// Requests of one recipient, told apart by `id` and their positions. `id` is used once.
    pub fn requests(&self, recipient: &Recipient, ephemerals: &[PublicKey], id: [u8; 32]) -> Vec<Request> {
        let request = |(position, ephemeral): (usize, &PublicKey)| {
            let mut id = id;
            id[31] ^= position as u8;
            Request { keys: self.keys.id(), recipient: recipient.clone(), ephemeral: *ephemeral, id }
        };
        ephemerals.iter().enumerate().map(request).collect()
    }

    fn principal(&self, holder: HolderIndex) -> Option<Principal> {
        self.holders.get(usize::from(holder.get()) - 1).copied()
    }
}

/// Has the holders carry out these requests: one call to each of them, all at once.
///
/// # Errors
/// [`CombinerError`]: too few answered well, who and why; a request on another curve.
pub async fn evaluate<G: Group>(
    transport: &impl Transport,
    key: &SharedKey<G>,
    requests: &[Request],
    proofs: Proofs,
) -> Result<Evaluated, CombinerError> {
    match proofs {
        Proofs::Asked => proved(transport, key, requests).await,
        Proofs::Spared => unproved(transport, key, requests).await,
    }
}

async fn proved<G: Group>(
    transport: &impl Transport,
    key: &SharedKey<G>,
    requests: &[Request],
) -> Result<Evaluated, CombinerError> {
    let verifiers: Vec<_> =
        requests.iter().map(|request| Verifier::new(&key.keys, request)).collect::<Result<_, _>>()?;
    let needed = key.keys.roster().threshold();
    let args = evaluation(key, requests, Proofs::Asked);
    let mut answers: FuturesUnordered<_> =
        key.keys.roster().holders().map(|holder| answer(transport, key, holder, &args)).collect();
    let (mut good, mut faults) = (Vec::<Vec<VerifiedPartial<G>>>::new(), Vec::new());
    while let Some((holder, answer)) = answers.next().await {
        let judged =
            answer.map_err(FaultKind::from).and_then(|partials| judge(holder, &verifiers, &partials));
        match judged {
            Ok(verified) => good.push(verified),
            Err(kind) => faults.push(Fault { holder, kind }),
        }
        if good.len() == needed {
            break;
        }
    }
    if good.len() < needed {
        return Err(CombinerError::TooFew { found: good.len(), needed, faults });
    }
    let mut columns: Vec<Vec<VerifiedPartial<G>>> = requests.iter().map(|_| Vec::new()).collect();
    for row in good {
        columns.iter_mut().zip(row).for_each(|(column, partial)| column.push(partial));
    }
    let outcomes = requests.iter().zip(&columns).map(|(request, column)| key.keys.combine(request, column));
    Ok(Evaluated { outcomes: outcomes.collect::<Result<_, _>>()?, faults })
}

fn judge<G: Group>(
    holder: HolderIndex,
    verifiers: &[Verifier<'_, G>],
    partials: &[Partial<G>],
) -> Result<Vec<VerifiedPartial<G>>, FaultKind> {
    // Whoever answers for another is taken at no word.
    if partials.iter().any(|partial| partial.holder != holder) {
        return Err(Silence::Unreadable.into());
    }
    let verified = verifiers.iter().zip(partials).map(|(verifier, partial)| verifier.verify(partial));
    Ok(verified.collect::<Result<_, _>>()?)
}

async fn unproved<G: Group>(
    transport: &impl Transport,
    key: &SharedKey<G>,
    requests: &[Request],
) -> Result<Evaluated, CombinerError> {
    let needed = key.keys.roster().threshold();
    let args = evaluation(key, requests, Proofs::Spared);
    let asked = key.keys.roster().holders().take(needed);
    let (mut good, mut faults) = (Vec::new(), Vec::new());
    for (holder, answer) in join_all(asked.map(|holder| answer(transport, key, holder, &args))).await {
        match answer {
            Ok(partials) => good.push(partials),
            Err(silence) => faults.push(Fault { holder, kind: silence.into() }),
        }
    }
    if good.len() < needed {
        return Err(CombinerError::TooFew { found: good.len(), needed, faults });
    }
    let outcomes = requests.iter().enumerate().map(|(position, request)| {
        let column: Vec<_> = good.iter().map(|row: &Vec<Partial<G>>| row[position]).collect();
        key.keys.combine_unproven(request, &column)
    });
    Ok(Evaluated { outcomes: outcomes.collect::<Result<_, _>>()?, faults })
}

fn evaluation<G: Group>(key: &SharedKey<G>, requests: &[Request], proofs: Proofs) -> EvaluateArgs {
    EvaluateArgs {
        key: key.name.clone(),
        requests: requests.iter().map(|request| ByteBuf::from(encode(request))).collect(),
        proofs: proofs == Proofs::Asked,
    }
}

/// One holder's answers, as many as were asked for.
async fn answer<G: Group>(
    transport: &impl Transport,
    key: &SharedKey<G>,
    holder: HolderIndex,
    args: &EvaluateArgs,
) -> (HolderIndex, Result<Vec<Partial<G>>, Silence>) {
    let Some(principal) = key.principal(holder) else {
        return (holder, Err(Silence::Unreachable));
    };
    let answers: Result<Vec<ByteBuf>, Silence> = ask(transport, principal, "evaluate", (args,)).await;
    let partials = answers.and_then(|answers| {
        let partials: Option<Vec<_>> = answers.iter().map(|answer| decode(answer)).collect();
        partials.filter(|partials| partials.len() == args.requests.len()).ok_or(Silence::Unreadable)
    });
    (holder, partials)
}
