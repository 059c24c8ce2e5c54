//! The canonical form of `application/x-www-form-urlencoded` bodies
//! ([form bodies](crate::rules::semantics#form-bodies)).

/// Returns the decoded pairs of `body` as text, or `None` if it must be compared as bytes: it is not ASCII, or has a `%`
/// without two hexadecimal digits after it.
///
/// Pairs are split as by the URL standard: empty pairs are skipped, and a name without `=` has an empty value. The text
/// is `name=value&name=value`, in which `%`, `&`, `=` and `+` of names and values are escaped. All other bytes are
/// decoded, also those that are not UTF-8: a library that replaces them would make different bodies equal.
pub(super) fn canonical(body: &[u8]) -> Option<Vec<u8>> {
    if !body.is_ascii() {
        return None;
    }
    let mut text = Vec::with_capacity(body.len() + 1);
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        if !text.is_empty() {
            text.push(b'&');
        }
        let name_end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        decode(&mut text, &pair[..name_end])?;
        text.push(b'=');
        decode(&mut text, pair.get(name_end + 1..).unwrap_or_default())?;
    }
    Some(text)
}

/// Appends a decoded name or value.
fn decode(text: &mut Vec<u8>, encoded: &[u8]) -> Option<()> {
    let mut bytes = encoded.iter().copied();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'+' => b' ',
            b'%' => hex_digit(bytes.next()?)? << 4 | hex_digit(bytes.next()?)?,
            other => other,
        };
        match byte {
            b'%' => text.extend_from_slice(b"%25"),
            b'&' => text.extend_from_slice(b"%26"),
            b'=' => text.extend_from_slice(b"%3D"),
            b'+' => text.extend_from_slice(b"%2B"),
            other => text.push(other),
        }
    }
    Some(())
}

const fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_with_equal_pairs_have_one_form() {
        for (bodies, expected) in [
            (&["a=1&b=2", "%61=%31&b=2", "a=1&&b=2&"][..], "a=1&b=2"),
            (&["a", "a=", "&%61="], "a="),
            (&["a=b c", "a=b+c", "a=b%20c"], "a=b c"),
            (&["a=1=2", "a=1%3d2", "a=1%3D2"], "a=1%3D2"),
            (&["a=%2B%25%26", "a=%2b%25%26"], "a=%2B%25%26"),
            (&["", "&", "&&"], ""),
            (&["="], "="),
        ] {
            for body in bodies {
                assert_eq!(canonical(body.as_bytes()), Some(expected.into()), "{body}");
            }
        }
        assert_eq!(canonical(b"a=%FF"), Some(b"a=\xff".to_vec()));
    }

    #[test]
    fn bodies_without_a_canonical_form() {
        for body in [&b"a=%"[..], b"a=%6", b"a=%6g", b"a=%+1", b"a=\xff", "ä=1".as_bytes()] {
            assert_eq!(canonical(body), None, "{body:?}");
        }
    }
}
