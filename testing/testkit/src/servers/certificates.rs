//! Certificates for servers with TLS.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::process::directory;

/// An authority of its own, and a certificate of it for `localhost` and 127.0.0.1. The files are deleted when this is
/// dropped.
#[derive(Debug)]
pub struct Certificates(TempDir);

impl Certificates {
    /// Creates the files.
    ///
    /// # Panics
    /// If `openssl` is not installed or fails.
    pub fn create() -> Self {
        let this = Self(directory());
        let names = "subjectAltName=DNS:localhost,IP:127.0.0.1\n";
        std::fs::write(this.path("names"), names).expect("a file in a new directory");
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        this.openssl(&format!(
            "req -x509 {key} -keyout ca.key -out ca.crt -days 2 -subj /CN=idem-test"
        ));
        this.openssl(&format!("req {key} -keyout server.key -out server.csr -subj /CN=localhost"));
        this.openssl(
            "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 2 -extfile names",
        );
        this
    }

    /// The certificate of the authority.
    pub fn authority(&self) -> PathBuf {
        self.path("ca.crt")
    }

    /// The certificate of the server.
    pub(super) fn certificate(&self) -> PathBuf {
        self.path("server.crt")
    }

    /// The private key of the server.
    pub(super) fn key(&self) -> PathBuf {
        self.path("server.key")
    }

    fn path(&self, file: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(file)
    }

    fn openssl(&self, args: &str) {
        let args = args.split(' ');
        let output = Command::new("openssl").args(args).current_dir(self.0.path()).output();
        let output = output.expect("the program `openssl`");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
