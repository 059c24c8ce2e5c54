//! The command line.

#[cfg(feature = "console")]
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use humantime::parse_duration;
use idem_core::store::{RecordIdPrefix, Timestamp};
use jiff::civil::Date;
use jiff::tz::TimeZone;

const EXIT_CODES: &str = "\
REF is the id of a record, as log lines show it: its first 8 to 64 hexadecimal digits.

Exit codes:
  0  done
  1  not found
  2  wrong usage
  3  the record has changed meanwhile; its current state is printed
  4  the store is unavailable or unhealthy
  5  refused: the state does not permit it, or it needs --force";

/// Find, explain and resolve the idempotency records of a service
#[derive(Debug, Parser)]
#[command(name = "idem", version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// The store: redis://, redis-cluster://host1,host2, redis-sentinel://host1,host2/service,
    /// postgres:// or sqlite:file
    #[arg(long, env = "IDEM_STORE", hide_env_values = true, global = true, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// The namespace of the service: of its handle, and on Redis also of its store
    #[arg(long, env = "IDEM_NAMESPACE", global = true, default_value = "default")]
    pub(crate) namespace: String,
    /// The namespace of the Redis store, if it differs
    #[arg(long, global = true, value_name = "NAMESPACE")]
    pub(crate) redis_namespace: Option<String>,
    /// Keys per second that listings examine on Redis
    #[arg(long, global = true, value_name = "KEYS", default_value = "20000")]
    pub(crate) rate: NonZeroU32,
    /// The Postgres schema of the records
    #[arg(long, global = true)]
    pub(crate) schema: Option<String>,
    /// The Postgres table of the records
    #[arg(long, global = true)]
    pub(crate) table: Option<String>,
    /// A file with the secret of the service, or the variable IDEM_SECRET; only `find` and `explain` need it
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// Who changes a record, for the audit log; by default user@host
    #[arg(long, global = true)]
    pub(crate) actor: Option<String>,
    /// Print JSON, one object per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find the record of a key
    Find(Find),
    /// List records
    List(List),
    /// Show a record, and what can be done
    Show {
        #[arg(value_name = "REF")]
        reference: RecordIdPrefix,
        /// Also show the idempotency key that the run used for this downstream call
        #[arg(long, value_name = "LABEL")]
        downstream: Vec<String>,
        /// Also show the stored response, which can contain personal data
        #[arg(long)]
        response: bool,
    },
    /// Name the parts in which a request differs from the first one with its key
    Explain {
        #[arg(value_name = "REF")]
        reference: RecordIdPrefix,
        /// The file with the request as HTTP/1.1: request line, headers, empty line, body
        #[arg(long, value_name = "FILE")]
        request: PathBuf,
    },
    /// Count the records by operation and state
    Stats,
    /// End an unknown outcome
    Resolve {
        #[arg(value_name = "REF")]
        reference: RecordIdPrefix,
        #[command(subcommand)]
        resolution: Resolution,
    },
    /// Delete a record whose run has ended, also one with a stored response: the next request runs again
    Evict {
        #[arg(value_name = "REF")]
        reference: RecordIdPrefix,
        #[command(flatten)]
        change: Change,
        /// Required, because a retry of the client has its effect again
        #[arg(long)]
        force: bool,
    },
    /// Show who changed records
    Audit {
        #[arg(value_name = "REF")]
        reference: Option<RecordIdPrefix>,
        /// Only entries of this last time, such as 24h
        #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
        since: Option<Duration>,
        /// Check that each entry contains the digest of the entry before it. Entries that were removed at either end, and
        /// a change of the newest entry, are found only by comparing the printed number and digest with those of an earlier run
        #[arg(long, conflicts_with_all = ["reference", "since"])]
        verify: bool,
        /// Delete the entries before this past time, such as 2026-01-31 or 2026-01-31T12:00:00Z, in UTC; needs --yes
        #[arg(long, value_name = "DATE", value_parser = parse_date)]
        #[arg(conflicts_with_all = ["reference", "since", "verify"])]
        prune_before: Option<Timestamp>,
        /// Delete the entries; required by --prune-before
        #[arg(long, requires = "prune_before")]
        yes: bool,
    },
    /// Check the store's settings and state
    Doctor,
    /// Serve the web console for this user, on the loopback interface
    #[cfg(feature = "console")]
    Console(Console),
    /// Bring the schema of Postgres up to date
    Migrate {
        /// Print the SQL of all migrations instead
        #[arg(long)]
        print: bool,
    },
}

