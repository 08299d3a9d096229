//! The one function that turns a fact into a change, live and in replay.

use std::collections::BTreeMap;

use release_types::{
    ProposalAction, ProposalId, ProposalStatus, credential::CredentialStatus, voting::Dispute,
};

use crate::{
    electorate::Electorate,
    state::{
        Cast, Credential, Event, LiveProposal, LiveRelease, LiveUpgrade, MemberFact, Membership, Proposal,
        State, Upload, UploadKey, audit::Recorded,
    },
    voting::Outcome,
};

impl State {
    /// # Panics
    /// If the fact cannot follow from this state: a defect of whoever recorded it.
    pub(super) fn apply(&mut self, recorded: Recorded, event: &Event) {
        let Recorded { block, time_ns } = recorded;
        match event {
            Event::Installed { members, proposers, policies, custody, upgrader } => {
                assert!(self.electorates.is_empty(), "BUG: installed twice");
                self.electorates.push(Electorate::new(members.iter()));
                self.membership = Membership::new(members, proposers);
                self.policies = Some(policies.clone());
                self.custody = *custody;
                self.upgrader = *upgrader;
            }
            Event::UploadBegun { upload, uploader, sha256, size_bytes } => self.artifacts.begin(
                UploadKey { uploader: *uploader, sha256: *sha256 },
                Upload { stored_as: *upload, size_bytes: *size_bytes, begun_at_ns: time_ns },
            ),
            Event::ArtifactStored { uploader, sha256, .. } => {
                self.artifacts.store(&UploadKey { uploader: *uploader, sha256: *sha256 }, time_ns);
            }
            Event::UploadsDropped { uploads } => {
                uploads.iter().for_each(|key| self.artifacts.drop_upload(key));
            }
            Event::ArtifactsDropped { artifacts } => {
                artifacts.iter().for_each(|sha256| self.artifacts.drop_stored(sha256));
            }
            Event::ProposalSubmitted {
                proposal,
                proposer,
                proposing_member,
                action,
                electorate,
                deadline_ns,
                release,
                ..
            } => {
                assert_eq!(*proposal, self.next_proposal(), "BUG: proposals are numbered out of order");
                let release = match (release, action) {
                    (Some(facts), ProposalAction::Release(release)) => {
                        let taken = self.releases.insert(facts.key.clone(), *proposal);
                        assert!(taken.is_none(), "BUG: a release has two live proposals");
                        let artifacts = release.artifacts.iter().map(|artifact| artifact.sha256).collect();
                        Some(LiveRelease { key: facts.key.clone(), artifacts })
                    }
                    _ => None,
                };
                for sha256 in release.iter().flat_map(|release| &release.artifacts) {
                    self.artifacts.name(sha256);
                }
                let upgrade = match action {
                    ProposalAction::Upgrade(upgrade) => {
                        self.artifacts.name(&upgrade.module_sha256);
                        Some(LiveUpgrade { module: upgrade.module_sha256, canister: upgrade.canister })
                    }
                    _ => None,
                };
                let live = LiveProposal {
                    rule: self.policies().rule(action),
                    ballots: BTreeMap::new(),
                    disputes: BTreeMap::new(),
                    release,
                    order: None,
                    amendment: None,
                    upgrade,
                    is_topped_up: false,
                };
                let left_out = proposing_member.filter(|_| !live.rule.proposer_votes);
                self.live.insert(*proposal, live);
                let proposal = Proposal {
                    proposer: *proposer,
                    proposing_member: *proposing_member,
                    submission: block,
                    electorate: *electorate,
                    status: ProposalStatus::Open,
                    count: self.electorates[electorate.0 as usize].empty_count(left_out),
                    submitted_at_ns: time_ns,
                    deadline_ns: *deadline_ns,
                    decided_at_ns: None,
                    executable_at_ns: None,
                    last_ballot: None,
                    last_report: None,
                };
                *self.open_by_author.entry(proposal.author()).or_default() += 1;
                self.proposals.push(proposal);
            }
            Event::BallotCast { proposal, member, key, choice, voting_power, checked, previous } => {
                let cast = Cast { choice: *choice, voting_power: *voting_power, key: *key };
                let live = self.expect_live_mut(*proposal);
                let earlier = live.ballots.insert(*member, cast);
                if *checked {
                    live.disputes.remove(member);
                }
                let proposal = self.expect_in(*proposal, &[ProposalStatus::Open]);
                assert_eq!(*previous, proposal.last_ballot, "BUG: a ballot names the wrong predecessor");
                if let Some(earlier) = earlier {
                    proposal.count = proposal.count.without(earlier.choice, earlier.voting_power);
                }
                proposal.count = proposal.count.with(*choice, *voting_power);
                proposal.last_ballot = Some(block);
            }
            Event::BallotVoided { proposal, member, previous } => {
                let void = self.expect_live_mut(*proposal).ballots.remove(member);
                let void = void.unwrap_or_else(|| panic!("BUG: a ballot is voided that was not cast"));
                let proposal = self.expect_in(*proposal, &[ProposalStatus::Open]);
                assert_eq!(*previous, proposal.last_ballot, "BUG: a ballot names the wrong predecessor");
                proposal.count = proposal.count.without(void.choice, void.voting_power);
                proposal.last_ballot = Some(block);
            }
            Event::DigestsDisputed { proposal, member, key, digests } => {
                let (digests, raised_at_ns) = (digests.clone(), time_ns);
                let dispute = Dispute { member: *member, key: *key, digests, raised_at_ns };
                self.expect_live_mut(*proposal).disputes.insert(*member, dispute);
            }
            Event::DeadlineMoved { proposal, deadline_ns } => {
                self.expect_in(*proposal, &[ProposalStatus::Open]).deadline_ns = *deadline_ns;
            }
            Event::ProposalDecided { proposal, outcome } => {
                self.close_voting(*proposal);
                let timelock_ns = self.expect_live_mut(*proposal).rule.timelock_ns;
                let decided = self.expect_in(*proposal, &[ProposalStatus::Open]);
                decided.decided_at_ns = Some(time_ns);
                match outcome {
                    Outcome::Adopted => {
                        decided.status = ProposalStatus::Approved;
                        decided.executable_at_ns = Some(time_ns.saturating_add(timelock_ns));
                    }
                    Outcome::Rejected => self.finish(*proposal, ProposalStatus::Rejected, time_ns),
                }
            }
            Event::ProposalVetoed { proposal, member, reason } => {
                let vetoed = ProposalStatus::Vetoed { member: *member, reason: reason.clone() };
                self.stop(*proposal, vetoed, time_ns);
            }
            Event::ProposalExpired { proposal } => {
                self.expect_in(*proposal, &[ProposalStatus::Approved]);
                self.finish(*proposal, ProposalStatus::Expired, time_ns);
            }
            Event::ProposalWithdrawn { proposal } => {
                self.stop(*proposal, ProposalStatus::Withdrawn, time_ns);
            }
            Event::ExecutionStarted { proposal } => {
                self.expect_in(*proposal, &[ProposalStatus::Approved]).status = ProposalStatus::Executing;
            }
            Event::OrderReported { proposal, status } => {
                self.expect_in(*proposal, &[ProposalStatus::Executing]).last_report = Some(block);
                self.expect_live_mut(*proposal).order = Some(status.clone());
            }
            Event::AmendmentReported { proposal, status } => {
                self.expect_in(*proposal, &[ProposalStatus::Executing]).last_report = Some(block);
                self.expect_live_mut(*proposal).amendment = Some(status.clone());
            }
            Event::PromotionDelaySet { registry, delay_ns, .. } => {
                self.promotion_delays_ns.insert(registry.clone(), *delay_ns);
            }
            Event::RegistryEstablished { id, registry, .. } => {
                self.registries.insert(id.clone(), registry.clone());
            }
            Event::CredentialDeposited { depositor, credential, policy, .. } => {
                let (policy, status) = (policy.clone(), CredentialStatus::Deposited);
                let deposited = Credential { depositor: *depositor, policy, status };
                self.credentials.insert(*credential, deposited);
            }
            Event::CredentialChanged { credential, status, .. } => {
                self.credentials
                    .get_mut(credential)
                    .unwrap_or_else(|| panic!("BUG: an unknown credential changed"))
                    .status = status.clone();
            }
            Event::Freeze(fact) => self.freezes.apply(time_ns, fact),
            Event::SentCycles { proposal } => {
                self.expect_in(*proposal, &[ProposalStatus::Executing]);
                let live = self.expect_live_mut(*proposal);
                assert!(!live.is_topped_up, "BUG: cycles were sent twice");
                live.is_topped_up = true;
            }
            Event::TakenBack { upgrade, .. } => self.taken_back = Some((upgrade.clone(), time_ns)),
            Event::Member(fact) => {
                let policies = self.policies().clone();
                self.membership.apply(time_ns, fact, &policies);
                if let MemberFact::Changed { .. } = fact {
                    self.electorates.push(Electorate::new(self.membership.members()));
                }
            }
            Event::PoliciesChanged { policies } => {
                let next = self.policies().version + 1;
                assert_eq!(policies.version, next, "BUG: rules follow out of order");
                self.policies = Some(policies.clone());
            }
            Event::ProposalExecuted { proposal } => {
                self.expect_in(*proposal, &[ProposalStatus::Executing]);
                if let Some(release) = &self.expect_live(*proposal).release {
                    let key = release.key.clone();
                    self.verified.insert(key, time_ns);
                }
                self.finish(*proposal, ProposalStatus::Executed, time_ns);
            }
            Event::ProposalFailed { proposal, reason } => {
                self.expect_in(*proposal, &[ProposalStatus::Executing]);
                let failed = ProposalStatus::Failed { reason: reason.clone() };
                self.finish(*proposal, failed, time_ns);
            }
        }
    }

