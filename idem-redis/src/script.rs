//! The Lua scripts. Sent by their hash; a server that does not know one yet is sent the text, once.

use deadpool_redis::redis::{Arg, Cmd, ErrorKind, Script, ServerErrorKind, Value};
use idem_core::StoreError;

use crate::error;
use crate::link::Live;

/// The scripts, hashed once per store.
pub(crate) struct Scripts {
    pub(crate) claim: Lua,
    pub(crate) renew: Lua,
    pub(crate) complete: Lua,
    pub(crate) free: Lua,
    pub(crate) listen: Lua,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        Self {
            claim: Lua::new(include_str!("scripts/claim.lua")),
            renew: Lua::new(include_str!("scripts/renew.lua")),
            complete: Lua::new(include_str!("scripts/complete.lua")),
            free: Lua::new(include_str!("scripts/free.lua")),
            listen: Lua::new(include_str!("scripts/listen.lua")),
        }
    }
}

/// A script on one key.
pub(crate) struct Lua {
    text: &'static str,
    hash: Box<str>,
}

impl Lua {
    fn new(text: &'static str) -> Self {
        #[cfg(idem_planted)]
        let text = crate::planted::edited(text);
        Self { text, hash: Script::new(text).get_hash().into() }
    }

    /// The call, to which its arguments are to be added. `size` is about how many bytes they have.
    pub(crate) fn call(&self, key: &[u8], size: usize) -> Cmd {
        let mut call = Cmd::with_capacity(10, self.hash.len() + key.len() + size + 16);
        call.arg("EVALSHA").arg(&*self.hash).arg(1).arg(key);
        call
    }

    /// Sends a call. A server that does not know the script, after a restart or a failover, learns it.
    pub(crate) async fn run(&self, live: &Live, call: &Cmd) -> Result<Value, StoreError> {
        let mut answer = live.send(call).await;
        if let Err(error) = &answer
            && error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
        {
            answer = Box::pin(live.send(&self.with_text(call))).await;
        }
        answer.map_err(error::of_command)
    }

    /// The same call with the script's text in place of its hash, which the server then remembers.
    fn with_text(&self, call: &Cmd) -> Cmd {
        let mut with_text = Cmd::new();
        with_text.arg("EVAL").arg(self.text);
        for arg in call.args_iter().skip(2) {
            if let Arg::Simple(arg) = arg {
                with_text.arg(arg);
            }
        }
        with_text
    }
}
