//! Who uses the console.

/// The person behind a request. The authentication in front of the console adds it to the request's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// The name for the audit log. A request whose operator has no name gets 403.
    pub name: String,
    /// What the person may do.
    pub may: May,
    /// The operations whose records the person may see.
    pub operations: Operations,
}

/// What an operator may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// Search and read records, and see a stored response after an audited click.
    Read,
    /// Also end unknown outcomes.
    Resolve,
}

/// Operations by their names, such as `POST /payments`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operations {
    /// All operations.
    All,
    /// Only these.
    Only(Vec<String>),
}

impl Operations {
    pub(crate) fn contain(&self, operation: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|name| name == operation),
        }
    }
}
