//! Consumer processes that are killed and restarted.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use rand::RngExt;
use rand::rngs::StdRng;

use crate::consumer::Guarantee;

const PROCESSES: usize = 2;

pub(crate) struct Fleet {
    broker: SocketAddr,
    redis: String,
    guarantee: Guarantee,
    processes: Vec<Child>,
}

impl Fleet {
    pub(crate) fn start(broker: SocketAddr, redis: &str, guarantee: Guarantee) -> Self {
        let mut fleet = Self { broker, redis: redis.to_owned(), guarantee, processes: Vec::new() };
        fleet.processes = (0..PROCESSES).map(|_| fleet.spawn()).collect();
        fleet
    }

    /// Kills one of the processes with SIGKILL, and starts another.
    pub(crate) fn kill_one(&mut self, random: &mut StdRng) {
        let victim = random.random_range(0..PROCESSES);
        end(&mut self.processes[victim]);
        self.processes[victim] = self.spawn();
    }

    fn spawn(&self) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "consumer_process", "--ignored"])
            .env("IDEM_TEST_BROKER", self.broker.to_string())
            .env("IDEM_TEST_REDIS", &self.redis)
            .env("IDEM_TEST_GUARANTEE", self.guarantee.name())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.processes.iter_mut().for_each(end);
    }
}

fn end(process: &mut Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}
