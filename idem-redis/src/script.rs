//! The Lua scripts. Sent by their hash; a server that does not know one yet is sent the text, once.

use deadpool_redis::redis::{Cmd, ErrorKind, Script, ServerErrorKind, Value};
use idem_core::store::StoreError;

use crate::error;
use crate::link::Live;

/// The scripts, hashed once per store.
pub(crate) struct Scripts {
    pub(crate) claim: Lua,
    pub(crate) renew: Lua,
    pub(crate) complete: Lua,
    pub(crate) free: Lua,
    pub(crate) listen: Lua,
    pub(crate) enter: Lua,
    pub(crate) live: Lua,
    pub(crate) leave: Lua,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        Self {
            claim: Lua::new(include_str!("scripts/claim.lua")),
            renew: Lua::new(include_str!("scripts/renew.lua")),
            complete: Lua::new(include_str!("scripts/complete.lua")),
            free: Lua::new(include_str!("scripts/free.lua")),
            listen: Lua::new(include_str!("scripts/listen.lua")),
            enter: Lua::new(include_str!("scripts/enter.lua")),
            live: Lua::new(include_str!("scripts/live.lua")),
            leave: Lua::new(include_str!("scripts/leave.lua")),
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
        Self { text, hash: Script::new(text).get_hash().into() }
    }

    /// Runs the script on a key, with what `put` adds, which is about `size` bytes. A server that does not
    /// know the script, after a restart or a failover, learns it.
    pub(crate) async fn run(
        &self,
        live: &Live,
        key: &[u8],
        size: usize,
        put: impl Fn(&mut Cmd),
    ) -> Result<Value, StoreError> {
        let call = |named: &str, script: &str| {
            let mut call = Cmd::with_capacity(10, script.len() + key.len() + size + 16);
            call.arg(named).arg(script).arg(1).arg(key);
            put(&mut call);
            call
        };
        let mut answer = live.send(call("EVALSHA", &self.hash)).await;
        if let Err(error) = &answer
            && error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
        {
            answer = Box::pin(live.send(call("EVAL", self.text))).await;
        }
        answer.map_err(error::of_command)
    }
}
