//! Creating, configuring, stopping, starting, deleting and funding canisters.

use candid::{Nat, Principal};
use ic_management_canister_types::{
    CanisterIdRecord, CanisterSettings, ChangeDetails, ControllersChangeRecord, CreateCanisterArgs,
    CreationRecord, EnvironmentVariable, ProvisionalCreateCanisterWithCyclesArgs,
    ProvisionalTopUpCanisterArgs, UpdateSettingsArgs,
};
use sha2::{Digest, Sha256};

use super::Handled;
use super::access::only_canisters;
use super::payload::{decode, empty_reply, invalid, reply};
use crate::canister::{Canister, Originator, Settings, Status, StopRequest};
use crate::message::{CallResult, Reject, RejectCode};
use crate::replica::{Replica, canister_id, is_canister_id};
use crate::scheduler::{Request, not_found};

impl Replica {
    /// Creates a canister that holds `cycles`, with a fresh id unless one is given. Without
    /// controllers in the settings, `creator` controls it.
    pub(crate) fn create_with_settings(
        &mut self,
        creator: Originator,
        settings: CanisterSettings,
        cycles: u128,
        specified_id: Option<Principal>,
    ) -> Result<Principal, Reject> {
        let environment_variables_hash =
            settings.environment_variables.as_deref().map(hash_of_environment_variables);
        let settings = Settings::new(vec![creator.principal()]).updated(settings)?;
        let id = match specified_id {
            Some(id) if self.canisters.contains_key(&id) => {
                return Err(Reject::with_error_code(
                    RejectCode::SysTransient,
                    "IC0205",
                    format!("Unsuccessful canister creation: canister id {id} already exists."),
                ));
            }
            Some(id) if !is_canister_id(id) || !self.subnet.topology.is_own(id) => {
                return Err(Reject::with_error_code(
                    RejectCode::CanisterReject,
                    "IC0405",
                    format!("Unsuccessful validation of specified ID: {id} is not hosted by this subnet."),
                ));
            }
            Some(id) => id,
            None => self.fresh_canister_id(),
        };
        let time_ns = self.time_ns();
        let details = ChangeDetails::Creation(CreationRecord {
            controllers: settings.controllers.clone(),
            environment_variables_hash,
        });
        let mut canister = Canister::new(id, settings, cycles, time_ns);
        self.check_allocations(&canister, &Settings::new(Vec::new()))?;
        canister.history.record(time_ns, 0, creator, details);
        self.canisters.insert(id, canister);
        Ok(id)
    }

    fn fresh_canister_id(&mut self) -> Principal {
        loop {
            let id = canister_id(self.next_canister);
            self.next_canister += 1;
            if !self.canisters.contains_key(&id) {
                return id;
            }
        }
    }

    pub(super) fn create_canister_call(&mut self, request: &Request) -> Handled {
        let fee = self.subnet.prices.create_canister();
        let created = only_canisters(request).and_then(|()| {
            let (args,): (CreateCanisterArgs,) = decode(&request.arg)?;
            if request.cycles < fee {
                return Err(Reject::with_error_code(
                    RejectCode::CanisterReject,
                    "IC0403",
                    format!(
                        "Creating a canister requires a fee of {fee} that is deducted from the canister's \
                         initial balance but only {} cycles were received with the create_canister request.",
                        request.cycles
                    ),
                ));
            }
            let settings = args.settings.unwrap_or_default();
            let creator = self.originator(request.caller, args.sender_canister_version);
            self.create_with_settings(creator, settings, request.cycles - fee, None)
        });
        let result = created.and_then(|canister_id| reply(CanisterIdRecord { canister_id }));
        Handled::paid(request, request.cycles, result)
    }

    pub(super) fn provisional_create_canister(&mut self, request: &Request) -> CallResult {
        let (args,): (ProvisionalCreateCanisterWithCyclesArgs,) = decode(&request.arg)?;
        let cycles = args.amount.map_or(Ok(self.initial_cycles), |amount| to_cycles("amount", &amount))?;
        let canister_id = self.create_with_settings(
            self.originator(request.caller, args.sender_canister_version),
            args.settings.unwrap_or_default(),
            cycles,
            args.specified_id,
        )?;
        reply(CanisterIdRecord { canister_id })
    }

    pub(super) fn provisional_top_up(&mut self, request: &Request) -> CallResult {
        let (args,): (ProvisionalTopUpCanisterArgs,) = decode(&request.arg)?;
        let amount = to_cycles("amount", &args.amount)?;
        let id = args.canister_id;
        let canister = self.canisters.get_mut(&id).ok_or_else(|| not_found(id))?;
        canister.add_cycles(amount);
        empty_reply()
    }

