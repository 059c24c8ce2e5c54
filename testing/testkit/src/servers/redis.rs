//! Redis: one server, a primary with Sentinels, or a Cluster.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Certificates;
use super::process::{Process, directory, on_free_port};
use super::wait::MAX_WAIT;

/// The program of the servers, if it is not `redis-server`.
const VARIABLE: &str = "REDIS_SERVER";
const CONFIG: &str = "redis.conf";

/// A `redis-server`. It is killed when dropped.
pub struct RedisServer {
    args: Vec<String>,
    ready: &'static str,
    tls: bool,
    port: u16,
    process: Option<Process>,
    directory: TempDir,
}

impl RedisServer {
    /// Starts a server without persistence. `args` are command-line arguments, such as
    /// `["--maxmemory", "4mb"]`.
    ///
    /// # Panics
    /// If `redis-server` is not installed or does not start.
    pub fn start(args: &[&str]) -> Self {
        let mut all = vec!["--save", "", "--enable-debug-command", "yes"];
        all.extend(args);
        Self::launch("", &all, "Ready to accept connections")
    }

    /// Starts a server that accepts only TLS.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn start_tls(certificates: &Certificates) -> Self {
        let file = |path: PathBuf| path.display().to_string();
        let (authority, certificate) =
            (file(certificates.authority()), file(certificates.certificate()));
        let key = file(certificates.key());
        let args = [
            ["--save", ""],
            ["--tls-auth-clients", "no"],
            ["--tls-ca-cert-file", &authority],
            ["--tls-cert-file", &certificate],
            ["--tls-key-file", &key],
        ];
        Self::launch_with("", args.as_flattened(), "Ready to accept connections", true)
    }

    fn start_sentinel(config: &str) -> Self {
        Self::launch(config, &["--sentinel"], "+monitor")
    }

    fn launch(config: &str, args: &[&str], ready: &'static str) -> Self {
        Self::launch_with(config, args, ready, false)
    }

    fn launch_with(config: &str, args: &[&str], ready: &'static str, tls: bool) -> Self {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        let directory = directory();
        std::fs::write(directory.path().join(CONFIG), config).expect("a file in a new directory");
        let mut server = Self { args, ready, tls, port: 0, process: None, directory };
        let started = on_free_port(|port| {
            server.port = port;
            server.try_start()
        });
        started.unwrap_or_else(|output| fail(&output));
        server
    }

    fn try_start(&mut self) -> Result<(), String> {
        let mut args = vec![CONFIG.to_owned()];
        args.extend(self.args.iter().cloned());
        let port = if self.tls { "--tls-port" } else { "--port" };
        args.extend([port.to_owned(), self.port.to_string()]);
        if self.tls {
            args.extend(["--port", "0"].map(str::to_owned));
        }
        args.extend(["--bind".to_owned(), "127.0.0.1".to_owned()]);
        let path = self.directory.path();
        let program = std::env::var(VARIABLE).unwrap_or_else(|_| "redis-server".to_owned());
        self.process = Some(Process::start(&program, &args, path, self.ready)?);
        Ok(())
    }

    /// Returns the URL of the server.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "rediss" } else { "redis" };
        format!("{scheme}://127.0.0.1:{}/", self.port)
    }

    /// Returns the port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the process id.
    ///
    /// # Panics
    /// If the server is not running.
    pub fn pid(&self) -> i32 {
        self.process.as_ref().expect("the server runs").pid()
    }

    /// Kills the server, as in a crash.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts the server again after [`kill`](Self::kill), on the same port and with its data on disk.
    ///
    /// # Panics
    /// If the server does not start.
    pub fn restart(&mut self) {
        self.kill();
        let started = Instant::now();
        // While no server listens on the port, an outgoing connection of any process can take it for a moment.
        while let Err(output) = self.try_start() {
            if !output.contains("in use") || started.elapsed() > MAX_WAIT {
                fail(&output);
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Pauses the server: connections stay open, and it does not reply.
    ///
    /// # Panics
    /// If the server is not running.
    pub fn pause(&self) {
        self.process.as_ref().expect("the server runs").pause();
    }

    /// Resumes a paused server.
    ///
    /// # Panics
    /// If the server is not running.
    pub fn resume(&self) {
        self.process.as_ref().expect("the server runs").resume();
    }

    /// Runs one command with `redis-cli` and returns its output.
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

    /// Shortens the time to live of a store's keys, and moves the start of each silence that a record keeps. For the
    /// store, this is the same as time that passes, except that a new claim may get the fencing token of a record that
    /// expired.
    ///
    /// # Panics
    /// As [`cli`](Self::cli).
    pub fn age(&self, namespace: &str, by: Duration) {
        let script = "
            for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
                local left = redis.call('PTTL', key)
                if left > 0 then redis.call('PEXPIRE', key, left - ARGV[2]) end
                local kept = redis.call('TYPE', key).ok == 'string' and redis.call('GETRANGE', key, 82, 92) or ''
                if string.sub(kept, 1, 3) == '\\4\\0\\13' then
                    local since = struct.unpack('>I8', kept, 4) - ARGV[2] * 1000
                    redis.call('SETRANGE', key, 85, struct.pack('>I8', since))
                end
            end";
        let (keys, millis) = (format!("idem:{namespace}:*"), by.as_millis().to_string());
        self.cli(&["eval", script, "0", &keys, &millis]);
    }

    /// Waits until the output of `command` satisfies `condition`. The command is repeated if the server resets
    /// the connection, as a server that is demoted does.
    ///
    /// # Panics
    /// If this takes longer than 30 s.
    pub fn until(&self, command: &[&str], condition: impl Fn(&str) -> bool) {
        let started = Instant::now();
        loop {
            let output = self.run_cli(command);
            if condition(String::from_utf8_lossy(&output.stdout).trim_end()) {
                return;
            }
            assert!(started.elapsed() < MAX_WAIT, "redis-cli {command:?}: still {output:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn fail(output: &str) -> ! {
    panic!("cannot start Redis (install it with `apt-get install redis-server`): {output}")
}

/// A primary, a replica, and three Sentinels that watch them under the name `mymaster`.
pub struct RedisSentinel {
    /// The initial primary.
    pub primary: RedisServer,
    /// The initial replica.
    pub replica: RedisServer,
    /// The Sentinels.
    pub sentinels: Vec<RedisServer>,
}

impl RedisSentinel {
    /// Starts all five servers. A primary that does not reply for 500 ms is replaced.
    ///
    /// # Panics
    /// If a server does not start, or if the servers do not find each other.
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

    /// Returns the URLs of the Sentinels.
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
    /// The initial primaries, followed by their replicas.
    pub nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts all six servers. A primary that does not reply for 3 s is replaced by its replica.
    ///
    /// # Panics
    /// If a server does not start, or if the servers do not find each other.
    pub fn start() -> Self {
        let mut args = vec!["--cluster-enabled", "yes", "--cluster-node-timeout", "3000"];
        // Otherwise a replica gives up for ever if a busy machine delays its election.
        args.extend(["--cluster-replica-validity-factor", "0"]);
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

    /// Returns the URLs of all nodes.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(RedisServer::url).collect()
    }
}
