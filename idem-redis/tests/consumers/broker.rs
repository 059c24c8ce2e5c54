//! A broker that delivers each message several times. It redelivers the messages that a killed consumer had
//! not settled, and it kills consumers.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::{IndexedMutRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::consumer::write_all;
use crate::process::Fleet;
use crate::provider::Ledger;

/// Maximum number of concurrent deliveries per consumer.
const MAX_IN_FLIGHT: usize = 32;
/// The test fails after this time without a line from any consumer.
const MAX_SILENCE: Duration = Duration::from_secs(60);
const KILLS: usize = 40;

/// The ends of the deliveries.
#[derive(Default)]
pub(crate) struct Settled {
    pub(crate) acknowledged: HashSet<u64>,
    /// Dead-lettered, because the outcome is unknown.
    pub(crate) unknown: HashSet<u64>,
}

pub(crate) struct Broker {
    random: StdRng,
    listener: TcpListener,
    events: (mpsc::UnboundedSender<Event>, mpsc::UnboundedReceiver<Event>),
    /// Deliveries with their times, the earliest first.
    due: BinaryHeap<Reverse<(Instant, u64, u64)>>,
    consumers: BTreeMap<u64, Consumer>,
    settled: Settled,
    ledger: Ledger,
}

struct Consumer {
    out: mpsc::UnboundedSender<String>,
    /// The message of each delivery.
    in_flight: HashMap<u64, u64>,
}

enum Event {
    Line(u64, String),
    Gone(u64),
}

impl Broker {
    pub(crate) async fn listen(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap(),
            events: mpsc::unbounded_channel(),
            due: BinaryHeap::new(),
            consumers: BTreeMap::new(),
            settled: Settled::default(),
            ledger: Ledger::default(),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// Delivers `messages` messages until every delivery is settled.
    pub(crate) async fn deliver(mut self, messages: u64, mut fleet: Fleet) -> (Settled, Ledger) {
        let mut left = self.enqueue(messages);
        let mut kills: Vec<_> = (0..KILLS).map(|_| self.random.random_range(0..left)).collect();
        kills.sort_unstable();
        while left > 0 {
            self.send_due();
            let next = self.due.peek().map_or(Instant::now() + MAX_SILENCE, |next| next.0.0);
            tokio::select! {
                connection = self.listener.accept() => self.join(connection.unwrap().0),
                event = self.events.1.recv() => left -= self.handle(event.unwrap()),
                () = tokio::time::sleep_until(next.into()), if self.has_room() => {}
                () = tokio::time::sleep(MAX_SILENCE) => panic!("no consumer sent anything for {MAX_SILENCE:?}"),
            }
            while kills.pop_if(|at| *at >= left).is_some() {
                fleet.kill_one(&mut self.random);
            }
        }
        (self.settled, self.ledger)
    }

    /// Enqueues each message 1 to 5 times, in random order. Returns the number of deliveries.
    fn enqueue(&mut self, messages: u64) -> usize {
        let mut all: Vec<u64> = (0..messages)
            .flat_map(|message| vec![message; self.random.random_range(1..=5)])
            .collect();
        all.shuffle(&mut self.random);
        let now = Instant::now();
        let deliveries =
            (0..).zip(&all).map(|(delivery, message)| Reverse((now, delivery, *message)));
        self.due.extend(deliveries);
        all.len()
    }

    fn has_room(&self) -> bool {
        self.consumers.values().any(|consumer| consumer.in_flight.len() < MAX_IN_FLIGHT)
    }

    /// Sends the deliveries that are due to consumers that have room for them.
    fn send_due(&mut self) {
        while self.due.peek().is_some_and(|next| next.0.0 <= Instant::now()) {
            let mut free: Vec<_> = self
                .consumers
                .values_mut()
                .filter(|consumer| consumer.in_flight.len() < MAX_IN_FLIGHT)
                .collect();
            let Some(consumer) = free.choose_mut(&mut self.random) else {
                return;
            };
            let Some(Reverse((_, delivery, message))) = self.due.pop() else {
                return;
            };
            consumer.in_flight.insert(delivery, message);
            // If the consumer has ended, `Event::Gone` follows and its deliveries are enqueued again.
            drop(consumer.out.send(format!("deliver {delivery} {message}\n")));
        }
    }

    fn join(&mut self, connection: TcpStream) {
        let (read, write) = connection.into_split();
        let (out, lines) = mpsc::unbounded_channel();
        let id = self.random.random();
        tokio::spawn(write_all(write, lines));
        tokio::spawn(read_all(id, read, self.events.0.clone()));
        self.consumers.insert(id, Consumer { out, in_flight: HashMap::new() });
    }

    /// Handles an event of a consumer. Returns the number of deliveries that it settled.
    fn handle(&mut self, event: Event) -> usize {
        let (id, line) = match event {
            Event::Line(id, line) => (id, line),
            Event::Gone(id) => {
                self.requeue(id);
                return 0;
            }
        };
        let consumer = self.consumers.get_mut(&id).unwrap();
        let words: Vec<_> = line.split(' ').collect();
        if let ["charge", call, message, key] = words[..] {
            self.ledger.charge(message.parse().unwrap(), key);
            drop(consumer.out.send(format!("charged {call}\n")));
            return 0;
        }
        let ["settle", delivery, ref how @ ..] = words[..] else { panic!("{line}") };
        let delivery = delivery.parse().unwrap();
        let message = consumer.in_flight.remove(&delivery).unwrap();
        match how {
            ["ack"] => self.settled.acknowledged.insert(message),
            ["dead", "outcome-unknown"] => self.settled.unknown.insert(message),
            ["later", after] => {
                let after = Duration::from_millis(after.parse().unwrap());
                self.due.push(Reverse((Instant::now() + after, delivery, message)));
                return 0;
            }
            _ => panic!("{line}"),
        };
        1
    }

    /// Enqueues the unsettled deliveries of a killed consumer again.
    fn requeue(&mut self, id: u64) {
        let consumer = self.consumers.remove(&id).unwrap();
        let now = Instant::now();
        let unsettled = consumer.in_flight.into_iter();
        self.due.extend(unsettled.map(|(delivery, message)| Reverse((now, delivery, message))));
    }
}

async fn read_all(id: u64, read: OwnedReadHalf, events: mpsc::UnboundedSender<Event>) {
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        drop(events.send(Event::Line(id, line)));
    }
    drop(events.send(Event::Gone(id)));
}