    pub(super) fn deposit_cycles_call(&mut self, request: &Request) -> Handled {
        let result = decode(&request.arg).and_then(|(args,): (CanisterIdRecord,)| {
            let id = args.canister_id;
            let canister = self.canisters.get_mut(&id).ok_or_else(|| not_found(id))?;
            canister.add_cycles(request.cycles);
            empty_reply()
        });
        Handled::paid(request, request.cycles, result)
    }

    pub(super) fn update_settings(&mut self, request: &Request) -> CallResult {
        let (args,): (UpdateSettingsArgs,) = decode(&request.arg)?;
        let (time_ns, id) = (self.time_ns(), args.canister_id);
        self.controlled(request.caller, id, &request.method)?;
        let changes_controllers = args.settings.controllers.is_some();
        let by = self.originator(request.caller, args.sender_canister_version);
        let canister = self.canister_mut(id);
        let changed = canister.settings.updated(args.settings)?;
        let before = std::mem::replace(&mut canister.settings, changed);
        if let Err(reject) = self.check_allocations(&self.canisters[&id], &before) {
            self.canister_mut(id).settings = before;
            return Err(reject);
        }
        let canister = self.canister_mut(id);
        canister.version += 1;
        canister.log.shrink_to(canister.settings.log_memory_limit_bytes as usize);
        if changes_controllers {
            let controllers = canister.settings.controllers.clone();
            let details = ChangeDetails::ControllersChange(ControllersChangeRecord { controllers });
            canister.history.record(time_ns, canister.version, by, details);
        }
        empty_reply()
    }

    pub(super) fn start_canister(&mut self, request: &Request) -> CallResult {
        let (args,): (CanisterIdRecord,) = decode(&request.arg)?;
        let id = args.canister_id;
        let canister = self.controlled_mut(request, id)?;
        let before = std::mem::replace(&mut canister.status, Status::Running);
        canister.version += 1;
        if let Status::Stopping { stop_requests } = before {
            for stop in stop_requests {
                let cancelled = Reject::with_error_code(
                    RejectCode::CanisterError,
                    "IC0511",
                    format!("Canister {id}'s stop request was cancelled"),
                );
                self.respond(stop.origin, Err(cancelled), stop.cycles);
            }
        }
        empty_reply()
    }

    /// Answered when the last open call of the canister is.
    pub(super) fn stop_canister(&mut self, request: &Request) -> Handled {
        let id = match decode::<(CanisterIdRecord,)>(&request.arg) {
            Ok((args,)) => args.canister_id,
            Err(reject) => return Handled::free(request, Err(reject)),
        };
        let time_ns = self.time_ns();
        let canister = match self.controlled_mut(request, id) {
            Ok(canister) => canister,
            Err(reject) => return Handled::free(request, Err(reject)),
        };
        let stop = StopRequest { origin: request.origin, cycles: request.cycles, time_ns };
        canister.version += 1;
        match &mut canister.status {
            Status::Stopped => return Handled::free(request, empty_reply()),
            Status::Stopping { stop_requests } => stop_requests.push(stop),
            Status::Running => canister.status = Status::Stopping { stop_requests: vec![stop] },
        }
        self.finish_stopping(id);
        Handled::Later
    }

    pub(super) fn delete_canister(&mut self, request: &Request) -> CallResult {
        let (args,): (CanisterIdRecord,) = decode(&request.arg)?;
        let id = args.canister_id;
        let canister = self.controlled_mut(request, id)?;
        if request.caller == id {
            return Err(Reject::with_error_code(
                RejectCode::CanisterError,
                "IC0512",
                format!("Canister {id} cannot delete itself."),
            ));
        }
        if canister.status != Status::Stopped {
            return Err(Reject::with_error_code(
                RejectCode::CanisterError,
                "IC0510",
                format!("Canister {id} must be stopped before it is deleted."),
            ));
        }
        self.canisters.remove(&id);
        empty_reply()
    }
}

fn to_cycles(field: &str, amount: &Nat) -> Result<u128, Reject> {
    u128::try_from(&amount.0).map_err(|_| invalid(format!("{field} is {amount}; allowed are 0 to 2^128 - 1")))
}

/// The hash of the variables as a map, by which histories name them.
fn hash_of_environment_variables(variables: &[EnvironmentVariable]) -> Vec<u8> {
    let mut hashes: Vec<[u8; 64]> = variables
        .iter()
        .map(|variable| {
            let mut pair = [0; 64];
            pair[..32].copy_from_slice(&Sha256::digest(&variable.name));
            pair[32..].copy_from_slice(&Sha256::digest(&variable.value));
            pair
        })
        .collect();
    hashes.sort_unstable();
    Sha256::digest(hashes.concat()).to_vec()
}
