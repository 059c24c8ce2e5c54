#![allow(clippy::unwrap_used, reason = "tests")]

use std::borrow::Cow;
use std::sync::Arc;

use proptest::prelude::*;

use super::{IdempotencyKey, KeyError, KeySyntax, KeyValue};
use KeyError::{Blank, Character, Malformed, Repeated, TooLong, Unquoted};

fn read(lines: &[&[u8]], syntax: KeySyntax) -> Result<Option<String>, KeyError> {
    let key = IdempotencyKey::from_header(lines.iter().copied(), syntax)?;
    Ok(key.map(|key| key.as_str().to_owned()))
}

fn read_one(line: &[u8], syntax: KeySyntax) -> Result<String, KeyError> {
    read(&[line], syntax).map(Option::unwrap)
}

/// A header line with its expected result in lenient and in strict syntax.
type Row = (&'static [u8], Result<&'static str, KeyError>, Result<&'static str, KeyError>);

const QUOTED: &[Row] = &[
    (br#""abc""#, Ok("abc"), Ok("abc")),
    (b" \t\"abc\"\t ", Ok("abc"), Ok("abc")),
    (br#""ABC""#, Ok("ABC"), Ok("ABC")),
    (br#"" a b ""#, Ok(" a b "), Ok(" a b ")),
    (br#""a,b;c=d""#, Ok("a,b;c=d"), Ok("a,b;c=d")),
    (br#""a\"b\\c""#, Ok(r#"a"b\c"#), Ok(r#"a"b\c"#)),
    (br#""abc";v=1;w="x";y;z=?0"#, Ok("abc"), Ok("abc")),
    (br#""abc"; v=1"#, Ok("abc"), Ok("abc")),
    (br#""""#, Err(Blank), Err(Blank)),
    (br#""  ""#, Err(Blank), Err(Blank)),
    (br#"""#, Err(Malformed), Err(Malformed)),
    (br#""abc"#, Err(Malformed), Err(Malformed)),
    (br#""abc\""#, Err(Malformed), Err(Malformed)),
    (br#""a\bc""#, Err(Malformed), Err(Malformed)),
    (br#""abc"d"#, Err(Malformed), Err(Malformed)),
    (br#""abc" "def""#, Err(Malformed), Err(Malformed)),
    (br#""abc";"#, Err(Malformed), Err(Malformed)),
    (br#""abc" ;v=1"#, Err(Malformed), Err(Malformed)),
    (br#""abc", "abc""#, Err(Malformed), Err(Malformed)),
    (br#""abc","#, Err(Malformed), Err(Malformed)),
    (b"\"a\tb\"", Err(Character), Err(Character)),
    (b"\"a\x7fb\"", Err(Character), Err(Character)),
    (b"\"a\0b\"", Err(Character), Err(Character)),
    ("\"é\"".as_bytes(), Err(Character), Err(Character)),
    (b"\"\xff\"", Err(Character), Err(Character)),
];

const BARE: &[Row] = &[
    (b"abc", Ok("abc"), Err(Unquoted)),
    (b"\t abc \t", Ok("abc"), Err(Unquoted)),
    (
        b"8e03978e-40d5-43dd-bc93-6894a57f9324",
        Ok("8e03978e-40d5-43dd-bc93-6894a57f9324"),
        Err(Unquoted),
    ),
    (b"_a", Ok("_a"), Err(Unquoted)),
    (b"-1", Ok("-1"), Err(Unquoted)),
    (b"1.5", Ok("1.5"), Err(Unquoted)),
    (
        b"a:b/c?d=e&f@g#h'i(j)[k]{l}<m>~!$%^*+|`",
        Ok("a:b/c?d=e&f@g#h'i(j)[k]{l}<m>~!$%^*+|`"),
        Err(Unquoted),
    ),
    (b"null", Ok("null"), Err(Unquoted)),
    (b"a b", Err(Malformed), Err(Unquoted)),
    (b"a\"b", Err(Malformed), Err(Unquoted)),
    (b"abc\"", Err(Malformed), Err(Unquoted)),
    (b"a,b", Err(Malformed), Err(Unquoted)),
    (b"abc, abc", Err(Malformed), Err(Unquoted)),
    (b"abc,", Err(Malformed), Err(Unquoted)),
    (b"abc;v=1", Err(Malformed), Err(Unquoted)),
    (b"a\\b", Err(Malformed), Err(Unquoted)),
    (b"(abc)", Err(Malformed), Err(Unquoted)),
    (br#"("abc" "def")"#, Err(Malformed), Err(Unquoted)),
    (b"?1", Err(Malformed), Err(Unquoted)),
    (b":YWJj:", Err(Malformed), Err(Unquoted)),
    (b"@1659578233", Err(Malformed), Err(Unquoted)),
    (b"%\"abc\"", Err(Malformed), Err(Unquoted)),
    (b"*abc", Err(Malformed), Err(Unquoted)),
    (b"'abc'", Err(Malformed), Err(Unquoted)),
    (b".", Err(Malformed), Err(Unquoted)),
    (b"", Err(Blank), Err(Blank)),
    (b" \t ", Err(Blank), Err(Blank)),
    (b"a\tb", Err(Character), Err(Character)),
    (b"a\rb", Err(Character), Err(Character)),
    (b"a\x7f", Err(Character), Err(Character)),
    ("clé".as_bytes(), Err(Character), Err(Character)),
    (b"\xff", Err(Character), Err(Character)),
    ("a\u{a0}".as_bytes(), Err(Character), Err(Character)),
];

#[test]
fn header_lines() {
    for (line, lenient, strict) in QUOTED.iter().chain(BARE) {
        let shown = String::from_utf8_lossy(line);
        assert_eq!(read_one(line, KeySyntax::Lenient), lenient.map(str::to_owned), "{shown:?}");
        assert_eq!(read_one(line, KeySyntax::Strict), strict.map(str::to_owned), "{shown:?}");
    }
}

#[test]
fn several_lines_or_none() {
    for syntax in [KeySyntax::Lenient, KeySyntax::Strict] {
        assert_eq!(read(&[], syntax), Ok(None));
        assert_eq!(read(&[b""], syntax), Err(Blank));
        assert_eq!(read(&[b"\"a\"", b"\"a\""], syntax), Err(Repeated));
        assert_eq!(read(&[b"\"a\"", b"\"b\""], syntax), Err(Repeated));
        assert_eq!(read(&[b"\"a\"", b""], syntax), Err(Repeated));
        assert_eq!(read(&[b"", b"\"a\""], syntax), Err(Repeated));
    }
}

#[test]
fn a_key_has_at_most_255_characters() {
    let (fits, too_long) = ("k".repeat(255), "k".repeat(256));
    assert_eq!(IdempotencyKey::new(fits.as_str()).unwrap().as_str(), fits);
    assert_eq!(IdempotencyKey::new(too_long.as_str()), Err(TooLong));
    for syntax in [KeySyntax::Lenient, KeySyntax::Strict] {
        assert_eq!(read_one(format!("\"{fits}\"").as_bytes(), syntax), Ok(fits.clone()));
        assert_eq!(read_one(format!("\"{too_long}\"").as_bytes(), syntax), Err(TooLong));
    }
    assert_eq!(read_one(fits.as_bytes(), KeySyntax::Lenient), Ok(fits));
    assert_eq!(read_one(too_long.as_bytes(), KeySyntax::Lenient), Err(TooLong));
    // The length is that of the decoded text.
    let escaped = format!("\"{}\"", r"\\".repeat(255));
    assert_eq!(read_one(escaped.as_bytes(), KeySyntax::Strict), Ok(r"\".repeat(255)));
}

#[test]
fn text_of_a_key() {
    assert_eq!(IdempotencyKey::new(""), Err(Blank));
    assert_eq!(IdempotencyKey::new("   "), Err(Blank));
    assert_eq!(IdempotencyKey::new(" ~").unwrap().as_str(), " ~");
    assert_eq!(AsRef::<str>::as_ref(&IdempotencyKey::new(" ~").unwrap()), " ~");
    assert_eq!(IdempotencyKey::new("a\n"), Err(Character));
    assert_eq!(IdempotencyKey::new("\u{7f}"), Err(Character));
    assert_eq!(IdempotencyKey::new("é".to_owned()), Err(Character));
    assert_ne!(IdempotencyKey::new("a"), IdempotencyKey::new("A"));
}

#[test]
fn quoted_and_bare_are_one_key() {
    let [quoted, bare] = [&b"\"abc\""[..], b"abc"].map(|line| read_one(line, KeySyntax::Lenient));
    assert_eq!(quoted, bare);
}

#[test]
fn nothing_shows_the_text() {
    let key = IdempotencyKey::new("hunter2").unwrap();
    assert_eq!(format!("{key:?}"), "IdempotencyKey(7 characters)");
    for error in [Repeated, Blank, TooLong, Character, Malformed, Unquoted] {
        let message = error.to_string();
        assert!(message.contains("; send "), "no hint: {message}");
    }
}

#[test]
fn keys_of_values() {
    let key = |text| IdempotencyKey::new(text).unwrap();
    let owned = "evt_1".to_owned();
    assert_eq!(IdempotencyKey::of("evt_1"), Ok(key("evt_1")));
    assert_eq!(IdempotencyKey::of(&owned), Ok(key("evt_1")));
    assert_eq!(IdempotencyKey::of(&&owned), Ok(key("evt_1")));
    assert_eq!(IdempotencyKey::of(&key("evt_1")), Ok(key("evt_1")));
    assert_eq!(IdempotencyKey::of(&Cow::Borrowed("evt_1")), Ok(key("evt_1")));
    assert_eq!(IdempotencyKey::of(&Cow::<str>::Owned(owned)), Ok(key("evt_1")));
    assert_eq!(IdempotencyKey::of(&Box::<str>::from("evt_1")), Ok(key("evt_1")));
    assert_eq!(IdempotencyKey::of(&Arc::<str>::from("evt_1")), Ok(key("evt_1")));
    assert_eq!(IdempotencyKey::of(&-7_i64), Ok(key("-7")));
    assert_eq!(u128::MAX.to_key(), Ok(key("340282366920938463463374607431768211455")));
    assert_eq!(IdempotencyKey::of(""), Err(Blank));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(lines in prop::collection::vec(any::<Vec<u8>>(), 0..3)) {
        for syntax in [KeySyntax::Lenient, KeySyntax::Strict] {
            let lines = lines.iter().map(Vec::as_slice);
            if let Ok(Some(key)) = IdempotencyKey::from_header(lines, syntax) {
                prop_assert_eq!(IdempotencyKey::new(key.as_str()), Ok(key));
            }
        }
    }

    #[test]
    fn header_characters_never_panic(line in "[\"\\\\,;:?@()=*a1 \t]{0,12}") {
        let strict = read(&[line.as_bytes()], KeySyntax::Strict);
        if strict.is_ok() {
            prop_assert_eq!(read(&[line.as_bytes()], KeySyntax::Lenient), strict);
        }
    }

    #[test]
    fn every_key_has_a_quoted_form(text in "[ -~]{0,254}[!-~]") {
        let escaped = text.replace('\\', r"\\").replace('"', "\\\"");
        let line = format!("\"{escaped}\"");
        for syntax in [KeySyntax::Lenient, KeySyntax::Strict] {
            prop_assert_eq!(read_one(line.as_bytes(), syntax), Ok(text.clone()));
        }
    }
}