    fn expect_live_mut(&mut self, id: ProposalId) -> &mut LiveProposal {
        self.live.get_mut(&id).unwrap_or_else(|| panic!("BUG: proposal {id} is not live"))
    }

    fn expect_in(&mut self, id: ProposalId, allowed: &[ProposalStatus]) -> &mut Proposal {
        let proposal = usize::try_from(id.0)
            .ok()
            .and_then(|number| self.proposals.get_mut(number.checked_sub(1)?))
            .unwrap_or_else(|| panic!("BUG: proposal {id} does not exist"));
        assert!(
            allowed.contains(&proposal.status),
            "BUG: proposal {id} is {:?}, expected one of {allowed:?}",
            proposal.status
        );
        proposal
    }

    fn close_voting(&mut self, id: ProposalId) {
        let author = self.expect_in(id, &[ProposalStatus::Open]).author();
        let open = self
            .open_by_author
            .get_mut(&author)
            .unwrap_or_else(|| panic!("BUG: proposal {id} is open and not counted"));
        *open -= 1;
        if *open == 0 {
            self.open_by_author.remove(&author);
        }
    }

    /// Ends a proposal whose execution has not begun.
    fn stop(&mut self, id: ProposalId, status: ProposalStatus, time_ns: u64) {
        let stopped = self.expect_in(id, &[ProposalStatus::Open, ProposalStatus::Approved]);
        if stopped.status == ProposalStatus::Open {
            self.close_voting(id);
        }
        self.finish(id, status, time_ns);
    }

    /// Ends a live proposal: what it named is free again.
    fn finish(&mut self, id: ProposalId, status: ProposalStatus, time_ns: u64) {
        let live = self.live.remove(&id).unwrap_or_else(|| panic!("BUG: proposal {id} is not live"));
        if let Some(release) = live.release {
            self.releases.remove(&release.key);
            release.artifacts.iter().for_each(|sha256| self.artifacts.release(sha256, time_ns));
        }
        if let Some(upgrade) = live.upgrade {
            self.artifacts.release(&upgrade.module, time_ns);
        }
        self.proposals[id.0 as usize - 1].status = status;
    }
}
