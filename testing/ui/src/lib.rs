//! This package has only tests: the compile errors of the attribute.
