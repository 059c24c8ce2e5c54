//! TLS connections.

use crate::connect_error::ConnectError;

/// Whether a URL requires TLS.
fn requires_tls(url: &str) -> bool {
    ["rediss:", "valkeys:"].iter().any(|scheme| url.starts_with(scheme))
}

/// Checks that the servers at `urls` can be reached by this build, and prepares for TLS if one of them requires it.
pub(crate) fn prepare(urls: &[&str]) -> Result<(), ConnectError> {
    if urls.iter().any(|url| requires_tls(url)) {
        return enable();
    }
    Ok(())
}

#[cfg(feature = "tls")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature it fails")]
fn enable() -> Result<(), ConnectError> {
    use rustls::crypto::{CryptoProvider, ring};
    // rustls panics if no provider is installed and the build has several of them.
    if CryptoProvider::get_default().is_none() {
        // An error means that another thread has installed one in the meantime.
        drop(ring::default_provider().install_default());
    }
    Ok(())
}

#[cfg(not(feature = "tls"))]
fn enable() -> Result<(), ConnectError> {
    Err(ConnectError::TlsNotCompiled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_decides() {
        assert!(requires_tls("rediss://:secret@10.0.0.1/") && requires_tls("valkeys://10.0.0.1/"));
        assert!(!requires_tls("redis://10.0.0.1/") && !requires_tls("unix:///run/rediss.sock"));
    }

    #[test]
    fn a_build_without_tls_names_the_feature() {
        let prepared = prepare(&["redis://10.0.0.1/", "rediss://10.0.0.1/"]);
        assert_eq!(prepared.is_ok(), cfg!(feature = "tls"));
        let message = ConnectError::TlsNotCompiled.to_string();
        assert!(message.contains("enable the feature `redis-tls` of `idem-axum`"), "{message}");
    }
}
