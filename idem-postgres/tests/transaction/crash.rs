//! A process that is killed at each point of the transaction. It is this test program again,
//! which then runs only what `child` does.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use idem_postgres::Tx;
use idem_testkit::servers::Proxy;

use crate::support::{
    AT_ONCE, answering, call, effects, executed_with, found, replayed_with, server, service, write,
};

/// Where the child stops and says so.
const POINT: &str = "IDEM_TEST_POINT";
const URL: &str = "IDEM_TEST_URL";

const BEFORE_THE_CLAIM: &str = "before the claim";
const BEFORE_THE_WRITE: &str = "before the write";
const BEFORE_THE_ANSWER: &str = "before the answer";
const BEFORE_THE_COMMIT: &str = "before the commit";
const BEFORE_THE_REPLY: &str = "before the reply";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_crash_in_transaction_at_each_point() {
    for (point, left) in [
        (BEFORE_THE_CLAIM, false),
        (BEFORE_THE_WRITE, false),
        (BEFORE_THE_ANSWER, false),
        (BEFORE_THE_COMMIT, false),
        (BEFORE_THE_REPLY, true),
    ] {
        let server = server(&[]);
        let service = service(&server.url()).await;
        let proxy = Proxy::before(server.port()).await;
        let mut child = start(point, &proxy);
        match point {
            BEFORE_THE_COMMIT => {
                proxy.hold("COMMIT");
                let mut stdin = child.stdin.take().unwrap();
                stdin.write_all(b"go\n").unwrap();
                proxy.sprung().await;
            }
            _ => await_point(&mut child, point),
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // The server hears of it as it would of any process that is gone.
        proxy.cut();
        server.until("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", |n| n == "0");
        let expected = if left { found("1", "1 of 1") } else { found("0", "0 of 0") };
        assert_eq!(effects(&server), expected, "{point}");
        let retry = call(&service, &AT_ONCE, "k", |tx| answering(tx, 201)).await;
        match left {
            true => replayed_with(&retry, 201),
            false => executed_with(&retry, 201),
        }
        assert_eq!(effects(&server), found("1", "1 of 1"), "{point}");
    }
}

fn start(point: &str, proxy: &Proxy) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--nocapture"])
        .env(POINT, point)
        .env(URL, format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn await_point(child: &mut Child, point: &str) {
    let stdout = child.stdout.take().unwrap();
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains(point)), "the child ended before {point}");
}

/// Not a test: what the killed process does. Without a point it has nothing to do.
#[tokio::test]
async fn child() {
    let Ok(point) = env::var(POINT) else { return };
    let service = service(&env::var(URL).unwrap()).await;
    if point == BEFORE_THE_COMMIT {
        // The commits of starting are over; the next one is the run's.
        std::io::stdin().read_line(&mut String::new()).unwrap();
    }
    stop_at(&point, BEFORE_THE_CLAIM);
    let handler = {
        let point = point.clone();
        |mut tx: Tx| async move {
            stop_at(&point, BEFORE_THE_WRITE);
            write(&mut tx).await.unwrap();
            stop_at(&point, BEFORE_THE_ANSWER);
            201
        }
    };
    executed_with(&call(&service, &AT_ONCE, "k", handler).await, 201);
    stop_at(&point, BEFORE_THE_REPLY);
}

fn stop_at(point: &str, here: &str) {
    if point == here {
        println!("{here}");
        std::thread::park();
    }
}
