//! Texts with their expected canonical forms.

/// Frozen. Stored fingerprints are digests of these bytes, so a change here needs a new version of the fingerprint.
pub(super) const GOLDEN: &[(&str, &str)] = &[
    ("null", "null"),
    (" \t\r\n[ true , false ] \n", "[true,false]"),
    ("{ }", "{}"),
    ("[ ]", "[]"),
    (r#""""#, r#""""#),
    (r#"{"b":1,"a":2}"#, r#"{"a":2,"b":1}"#),
    (r#"{"a":null}"#, r#"{"a":null}"#),
    (r#"[3,1,2]"#, "[3,1,2]"),
    (r#"{"ab":1,"a!":2,"a":3,"":4,"B":5}"#, r#"{"":4,"B":5,"a":3,"a!":2,"ab":1}"#),
    (r#"{"é":1,"z":2,"\n":3,"€":4,"😀":5,"～":6}"#, r#"{"\n":3,"z":2,"é":1,"€":4,"～":6,"😀":5}"#),
    (
        r#"{"c":{"z":[{"n":2,"m":1}],"y":0},"a":{"x":{},"b":"}"}}"#,
        r#"{"a":{"b":"}","x":{}},"c":{"y":0,"z":[{"m":1,"n":2}]}}"#,
    ),
    (r#"[{"a": {"d":1,"c":2}, "b":{"f":3,"e":4}}]"#, r#"[{"a":{"c":2,"d":1},"b":{"e":4,"f":3}}]"#),
    (r#"{"b":{"d":1,"c":2},"a":{"f":3, "e":4}}"#, r#"{"a":{"e":4,"f":3},"b":{"c":2,"d":1}}"#),
    (r#""\u0041\/\u00e9\u20AC\ud83d\uDE00\u007f""#, "\"A/é€😀\u{7f}\""),
    (r#""\u0022\u005c\u0008\u000C\u000a\u000d\u0009""#, r#""\"\\\b\f\n\r\t""#),
    (r#""\"\\\b\f\n\r\t\u0000\u001F""#, r#""\"\\\b\f\n\r\t\u0000\u001f""#),
    ("[0,-0,0.0,1,1.0,1e0,1E0,1e+0,1e-0]", "[0,-0,0.0,1,1.0,1e0,1E0,1e+0,1e-0]"),
    ("[9007199254740992,9007199254740993,1e999]", "[9007199254740992,9007199254740993,1e999]"),
];

/// Texts without a canonical form, grouped by their mistake.
pub(super) const REFUSED: &[(&str, &[&str])] = &[
    ("not a value", &["", " ", "nul", "True", "nullx", "null null", "'a'", "1 // one"]),
    ("an array", &["[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[}"]),
    ("an object", &["{", "}", "{]", r#"{"a"}"#, r#"{"a":}"#, r#"{"a":1"#, r#"{"a":1,}"#]),
    ("a member", &[r#"{"a":1 "b":2}"#, "{1:2}", "{a:1}"]),
    ("one name twice", &[r#"{"a":1,"a":1}"#, r#"{"b":0,"a":1,"\u0061":2}"#]),
    ("one name twice inside", &[r#"[{"c":{"x":1,"y":2,"x":3}}]"#, r#"{"":1,"":2}"#]),
    ("a number", &["-", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "0x1", "1_0", "--1", "NaN"]),
    ("an open string", &["\"", r#""\""#, r#""\"#, r#""\u12"#]),
    (
        "an escape",
        &[r#""\x41""#, r#""\u12""#, r#""\u12g4""#, r#""\u+123""#, r#""\U0041""#, r#""\é""#],
    ),
    ("a control character", &["\"\n\"", "\"\0\"", "\"\u{1f}\""]),
    ("half a surrogate pair", &[r#""\ud800""#, r#""\udc00""#, r#""\ud800x""#, r#""\ud800\n""#]),
    ("two wrong halves", &[r#""\ud800\ud800""#, r#""\udc00\ud800""#, r#""\udc00\udc00""#]),
    ("not a space of JSON", &["\u{feff}1", "1\u{a0}", "\u{c}1"]),
];
