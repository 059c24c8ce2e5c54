//! The scope of a key, as the command line gives it.

use idem_core::http::Scope;
use idem_core::{ScopeParts, ScopeValue};

use crate::args::Find;
use crate::failure::Failure;

/// One value of a scope with its parts.
struct Value(Vec<String>);

impl ScopeValue for Value {
    fn write_parts(&self, parts: &mut ScopeParts) {
        self.0.iter().for_each(|part| parts.push(part));
    }
}

impl Value {
    /// A JSON array of strings is a value with several parts. All other text is one part.
    fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap_or_else(|_| vec![text.to_owned()]))
    }
}

/// Returns the scope of the arguments. Several values are a tuple, as in `scope = "(tenant, user)"`.
pub(crate) fn of(find: &Find) -> Result<Scope, Failure> {
    if find.global {
        return Ok(Scope::global());
    }
    let values: Vec<_> = find.scope.iter().map(|text| Value::parse(text)).collect();
    match &values[..] {
        [a] => Ok(Scope::of(a)),
        [a, b] => Ok(Scope::of(&(a, b))),
        [a, b, c] => Ok(Scope::of(&(a, b, c))),
        [a, b, c, d] => Ok(Scope::of(&(a, b, c, d))),
        values => {
            Err(Failure::Usage(format!("a scope has up to four values, not {}", values.len())))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn scope(values: &[&str]) -> Scope {
        let scope = values.iter().map(|value| (*value).to_owned()).collect();
        of(&Find { key: String::new(), scope, global: false, operation: Vec::new() }).unwrap()
    }

    #[test]
    fn text_is_one_part_and_an_array_is_several() {
        assert_eq!(scope(&["acme"]), Scope::of("acme"));
        assert_eq!(scope(&["42"]), Scope::of(&42));
        assert_eq!(scope(&[r#"["acme"]"#]), Scope::of("acme"));
        let two = Value(vec!["acme".into(), "eu".into()]);
        assert_eq!(scope(&[r#"["acme","eu"]"#]), Scope::of(&two));
        assert_ne!(scope(&["acme,eu"]), Scope::of(&two));
    }

    #[test]
    fn repeated_values_are_a_tuple() {
        assert_eq!(scope(&["acme", "ada"]), Scope::of(&("acme", "ada")));
        let five = vec![String::from("a"); 5];
        let find = Find { key: String::new(), scope: five, global: false, operation: Vec::new() };
        assert!(of(&find).is_err());
    }
}
