//! `redis-server`: alone, with a replica and watched by Sentinel, or in a Cluster.

use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use super::process::{Directory, Process, free_port};

/// How long servers get to agree on something among themselves.
const PATIENCE: Duration = Duration::from_secs(30);

const PROGRAM: &str = "redis-server";
const CONFIG: &str = "redis.conf";

/// A `redis-server` of the test's own. Killed when dropped.
pub struct RedisServer {
    args: Vec<String>,
    ready: &'static str,
    port: u16,
    process: Option<Process>,
    directory: Directory,
}

impl RedisServer {
    /// Starts a server that keeps nothing on disk. `args` are as on its command line, such as
    /// `["--maxmemory", "4mb"]`.
    ///
    /// # Panics
    /// If `redis-server` is not installed or does not start.
    pub fn start(args: &[&str]) -> Self {
        let mut all = vec!["--save", "", "--enable-debug-command", "yes"];
        all.extend(args);
        Self::launch("", &all, "Ready to accept connections")
    }

    fn start_sentinel(config: &str) -> Self {
        Self::launch(config, &["--sentinel"], "+monitor")
    }

    fn launch(config: &str, args: &[&str], ready: &'static str) -> Self {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        let directory = Directory::new();
        std::fs::write(directory.path().join(CONFIG), config).expect("a file in a new directory");
        let mut server = Self { args, ready, port: 0, process: None, directory };
        for _ in 0..10 {
            server.port = free_port();
            match server.try_start() {
                Ok(()) => return server,
                Err(said) if said.contains("in use") => {}
                Err(said) => fail(&said),
            }
        }
        panic!("no port stays free")
    }

    fn try_start(&mut self) -> Result<(), String> {
        let mut args = vec![CONFIG.to_owned()];
        args.extend(self.args.iter().cloned());
        args.extend(["--port".to_owned(), self.port.to_string()]);
        args.extend(["--bind".to_owned(), "127.0.0.1".to_owned()]);
        let path = self.directory.path();
        self.process = Some(Process::start(PROGRAM, &args, path, self.ready)?);
        Ok(())
    }

    /// Where it listens, as a URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Its port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it at once, as a crash would.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again after [`kill`](Self::kill), on its port and with what it kept on disk.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.kill();
        if let Err(said) = self.try_start() {
            fail(&said);
        }
    }

    /// Stops the process where it is: connections stay open, and nothing answers.
    ///
    /// # Panics
    /// If it does not run.
    pub fn pause(&self) {
        self.process.as_ref().expect("the server runs").pause();
    }

    /// Lets a paused process go on.
    ///
    /// # Panics
    /// If it does not run.
    pub fn resume(&self) {
        self.process.as_ref().expect("the server runs").resume();
    }

    /// Runs one command by `redis-cli` and gives back what it prints.
    ///
    /// # Panics
    /// If `redis-cli` is not installed or cannot reach the server.
    pub fn cli(&self, command: &[&str]) -> String {
        let output = self.run_cli(command);
        assert!(output.status.success(), "redis-cli {command:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    fn run_cli(&self, command: &[&str]) -> Output {
        let port = self.port.to_string();
        let run = Command::new("redis-cli").args(["-p", &port]).args(command).output();
        run.unwrap_or_else(|error| fail(&error.to_string()))
    }

    /// Waits until `command` prints something that satisfies `condition`. A server that resets the
    /// connection, as one that is demoted does, is asked again.
    ///
    /// # Panics
    /// If it does not within 30 s.
    pub fn until(&self, command: &[&str], condition: impl Fn(&str) -> bool) {
        let started = Instant::now();
        loop {
            let output = self.run_cli(command);
            if condition(String::from_utf8_lossy(&output.stdout).trim_end()) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "redis-cli {command:?}: still {output:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn fail(said: &str) -> ! {
    panic!("Redis does not start; `apt-get install redis-server` installs it. It said: {said}")
}

/// A primary, a replica, and three Sentinels that watch them under the name `mymaster`.
pub struct RedisSentinel {
    /// The primary at first.
    pub primary: RedisServer,
    /// The replica at first.
    pub replica: RedisServer,
    /// The Sentinels.
    pub sentinels: Vec<RedisServer>,
}

impl RedisSentinel {
    /// Starts all five. A primary that is gone for half a second is replaced.
    ///
    /// # Panics
    /// If one does not start, or they do not find each other.
    pub fn start() -> Self {
        let primary = RedisServer::start(&[]);
        let port = primary.port().to_string();
        let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &port]);
        replica.until(&["info", "replication"], |info| info.contains("master_link_status:up"));
        let sentinels: Vec<_> = (0..3).map(|_| start_sentinel(&port)).collect();
        for sentinel in &sentinels {
            sentinel.until(&["sentinel", "master", "mymaster"], |state| {
                let after = |name| state.lines().skip_while(move |line| *line != name).nth(1);
                after("num-other-sentinels") == Some("2") && after("num-slaves") == Some("1")
            });
        }
        Self { primary, replica, sentinels }
    }

    /// The URLs of the Sentinels.
    pub fn urls(&self) -> Vec<String> {
        self.sentinels.iter().map(RedisServer::url).collect()
    }
}

fn start_sentinel(port: &str) -> RedisServer {
    RedisServer::start_sentinel(&format!(
        "sentinel monitor mymaster 127.0.0.1 {port} 2\n\
         sentinel down-after-milliseconds mymaster 500\n\
         sentinel failover-timeout mymaster 3000\n"
    ))
}

/// A Cluster of three primaries with one replica each.
pub struct RedisCluster {
    /// The primaries at first, then the replicas.
    pub nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts all six. A primary that is gone for a second is replaced by its replica.
    ///
    /// # Panics
    /// If one does not start, or they do not find each other.
    pub fn start() -> Self {
        let args = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"];
        let nodes: Vec<_> = (0..6).map(|_| RedisServer::start(&args)).collect();
        let addresses = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port()));
        let created = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(addresses)
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .output();
        let created = created.unwrap_or_else(|error| fail(&error.to_string()));
        assert!(created.status.success(), "{created:?}");
        for node in &nodes {
            node.until(&["cluster", "info"], |info| {
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:6")
            });
            node.until(&["cluster", "nodes"], |nodes| nodes.matches("slave").count() == 3);
        }
        Self { nodes }
    }

    /// The URLs of all nodes.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(RedisServer::url).collect()
    }
}