/// Parses a day or a time, in UTC unless the text has another offset.
fn parse_date(text: &str) -> Result<Timestamp, String> {
    let day = || text.parse::<Date>().ok()?.to_zoned_datetime(TimeZone::UTC).ok();
    let time = text.parse().ok().or_else(|| Some(day()?.timestamp()));
    let micros = time.and_then(|time: jiff::Timestamp| u64::try_from(time.as_microsecond()).ok());
    micros.map(Timestamp).ok_or_else(|| "write 2026-01-31 or 2026-01-31T12:00:00Z".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct Find {
    /// The idempotency key as the client sent it, with or without the quotes of the header
    #[arg(long)]
    pub(crate) key: String,
    /// The scope: one value, or a JSON array if it has several parts; repeat it for a tuple
    #[arg(long, required_unless_present = "global", conflicts_with = "global")]
    pub(crate) scope: Vec<String>,
    /// The scope is "global"
    #[arg(long)]
    pub(crate) global: bool,
    /// The operation, such as "POST /payments"; by default every operation that has a record
    #[arg(long)]
    pub(crate) operation: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only records in this state
    #[arg(long)]
    pub(crate) state: Option<StateName>,
    /// Only records of this operation, such as "POST /payments"
    #[arg(long)]
    pub(crate) operation: Option<String>,
    /// Only records whose label matches; `*` is any text, `?` any character
    #[arg(long, value_name = "GLOB")]
    pub(crate) label: Option<String>,
    /// Only records that have been in their state for at least this time, such as 10m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) older_than: Option<Duration>,
    /// Only records that have been in their state for at most this time
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) since: Option<Duration>,
    /// The maximum number of records
    #[arg(long, default_value = "100")]
    pub(crate) limit: NonZeroU32,
}

#[cfg(feature = "console")]
#[derive(Debug, Args)]
pub(crate) struct Console {
    /// The address, which must be a loopback address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7070")]
    pub(crate) listen: SocketAddr,
    /// Show the idempotency key that runs use for this downstream call
    #[arg(long, value_name = "LABEL")]
    pub(crate) downstream: Vec<String>,
    /// Search and read only
    #[arg(long)]
    pub(crate) read_only: bool,
    /// The service's limit for stored bodies
    #[arg(long, value_name = "BYTES", default_value = "262144")]
    pub(crate) max_response: usize,
}

/// The state of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StateName {
    Running,
    Completed,
    NotRetained,
    Unknown,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Resolution {
    /// Store the response that later requests get
    Complete {
        /// The status of the response
        #[arg(long, value_parser = clap::value_parser!(u16).range(200..600))]
        status: u16,
        /// The file with the body of the response, or `-` for standard input
        #[arg(long, value_name = "FILE")]
        body: Option<PathBuf>,
        /// A header of the response; without a content-type, it is JSON if the body is
        #[arg(long, value_name = "NAME:VALUE")]
        header: Vec<String>,
        /// The service's limit for stored bodies
        #[arg(long, value_name = "BYTES", default_value = "262144")]
        max_response: usize,
        #[command(flatten)]
        change: Change,
    },
    /// Free the key: the next request runs again
    Release {
        #[command(flatten)]
        change: Change,
        /// Also after `timed-out` and `drained`, when the lost run may still be active
        #[arg(long)]
        force: bool,
    },
    /// Keep the unknown outcome for longer, such as 30d from now; an earlier end than the present one is refused
    Hold {
        #[arg(value_name = "DURATION", value_parser = parse_duration)]
        hold: Duration,
        #[command(flatten)]
        change: Change,
    },
}

/// What every change needs.
#[derive(Debug, Args)]
pub(crate) struct Change {
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// The fencing token that `show` printed; without it, the record is read again
    #[arg(long, value_name = "NUMBER")]
    pub(crate) fencing_token: Option<u64>,
    /// Do not ask; required without a terminal
    #[arg(long)]
    pub(crate) yes: bool,
}
