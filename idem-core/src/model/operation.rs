//! The name of an operation.

/// The name of an operation, as a handler has it. See
/// [scope and operation](crate::rules::semantics#scope-and-operation).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation<'a>(Words<'a>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Words<'a> {
    Route([&'a str; 2]),
    Named([&'a str; 1]),
}

impl<'a> Operation<'a> {
    /// The default operation of an HTTP handler: its method in capital letters, and its route template, such as
    /// `/payments/{id}`.
    pub const fn route(method: &'a str, template: &'a str) -> Self {
        Self(Words::Route([method, template]))
    }

    /// The operation that the attribute's `operation` names, or the name of a plain function.
    pub const fn named(name: &'a str) -> Self {
        Self(Words::Named([name]))
    }

    /// The parts of the name. They are hashed separately.
    pub const fn words(&self) -> &[&'a str] {
        match &self.0 {
            Words::Route(words) => words,
            Words::Named(words) => words,
        }
    }
}
