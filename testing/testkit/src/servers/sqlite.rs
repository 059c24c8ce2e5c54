//! A SQLite database file, and its clock.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Row};
use tempfile::TempDir;

/// A path for a database file in a temporary directory, which is deleted with this value.
pub struct SqliteFile {
    directory: TempDir,
    /// The time by which tests have moved the clock of the store.
    advanced: Mutex<Duration>,
}

impl Default for SqliteFile {
    fn default() -> Self {
        Self::new()
    }
}

impl SqliteFile {
    /// Creates the directory.
    ///
    /// # Panics
    /// If this fails.
    pub fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
            advanced: Mutex::default(),
        }
    }

    /// The path of the file, which a store creates.
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("idem.db")
    }

    /// Moves the clock of the store in this file forward, as a process with a wall clock ahead does. All processes follow
    /// the latest time in the file.
    ///
    /// # Panics
    /// If the file cannot be changed.
    pub fn advance(&self, by: Duration) {
        let mut advanced = self.advanced.lock().expect("no test panics here");
        *advanced += by;
        let wall_clock = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        let now = (wall_clock + *advanced).as_micros();
        let update = format!("UPDATE idem_store SET now = max(now, {now}), writer = x'00'");
        run_sql(&self.path(), &update);
    }
}

/// Runs `sql` on the file at `path`, and returns the first column of the first row, if there is one.
///
/// # Panics
/// If the statement fails.
pub fn run_sql(path: &Path, sql: &str) -> Option<i64> {
    let row = try_sql(path, sql, Duration::from_secs(30)).expect("the statement succeeds");
    row.and_then(|row| row.try_get(0).ok())
}

/// Whether a process holds the lock of the file at `path` for a change.
///
/// # Panics
/// If the file cannot be opened.
pub fn is_locked(path: &Path) -> bool {
    // Closing the connection ends the transaction.
    try_sql(path, "BEGIN IMMEDIATE", Duration::ZERO).is_err()
}

fn try_sql(path: &Path, sql: &str, busy_timeout: Duration) -> sqlx::Result<Option<SqliteRow>> {
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(busy_timeout);
    let sql = sql.to_owned();
    // Callers may be in an asynchronous runtime, which cannot start another one.
    let ran = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let mut connection = options.connect().await.expect("the database opens");
            sqlx::query(AssertSqlSafe(sql)).fetch_optional(&mut connection).await
        })
    });
    ran.join().expect("the database opens")
}
