//! Why a command fails, and its exit code.

use std::error::Error;
use std::process::ExitCode;

use idem_core::records::RecordsError;
use idem_core::records::input::InvalidInput;
use idem_core::store::StoreError;

/// A failure of a command. The message states what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Usage(String),
    /// The current state was printed.
    #[error("the record has changed; nothing was changed by this command")]
    Changed,
    #[error("{message}")]
    Store {
        message: String,
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    #[error("{0}")]
    Refused(String),
}

impl Failure {
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::NotFound(_) => 1,
            Self::Usage(_) => 2,
            Self::Changed => 3,
            Self::Store { .. } => 4,
            Self::Refused(_) => 5,
        }
    }

    pub(crate) fn store(
        message: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Store { message: message.into(), source: Some(source.into()) }
    }

    /// Prints the message with its causes, and returns the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        let mut message = self.to_string();
        let mut source = self.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            // Some errors repeat their cause.
            if !message.ends_with(&cause_text) {
                message = format!("{message}: {cause_text}");
            }
            source = cause.source();
        }
        eprintln!("error: {message}");
        self.code().into()
    }
}

impl From<RecordsError> for Failure {
    fn from(error: RecordsError) -> Self {
        match error {
            RecordsError::Store(error) => error.into(),
            RecordsError::ScopeEmpty => Self::Usage(
                "the scope is empty; pass the value that the handler's `scope` has".into(),
            ),
            error => Self::Refused(error.to_string()),
        }
    }
}

impl From<InvalidInput> for Failure {
    fn from(error: InvalidInput) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::store("the store failed", error)
    }
}
