//! A process that is killed at each point of the transaction. The process is this test program, started with
//! the test `child` only.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{self, Command, Stdio};
use std::thread;

use idem_postgres::Tx;
use idem_testkit::servers::{Proxy, soon};
use tokio::sync::oneshot;

use crate::support::{
    CLAIMS, NO_WAIT, assert_executed, assert_replayed, call, counts, expected, server, service,
    write_and_return, write_effect,
};

/// The variable with the point at which the child prints a line and stops.
const POINT: &str = "IDEM_TEST_POINT";
const URL: &str = "IDEM_TEST_URL";

const BEFORE_THE_CLAIM: &str = "before the claim";
const BEFORE_THE_WRITE: &str = "before the write";
const BEFORE_THE_RESPONSE: &str = "before the response";
const BEFORE_THE_COMMIT: &str = "before the commit";
const BEFORE_THE_REPLY: &str = "before the reply";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_crash_in_transaction_at_each_point() {
    for (point, left) in [
        (BEFORE_THE_CLAIM, false),
        (BEFORE_THE_WRITE, false),
        (BEFORE_THE_RESPONSE, false),
        (BEFORE_THE_COMMIT, false),
        (BEFORE_THE_REPLY, true),
    ] {
        let server = server(&[]);
        let service = service(&server.url()).await;
        let proxy = Proxy::before(server.port()).await;
        let mut child = start(point, &proxy);
        await_point(&mut child, point).await;
        if point == BEFORE_THE_COMMIT {
            proxy.hold("COMMIT");
            let mut stdin = child.0.stdin.take().unwrap();
            stdin.write_all(b"go\n").unwrap();
            proxy.triggered().await;
        }
        drop(child);
        // The proxy closes the connection, as the kernel would for a killed process.
        proxy.cut();
        server.until(CLAIMS, |claims| claims == "0");
        let after_crash = if left { expected("1", "1 of 1") } else { expected("0", "0 of 0") };
        assert_eq!(counts(&server), after_crash, "{point}");
        let retry = call(&service, &NO_WAIT, "k", |tx| write_and_return(tx, 201)).await;
        match left {
            true => assert_replayed(&retry, 201),
            false => assert_executed(&retry, 201),
        }
        assert_eq!(counts(&server), expected("1", "1 of 1"), "{point}");
    }
}

/// A process that is killed when dropped, also if the test fails.
struct Child(process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn start(point: &str, proxy: &Proxy) -> Child {
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--nocapture"])
        .env(POINT, point)
        .env(URL, format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    Child(child.unwrap())
}

async fn await_point(child: &mut Child, point: &'static str) {
    let stdout = child.0.stdout.take().unwrap();
    let (sender, reached) = oneshot::channel();
    // The thread ends with the child. A blocking task would keep the runtime of a failed test.
    thread::spawn(move || {
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        // The test has failed if nothing receives it.
        sender.send(lines.any(|line| line.contains(point))).ok();
    });
    let reached = soon(&format!("child that is {point}"), reached).await.unwrap();
    assert!(reached, "the child ended before {point}");
}

/// The killed process. Without a point this test does nothing.
#[tokio::test]
async fn child() {
    let Ok(point) = env::var(POINT) else { return };
    let service = service(&env::var(URL).unwrap()).await;
    if point == BEFORE_THE_COMMIT {
        // The connection has made its commits. The parent then sends a line when the proxy holds the next one, which is
        // that of the run.
        println!("{point}");
        std::io::stdin().read_line(&mut String::new()).unwrap();
    }
    stop_at(&point, BEFORE_THE_CLAIM);
    let handler = {
        let point = point.clone();
        |mut tx: Tx| async move {
            stop_at(&point, BEFORE_THE_WRITE);
            write_effect(&mut tx).await.unwrap();
            stop_at(&point, BEFORE_THE_RESPONSE);
            201
        }
    };
    assert_executed(&call(&service, &NO_WAIT, "k", handler).await, 201);
    stop_at(&point, BEFORE_THE_REPLY);
}

fn stop_at(point: &str, here: &str) {
    if point == here {
        println!("{here}");
        thread::park();
    }
}
