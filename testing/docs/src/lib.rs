//! The code blocks of the documentation. Each stands in a file that is compiled.
