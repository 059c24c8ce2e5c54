//! The Lua scripts. A call sends the hash of a script, and the text only if the server does not have it.

use deadpool_redis::redis::{self, Cmd, Value};
use idem_core::store::StoreError;

use crate::conn::Connection;
use crate::error::CommandError;

/// Puts the common start of two scripts before one of them.
macro_rules! on_stored {
    ($file:literal) => {
        concat!("#!lua flags=allow-oom\n", include_str!("stored.lua"), include_str!($file))
    };
}

/// The scripts, hashed once per store.
pub(crate) struct Scripts {
    pub(crate) claim: Script,
    pub(crate) renew: Script,
    pub(crate) complete: Script,
    pub(crate) end_run: Script,
    pub(crate) free: Script,
    pub(crate) listen: Script,
    pub(crate) find: Script,
    pub(crate) resolve: Script,
    pub(crate) enter_quota: Script,
    pub(crate) is_live: Script,
    pub(crate) leave_quota: Script,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        Self {
            claim: Script::new(include_str!("claim.lua")),
            renew: Script::new(include_str!("renew.lua")),
            complete: Script::new(include_str!("complete.lua")),
            end_run: Script::new(on_stored!("end_run.lua")),
            free: Script::new(include_str!("free.lua")),
            listen: Script::new(include_str!("listen.lua")),
            find: Script::new(include_str!("find.lua")),
            resolve: Script::new(on_stored!("resolve.lua")),
            enter_quota: Script::new(include_str!("enter_quota.lua")),
            is_live: Script::new(include_str!("is_live.lua")),
            leave_quota: Script::new(include_str!("leave_quota.lua")),
        }
    }
}

/// A script that uses one key.
pub(crate) struct Script {
    text: &'static str,
    hash: Box<str>,
}

impl Script {
    fn new(text: &'static str) -> Self {
        Self { text, hash: redis::Script::new(text).get_hash().into() }
    }

    /// Runs the script on `key` with the arguments that `add_args` adds; `args_len` is their approximate
    /// length in bytes. After a restart or a failover, the server may not have the script. The text is
    /// sent then, and the server keeps it.
    pub(crate) async fn run(
        &self,
        connection: &Connection,
        key: &[u8],
        args_len: usize,
        add_args: impl Fn(&mut Cmd),
    ) -> Result<Value, StoreError> {
        let command = |name: &str, script: &str| {
            let mut command = Cmd::with_capacity(10, script.len() + key.len() + args_len + 16);
            command.arg(name).arg(script).arg(1).arg(key);
            add_args(&mut command);
            command
        };
        let mut reply = connection.send(command("EVALSHA", &self.hash)).await;
        if reply.as_ref().is_err_and(CommandError::is_missing_script) {
            reply = Box::pin(connection.send(command("EVAL", self.text))).await;
        }
        Ok(reply?)
    }
}
