//! The settings of a policy for keys.

use std::time::{Duration, SystemTime};

use super::{IdempotencyKey, KeyError, KeyFormat, KeySyntax, Policy};

/// The [source](crate::rules::semantics#key-source) of a request's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySource {
    /// The request header.
    Header {
        /// The accepted forms of the header.
        syntax: KeySyntax,
        /// Whether a request without the header is refused. If `false`, it runs unguarded.
        required: bool,
    },
    /// An expression over the handler's parameters.
    Argument,
}

impl Policy {
    /// Sets the accepted forms of the key header. Replaces [`KeySource::Argument`].
    #[must_use]
    pub const fn with_key_syntax(mut self, syntax: KeySyntax) -> Self {
        let required = !matches!(self.key, KeySource::Header { required: false, .. });
        self.key = KeySource::Header { syntax, required };
        self
    }

    /// Lets a request without a key run unguarded. Replaces [`KeySource::Argument`].
    #[must_use]
    pub const fn with_optional_key(mut self) -> Self {
        let syntax = match self.key {
            KeySource::Header { syntax, .. } => syntax,
            KeySource::Argument => KeySyntax::Lenient,
        };
        self.key = KeySource::Header { syntax, required: false };
        self
    }

    /// Sets [`Policy::key`] to [`KeySource::Argument`].
    #[must_use]
    pub const fn with_argument_key(mut self) -> Self {
        self.key = KeySource::Argument;
        self
    }

    /// Sets [`Policy::key_format`].
    #[must_use]
    pub const fn with_key_format(mut self, format: KeyFormat) -> Self {
        self.key_format = Some(format);
        self
    }

    /// Sets [`Policy::max_age`]. A retry with an older key is then refused, and not run again after its record has expired.
    ///
    /// The age depends on the clocks of clients: a client whose clock is slow can retry only for a shorter time.
    ///
    /// # Panics
    /// If [`Policy::key_format`] is not [`KeyFormat::UuidV7`], or `max_age` is longer than [`Policy::ttl`]. Both must be set first.
    #[must_use]
    #[track_caller]
    pub const fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self.assert_max_age();
        self
    }

    #[track_caller]
    pub(super) const fn assert_max_age(&self) {
        let Some(max_age) = self.max_age else { return };
        assert!(
            matches!(self.key_format, Some(KeyFormat::UuidV7)),
            "`max_age` requires the format `uuidv7`, whose keys contain the time; add it or remove `max_age`"
        );
        assert!(
            max_age.as_nanos() <= self.ttl.as_nanos(),
            "the `max_age` is longer than the `ttl`: a retry in between would run again; write a shorter `max_age`"
        );
    }

    /// Checks the format and the age of a key.
    pub(crate) fn check_key(&self, key: &IdempotencyKey) -> Result<(), KeyError> {
        match self.key_format {
            None => Ok(()),
            Some(format) => format.check(key.as_str(), self.max_age, SystemTime::now()),
        }
    }
}
