//! `chromedriver`, which starts headless Chromium.

use std::path::Path;

use tempfile::TempDir;

use super::process::{Process, directory, on_free_port};

const PROGRAM: &str = "chromedriver";
const READY: &str = "was started successfully";

/// A `chromedriver`. It is killed when dropped, and the browsers that it has started end with it.
pub struct ChromeDriver {
    port: u16,
    _process: Process,
    directory: TempDir,
}

impl ChromeDriver {
    /// Starts a driver.
    ///
    /// # Panics
    /// If `chromedriver` is not installed or does not start.
    pub fn start() -> Self {
        let directory = directory();
        let started = on_free_port(|port| {
            let args = [format!("--port={port}")];
            Ok((port, Process::start(PROGRAM, &args, directory.path(), READY)?))
        });
        let (port, process) = started.unwrap_or_else(|output| fail(&output));
        Self { port, _process: process, directory }
    }

    /// The URL of the driver.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The arguments for a browser with a profile of its own. It ends with the driver.
    pub fn browser_args(&self, profile: &str) -> Vec<String> {
        let profile: &Path = &self.directory.path().join(profile);
        let args = [
            "--headless",
            // Chromium has no sandbox for root.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--remote-debugging-pipe",
        ];
        let profile = format!("--user-data-dir={}", profile.display());
        args.map(str::to_owned).into_iter().chain([profile]).collect()
    }
}

fn fail(output: &str) -> ! {
    panic!(
        "cannot start the driver of Chromium (install it with `apt-get install chromium \
         chromium-driver`): {output}"
    )
}
