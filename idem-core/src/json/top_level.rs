//! The members of a canonical object.

/// Returns the members of the outermost object, each as its name without quotes and its value. `canonical` is
/// [canonical](super::canonical) text; any other text than an object has no members.
pub(crate) fn members(canonical: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut members = Vec::new();
    let mut rest = canonical.strip_prefix(b"{").unwrap_or_default();
    while rest.first() == Some(&b'"') {
        let (name, after) = split(rest);
        let (value, after) = split(after);
        members.push((&name[1..name.len() - 1], value));
        rest = after;
    }
    members
}

/// Splits text before the first `:`, `,` or `}` that is in no string and in no inner value, and drops that byte.
fn split(text: &[u8]) -> (&[u8], &[u8]) {
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    let is_end = |byte: &u8| {
        if in_string {
            in_string = *byte != b'"' || is_escaped;
            is_escaped = *byte == b'\\' && !is_escaped;
            return false;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b':' | b',' => return depth == 0,
            b'}' | b']' if depth == 0 => return true,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        false
    };
    let end = text.iter().position(is_end).unwrap_or(text.len());
    (&text[..end], text.get(end + 1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::canonical;
    use super::*;

    fn split(body: &str) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let canonical = canonical(body.as_bytes()).unwrap();
        members(&canonical).into_iter().map(|(name, value)| (text(name), text(value))).collect()
    }

    #[test]
    fn members_are_split_at_the_outermost_level() {
        let body = r#" { "b": {"x":[1,{"y":"}"}]}, "a": "q\"}:,\\", "": null, "c,\"": [] } "#;
        let expected = [
            ("", "null"),
            ("a", r#""q\"}:,\\""#),
            ("b", r#"{"x":[1,{"y":"}"}]}"#),
            (r#"c,\""#, "[]"),
        ];
        assert_eq!(split(body), expected.map(|(name, value)| (name.into(), value.into())));
    }

    #[test]
    fn other_values_have_no_members() {
        for body in ["{}", "[{\"a\":1}]", "\"{\\\"a\\\":1}\"", "1", "null"] {
            assert!(split(body).is_empty(), "{body}");
        }
    }
}
