//! A server that refuses the subscription.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use idem_core::store::IdempotencyStore;
use idem_testkit::servers::{RedisServer, eventually, soon};

use crate::support::{store, won};

/// Collects the log of a test with one thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn count(&self, message: &str) -> usize {
        String::from_utf8_lossy(&self.0.lock().unwrap()).matches(message).count()
    }
}

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The number of `SUBSCRIBE` commands that the server has refused.
fn refused(server: &RedisServer) -> u32 {
    let stats = server.cli(&["info", "commandstats"]);
    let of_subscribe = stats.lines().find(|line| line.starts_with("cmdstat_subscribe:"));
    let number = |line: &str| line.split_once("rejected_calls=")?.1.split(',').next()?.parse().ok();
    of_subscribe.map_or(0, |line| number(line).unwrap())
}

/// Waits until the server has refused two more commands: the first of them has been logged when the second arrives.
async fn until_refused_twice(server: &RedisServer) {
    let before = refused(server);
    let refused_twice = async || (refused(server) >= before + 2).then_some(());
    eventually("second refused `SUBSCRIBE` command", refused_twice).await;
}

#[tokio::test]
async fn refused_subscription_is_logged_once_per_cause() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let warnings = || log.count("cannot subscribe to Redis");

    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let id = won(&store).await.id;
    server.cli(&["acl", "setuser", "default", "-subscribe"]);
    let changed = store.changed(id);
    until_refused_twice(&server).await;
    until_refused_twice(&server).await;
    assert_eq!(warnings(), 1, "one cause");
    server.cli(&["acl", "setuser", "default", "+subscribe", "resetchannels"]);
    until_refused_twice(&server).await;
    assert_eq!(warnings(), 2, "another cause");
    server.cli(&["acl", "setuser", "default", "allchannels"]);
    soon("end of the wait for a change", changed).await;
    assert_eq!(warnings(), 2);
}
