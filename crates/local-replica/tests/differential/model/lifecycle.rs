//! What controllers do to a canister: installing, stopping, starting, uninstalling.

use crate::canister::{Kind, Line, module_of};
use crate::program::{Id, Management, Place, Program};

use super::code::{Code, Entry, Offer};
use super::{
    Answer, CANISTER_ERROR, CANISTER_REJECT, Install, Lines, Model, Origin, STOP_PATIENCE_NS, SYS_TRANSIENT,
    Status,
};

impl Model {
    pub(super) fn manage(&mut self, origin: Origin, what: Management, about: Place, units: u64) {
        let now_ns = self.time_ns;
        let status = &mut self.canisters[about].status;
        match (what, &mut *status) {
            (Management::Stop, Status::Running) => *status = Status::Stopping(vec![(origin, units, now_ns)]),
            (Management::Stop, Status::Stopping(origins)) => origins.push((origin, units, now_ns)),
            (Management::Start, Status::Stopping(origins)) => {
                let origins = std::mem::take(origins);
                *status = Status::Running;
                self.respond(origin, Ok(None), units);
                for (stop, units, _) in origins {
                    self.respond(stop, Err(CANISTER_ERROR), units);
                }
            }
            (Management::Start, _) => {
                *status = Status::Running;
                self.respond(origin, Ok(None), units);
            }
            (Management::Stop, Status::Stopped) => self.respond(origin, Ok(None), units),
            (Management::Uninstall, _) => {
                self.uninstall(about);
                self.respond(origin, Ok(None), units);
            }
        }
    }

    pub(super) fn uninstall(&mut self, place: Place) {
        self.canisters[place].code = None;
        self.canisters[place].timer_ns = None;
        self.canisters[place].certified = 0;
        let mut left = Vec::new();
        for context in self.contexts.values_mut().filter(|context| context.place == place) {
            context.deleted = true;
            let available = std::mem::take(&mut context.available);
            if std::mem::take(&mut context.needs_to_respond) {
                left.push((context.origin, available));
            }
        }
        for (origin, available) in left {
            self.respond(origin, Err(CANISTER_REJECT), available);
        }
    }

    /// Installs, reinstalls or upgrades; on any trap all stays as it was.
    pub(super) fn install(
        &mut self,
        mode: Install,
        place: Place,
        id: Id,
        program: &Program,
    ) -> (Lines, Answer) {
        let canister = &mut self.canisters[place];
        let status = match canister.status {
            Status::Running => 1,
            Status::Stopping(_) => 2,
            Status::Stopped => 3,
        };
        let offer = Offer::of_controller(status, self.time_ns);
        let mut lines = Lines::new();
        let mut code = match (mode, &canister.code) {
            (Install::Install, Some(_)) | (Install::Upgrade, None) => return (lines, Err(CANISTER_ERROR)),
            (Install::Install | Install::Reinstall, _) => Code::new(module_of(id), 0),
            (Install::Upgrade, Some(code)) => {
                let (saw, stable) = code.pre_upgrade(&offer);
                lines.push((place, Line::Saw(saw)));
                let Some(stable) = stable else {
                    lines.push((place, Line::Trapped));
                    return (lines, Err(CANISTER_ERROR));
                };
                Code::new(module_of(id), stable)
            }
        };
        let kind = if mode == Install::Upgrade { Kind::PostUpgrade } else { Kind::Init };
        let (saw, effects) = code.run(&Entry::new(kind, id), &offer, program);
        lines.push((place, Line::Saw(saw)));
        let Some(effects) = effects else {
            lines.push((place, Line::Trapped));
            return (lines, Err(CANISTER_ERROR));
        };
        canister.code = Some(code);
        canister.timer_ns = effects.timer_ns;
        let kept = if mode == Install::Upgrade { canister.certified } else { 0 };
        canister.certified = effects.certified.unwrap_or(kept);
        (lines, Ok(None))
    }

    /// Gives up `stop_canister` calls that have waited long; the canister goes on stopping.
    pub(super) fn give_up_stopping(&mut self, place: Place) {
        let Status::Stopping(stops) = &mut self.canisters[place].status else {
            return;
        };
        let time_ns = self.time_ns;
        let overdue = stops.extract_if(.., |(.., asked_ns)| time_ns - *asked_ns >= STOP_PATIENCE_NS);
        for (origin, units, _) in overdue.collect::<Vec<_>>() {
            self.respond(origin, Err(SYS_TRANSIENT), units);
        }
    }
}
