//! The times of a state, and the fencing tokens, which are times too.

use idem_core::store::FencingToken;

use crate::model::{JUMP, Key, ModelState, OPERATED};
use crate::store::{NOW, forget_replaced, shift_token};

impl ModelState {
    /// Moves all times. The store's clock reads [`NOW`] in every state, so times move instead of the clock.
    pub(crate) fn shift_times(&mut self, shift: impl Fn(u64) -> u64) {
        for key in &mut self.keys {
            key.stored.shift_times(&shift);
            key.history.shift_times(&shift);
        }
        self.edit_tokens(|token, _| shift_token(token, &shift));
    }

    /// Makes states equal that differ only in the age of expired values.
    pub(crate) fn normalize_times(&mut self) {
        let can_go_back = self.faults > 0 && !self.went_back;
        let past = NOW - if can_go_back { JUMP } else { 0 };
        for (index, key) in self.keys.iter_mut().enumerate() {
            key.stored.purge(past);
            key.history.purge(past);
            if key.history.take_window_ended() {
                let processes = self.processes.iter_mut().filter(|process| process.key == index);
                processes.for_each(|process| process.phase.leave_window(key.token()));
            }
        }
        self.edit_tokens(|token, key| forget_replaced(token, key.token()));
        // One less than the earliest possible time, so that an old fencing token is never equal to a new one.
        self.shift_times(|time| time.max(past - 1));
    }

    /// Edits the tokens outside of the store, each together with its key.
    fn edit_tokens(&mut self, edit: impl Fn(&mut FencingToken, &Key)) {
        let edit_at = |token: Option<&mut FencingToken>, key: usize| {
            token.into_iter().for_each(|token| edit(token, &self.keys[key]));
        };
        for process in &mut self.processes {
            edit_at(process.phase.grant_mut().map(|grant| &mut grant.token), process.key);
        }
        edit_at(self.operator.token.as_mut(), OPERATED);
        let keys = |process| {
            self.processes.get(usize::from(process)).map_or(OPERATED, |process| process.key)
        };
        let edited = std::mem::take(&mut self.delayed).into_iter().map(|mut message| {
            edit_at(message.op.token_mut(), keys(message.process));
            message
        });
        self.delayed = edited.collect();
    }
}
