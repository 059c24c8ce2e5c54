#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

/// A part as a test writes it: its header lines and its content.
type Text<'a> = (&'a [&'a str], &'a [u8]);

const EMPTY: Text<'static> = (&[], b"");
const NOTE: Text<'static> = (&["Content-Disposition: form-data; name=\"note\""], b"hi");
const FILE: Text<'static> = (
    &["Content-Disposition: form-data; name=\"f\"; filename=\"f.txt\"", "Content-Type: text/plain"],
    b"line\r\n--line\n\r\n",
);

fn body(boundary: &str, parts: &[Text<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (head, content) in parts {
        body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        for line in *head {
            body.extend_from_slice(format!("{line}\r\n").as_bytes());
        }
        body.extend_from_slice(&[b"\r\n", *content, b"\r\n"].concat());
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    body
}

fn digest(body: &[u8], boundary: &str) -> Option<[u8; 32]> {
    let parts = Multipart::split(body, boundary.as_bytes())?;
    let mut digest = PartDigest::new(None);
    parts.write_to(&mut digest);
    Some(digest.finish())
}

fn digest_of(parts: &[Text<'_>]) -> [u8; 32] {
    digest(&body("b", parts), "b").unwrap()
}

#[test]
fn only_the_boundary_and_the_case_of_names_are_ignored() {
    let expected = digest_of(&[NOTE, FILE]);
    assert_eq!(digest(&body("other", &[NOTE, FILE]), "other"), Some(expected));
    let lower: Text<'_> = (&["content-disposition: form-data; name=\"note\""], b"hi");
    assert_eq!(digest_of(&[lower, FILE]), expected);
    let without_line_end = body("b", &[NOTE, FILE]);
    assert_eq!(digest(without_line_end.strip_suffix(b"\r\n").unwrap(), "b"), Some(expected));
}

#[test]
fn every_other_difference_counts() {
    let value: Text<'_> = (&["Content-Disposition:form-data; name=\"note\""], b"hi");
    let headless: Text<'_> = (&[], b"hi");
    let line_as_content: Text<'_> =
        (&[], b"Content-Disposition: form-data; name=\"note\"\r\n\r\nhi");
    let forms: &[&[Text<'_>]] = &[
        &[NOTE, FILE],
        &[FILE, NOTE],
        &[NOTE],
        &[NOTE, NOTE],
        &[],
        &[(NOTE.0, b"ho"), FILE],
        &[(NOTE.0, b""), FILE],
        &[value, FILE],
        &[headless, FILE],
        &[line_as_content, FILE],
        &[NOTE, (&FILE.0[..1], FILE.1)],
    ];
    let digests: Vec<_> = forms.iter().map(|form| digest_of(form)).collect();
    for (n, one) in digests.iter().enumerate() {
        assert!(!digests[n + 1..].contains(one), "form {n}");
    }
}

#[test]
fn bodies_that_are_compared_as_bytes() {
    let whole = String::from_utf8(body("b", &[NOTE])).unwrap();
    let many = body("b", &[EMPTY; MAX_PARTS + 1]);
    assert!(digest(&body("b", &[EMPTY; MAX_PARTS]), "b").is_some());
    for (problem, body) in [
        ("a preamble", format!("preamble\r\n{whole}")),
        ("a line end before the first delimiter", format!("\r\n{whole}")),
        ("an epilogue", format!("{whole}epilogue")),
        ("more than one line end after the last delimiter", format!("{whole}\r\n")),
        ("no last delimiter", whole.replace("--b--\r\n", "")),
        ("a delimiter in place of the last one", whole.replace("--b--", "--b")),
        ("another boundary", whole.replace("--b", "--c")),
        ("padding after a delimiter", whole.replacen("--b\r\n", "--b \r\n", 1)),
        ("line feeds alone", whole.replace("\r\n", "\n")),
        ("a delimiter after a line feed alone", whole.replace("hi", "hi\n--b")),
        ("a delimiter within a line", whole.replace("hi", "hi--b")),
        ("a line that begins with a delimiter", whole.replace("hi", "hi\r\n--bc\r\n\r\n")),
        ("a head without an end", whole.replace("\r\n\r\nhi", "")),
        ("a header line without a colon", whole.replace("Content-Disposition:", "Content")),
        ("a header line without a name", whole.replace("Content-Disposition:", ":")),
        ("a space after the name", whole.replace("Content-Disposition:", "Content-Disposition :")),
        ("a folded header line", whole.replace("; name", ";\r\n name")),
        ("a line feed in a header line", whole.replace("; name", ";\nname")),
        ("a carriage return in a header line", whole.replace("; name", ";\rname")),
        ("an empty body", String::new()),
        ("too many parts", String::from_utf8(many).unwrap()),
    ] {
        assert_eq!(digest(body.as_bytes(), "b"), None, "{problem}");
    }
}

/// The input of the digest is different for different parts.
#[test]
fn headers_and_contents_are_not_mixed_up() {
    let one: &[Text<'_>] = &[(&["a:1", "b:2"], b"c"), (&[], b"d")];
    let other: &[Text<'_>] = &[(&["a:1"], b"b:2c"), (&[], b"d")];
    let moved: &[Text<'_>] = &[(&["a:1", "b:2"], b""), (&[], b"cd")];
    assert_ne!(digest_of(one), digest_of(other));
    assert_ne!(digest_of(one), digest_of(moved));
}

prop_compose! {
    fn any_part()(
        lines in prop::collection::vec("[A-Za-z-]{1,12}:[ -~]{0,20}", 0..3),
        content in prop::collection::vec(any::<u8>(), 0..60),
    ) -> (Vec<String>, Vec<u8>) {
        (lines, content)
    }
}

proptest! {
    /// A body has one fingerprint, whatever its boundary is, as long as no part contains it.
    #[test]
    fn the_boundary_does_not_matter(
        parts in prop::collection::vec(any_part(), 0..5),
        boundaries in ["[A-Za-z0-9'+_./:=?-]{16,70}", "[A-Za-z0-9'+_./:=?-]{16,70}"],
    ) {
        let lines: Vec<Vec<&str>> =
            parts.iter().map(|(lines, _)| lines.iter().map(String::as_str).collect()).collect();
        let texts: Vec<Text<'_>> =
            lines.iter().zip(&parts).map(|(lines, (_, content))| (&lines[..], &content[..])).collect();
        let [one, other] = boundaries.map(|boundary| digest(&body(&boundary, &texts), &boundary));
        prop_assert!(one.is_some());
        prop_assert_eq!(one, other);
    }

    /// Splitting ends for any bytes, and a split body is rebuilt from its parts.
    #[test]
    fn parts_are_the_whole_body(text in "(--b|\r\n|a:1|-|\n){0,30}") {
        if let Some(Multipart(parts)) = Multipart::split(text.as_bytes(), b"b") {
            let mut rebuilt = Vec::new();
            for Part { head, content } in &parts {
                rebuilt.extend_from_slice(&[b"--b\r\n", *head, b"\r\n", content, b"\r\n"].concat());
            }
            rebuilt.extend_from_slice(b"--b--");
            prop_assert_eq!(text.strip_suffix("\r\n").unwrap_or(&text).as_bytes(), rebuilt);
        }
    }
}
