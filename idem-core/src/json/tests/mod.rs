#![allow(clippy::unwrap_used, reason = "tests")]

mod oracle;
mod print;
mod table;

use proptest::prelude::*;
use serde_json::{Value, json};

use print::{any_text, any_value, print};
use table::{GOLDEN, REFUSED};

fn canonical(body: &[u8]) -> Option<Vec<u8>> {
    super::canonical(body).map(std::borrow::Cow::into_owned)
}

fn canonical_text(body: &str) -> Option<String> {
    canonical(body.as_bytes()).map(|text| String::from_utf8(text).unwrap())
}

#[test]
fn golden_vectors() {
    for (body, expected) in GOLDEN {
        assert_eq!(canonical_text(body).as_deref(), Some(*expected), "{body}");
    }
}

#[test]
fn bodies_without_a_canonical_form() {
    for (problem, bodies) in REFUSED {
        for body in *bodies {
            assert_eq!(canonical_text(body), None, "{problem}: {body:?}");
        }
    }
    for body in [&b"\"\xff\""[..], b"\"\xc0\x80\"", b"\"\xed\xa0\x80\"", b"{} \xff"] {
        assert_eq!(canonical(body), None, "{body:?}");
    }
}

#[test]
fn nesting_is_limited_to_128_levels() {
    let arrays = |depth| "[".repeat(depth) + &"]".repeat(depth);
    let objects = |depth| r#"{"a":"#.repeat(depth) + "1" + &"}".repeat(depth);
    for nested in [&arrays as &dyn Fn(usize) -> String, &objects] {
        assert_eq!(canonical_text(&nested(128)), Some(nested(128)));
        assert_eq!(canonical_text(&nested(129)), None);
    }
    assert_eq!(canonical_text(&"[".repeat(1_000_000)), None);
}

#[test]
fn members_are_sorted_at_every_level_of_a_deep_body() {
    let levels = super::MAX_DEPTH - 1;
    let body = r#"{"b": 1, "a": "#.repeat(levels)
        + "0}"
        + &r#", "aa": [2, {"d":3,"c":4}]}"#.repeat(levels - 1);
    let expected = r#"{"a":"#.repeat(levels)
        + r#"0,"b":1}"#
        + &r#","aa":[2,{"c":4,"d":3}],"b":1}"#.repeat(levels - 1);
    assert_eq!(canonical_text(&body), Some(expected));
}

/// Text is scanned by machine words. A special byte is found at every position, and no other byte is mistaken for one.
#[test]
fn special_bytes_are_found_at_every_position() {
    for plain in ["x", " ", "!", "#", "[", "]", "\u{7f}", "\u{a2}", "é", "€", "😀"] {
        for count in 0..80 {
            let run = plain.repeat(count);
            let twice = format!("[\"{run}\",\"{run}\"]");
            assert_eq!(canonical_text(&twice), Some(twice));
            let slash = canonical_text(&format!(r#""{run}\/{run}""#));
            assert_eq!(slash, Some(format!("\"{run}/{run}\"")));
            for control in ["\0", "\t", "\u{1f}"] {
                assert_eq!(canonical_text(&format!("\"{run}{control}{run}\"")), None);
            }
        }
    }
}

#[test]
fn different_values_have_different_texts() {
    let differ = [
        (r#"{"a":null}"#, "{}"),
        ("9007199254740992", "9007199254740993"),
        ("1.0", "1"),
        ("1", "\"1\""),
        ("[1,2]", "[2,1]"),
        ("{}", "[]"),
        (r#"{"a":{},"b":1}"#, r#"{"a":{"b":1}}"#),
        (r#"{"a":"\",\"b\":\""}"#, r#"{"a":"","b":""}"#),
    ];
    for (a, b) in differ {
        assert!(canonical_text(a).is_some() && canonical_text(b).is_some(), "{a} {b}");
        assert_ne!(canonical_text(a), canonical_text(b));
    }
}

proptest! {
    #[test]
    fn all_prints_of_a_value_have_one_canonical_text(
        value in any_value(),
        one in any::<Vec<u8>>(),
        other in any::<Vec<u8>>(),
    ) {
        let expected = canonical(value.to_string().as_bytes());
        prop_assert!(expected.is_some());
        prop_assert_eq!(&canonical(print(&value, &one).as_bytes()), &expected);
        prop_assert_eq!(&canonical(print(&value, &other).as_bytes()), &expected);
        prop_assert_eq!(&canonical(format!("{value:#}").as_bytes()), &expected);
    }

    /// Different values therefore never share a text.
    #[test]
    fn canonical_text_has_the_same_value(value in any_value(), choices in any::<Vec<u8>>()) {
        let text = canonical(print(&value, &choices).as_bytes()).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn canonical_text_is_its_own_canonical_form(body in any_text()) {
        if let Some(text) = canonical(body.as_bytes()) {
            prop_assert!(text.len() <= body.len());
            prop_assert_eq!(canonical(&text), Some(text));
        }
    }

    #[test]
    fn numbers_stay_as_written(number in r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?") {
        let text = canonical_text(&format!("[ {number} ]"));
        prop_assert_eq!(text, Some(format!("[{number}]")));
    }

    #[test]
    fn accepts_what_serde_json_accepts(body in any_text()) {
        prop_assume!(oracle::accepts(body.as_bytes()).is_some());
        prop_assert_eq!(Some(canonical(body.as_bytes()).is_some()), oracle::accepts(body.as_bytes()));
    }

    #[test]
    fn accepts_the_bytes_that_serde_json_accepts(body in any::<Vec<u8>>()) {
        prop_assume!(oracle::accepts(&body).is_some());
        prop_assert_eq!(Some(canonical(&body).is_some()), oracle::accepts(&body));
    }
}

#[test]
fn the_oracle_distinguishes_values() {
    assert_eq!(oracle::accepts(br#"{"a":[1,{"b":"c"}]}"#), Some(true));
    assert_eq!(oracle::accepts(br#"{"a":1,"a":1}"#), Some(false));
    assert_eq!(oracle::accepts(b"[1e999"), None);
    let value = json!({"b": "é\n", "a": [1, null]});
    let plain = value.to_string();
    assert!((0..=255).any(|choice| print(&value, &[choice]) != plain));
}
