//! Whether the results of a function can be compared by `==`.
//!
//! A result is only stored if the value that is read back equals the one that was written. The attribute finds out at
//! compile time whether a type has `PartialEq`: of two traits with a method of one name, rustc prefers the one that needs
//! no further reference, if its bounds hold. A type without `PartialEq` is compared by its JSON.

use std::future::Future;
use std::marker::PhantomData;

/// The comparison of a type by `==`, or `None` if it has no `PartialEq`.
pub type Equality<V> = Option<fn(&V, &V) -> bool>;

/// Stands for the future `F` of a function's body. The attribute's expansion uses it.
#[derive(Debug)]
pub struct Probe<F>(PhantomData<fn(F)>);

impl<F> Probe<F> {
    /// Creates the probe of `body`.
    pub const fn of(_body: &F) -> Self {
        Self(PhantomData)
    }
}

/// The comparison of an `Ok` value that has `PartialEq`.
pub trait CompareOk {
    /// The type of the `Ok` value.
    type Value;

    /// Returns the comparison by `==`.
    fn compare_ok(&self) -> Equality<Self::Value>;
}

// The order of the bounds matters: the first one determines `T` for the second one.
impl<F, T, E> CompareOk for Probe<F>
where
    F: Future<Output = Result<T, E>>,
    T: PartialEq,
{
    type Value = T;

    fn compare_ok(&self) -> Equality<T> {
        Some(T::eq)
    }
}

/// The comparison of every other `Ok` value.
pub trait CompareOkText {
    /// Returns `None`.
    fn compare_ok<V>(&self) -> Equality<V> {
        None
    }
}

impl<F> CompareOkText for &Probe<F> {}

/// The comparison of an `Err` value that has `PartialEq`.
pub trait CompareErr {
    /// The type of the `Err` value.
    type Value;

    /// Returns the comparison by `==`.
    fn compare_err(&self) -> Equality<Self::Value>;
}

impl<F, T, E> CompareErr for Probe<F>
where
    F: Future<Output = Result<T, E>>,
    E: PartialEq,
{
    type Value = E;

    fn compare_err(&self) -> Equality<E> {
        Some(E::eq)
    }
}

/// The comparison of every other `Err` value.
pub trait CompareErrText {
    /// Returns `None`.
    fn compare_err<V>(&self) -> Equality<V> {
        None
    }
}

impl<F> CompareErrText for &Probe<F> {}
