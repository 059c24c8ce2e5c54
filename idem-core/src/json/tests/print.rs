//! Random JSON values, and random ways to print them.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

/// A random value. `serde_json` reads its numbers back exactly.
pub(super) fn any_value() -> impl Strategy<Value = Value> + Clone {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|quarters| Value::from(f64::from(quarters) / 4.0)),
        any::<String>().prop_map(Value::from),
    ];
    scalar.prop_recursive(5, 64, 8, |inner| {
        let name = prop_oneof![any::<String>(), "[a-c\"\\\\\n!#]{0,2}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..8)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// JSON, almost valid JSON, and strings of the characters that JSON uses.
pub(super) fn any_text() -> impl Strategy<Value = String> {
    let json = (any_value(), any::<Vec<u8>>()).prop_map(|(value, choices)| print(&value, &choices));
    let characters = "[\\[\\]{},:\"\\\\/ \nu\u{1}0dD89.eE+\\-truefalsn]{0,16}";
    let nearly =
        (json.clone(), any::<Index>(), any::<bool>(), "[\\[\\]{},:\"\\\\ 0-9a-f.eE+\\-]{0,2}");
    prop_oneof![
        json,
        nearly.prop_map(|(text, at, replace, new)| edit(&text, at, replace, &new)),
        characters,
        "(\\{(\"(a|b|\\\\u006[12])\":[01],?){0,3}\\}|\\[|\\]|,|1){1,4}",
        "\"(\\\\u[dD][89aBcD]0[01]|x|\\\\n){0,4}\"",
    ]
}

fn edit(text: &str, at: Index, replace: bool, new: &str) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let start = at.index(characters.len());
    characters.splice(start..start + usize::from(replace), new.chars());
    characters.into_iter().collect()
}

/// Prints `value`. `choices` determine the whitespace, the escapes and the order of members.
pub(super) fn print(value: &Value, choices: &[u8]) -> String {
    let choices = choices.iter().copied().chain([0]).collect::<Vec<_>>();
    let mut printer = Loose { text: String::new(), choices: choices.into_iter().cycle() };
    printer.value(value);
    printer.text
}

struct Loose<I> {
    text: String,
    choices: I,
}

impl<I: Iterator<Item = u8>> Loose<I> {
    fn choose(&mut self, limit: usize) -> usize {
        self.choices.next().map_or(0, usize::from) % limit
    }

    fn space(&mut self) {
        let space = ["", " ", "\n", "\t\r\n "][self.choose(4)];
        self.text += space;
    }

    fn value(&mut self, value: &Value) {
        self.space();
        match value {
            Value::Array(elements) => {
                self.list(["[", "]"], elements, |printer, element| {
                    printer.value(element);
                });
            }
            Value::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                (1..members.len()).for_each(|last| members.swap(last, self.choose(last + 1)));
                self.list(["{", "}"], members, |printer, (name, value)| {
                    printer.space();
                    printer.string(name);
                    printer.space();
                    printer.text.push(':');
                    printer.value(value);
                });
            }
            Value::String(text) => self.string(text),
            scalar => self.text += &scalar.to_string(),
        }
        self.space();
    }

    fn list<T>(
        &mut self,
        [open, close]: [&str; 2],
        elements: impl IntoIterator<Item = T>,
        mut print: impl FnMut(&mut Self, T),
    ) {
        self.text += open;
        for (index, element) in elements.into_iter().enumerate() {
            self.text += if index > 0 { "," } else { "" };
            print(self, element);
        }
        self.space();
        self.text += close;
    }

    fn string(&mut self, text: &str) {
        self.text.push('"');
        for character in text.chars() {
            match (self.choose(3), character) {
                (0, _) => self.escape(character),
                (1, '/') => self.text += "\\/",
                (_, '"' | '\\' | '\0'..='\u{1f}') => {
                    let quoted = Value::from(character.to_string()).to_string();
                    self.text += &quoted[1..quoted.len() - 1];
                }
                _ => self.text.push(character),
            }
        }
        self.text.push('"');
    }

    fn escape(&mut self, character: char) {
        for unit in character.encode_utf16(&mut [0; 2]) {
            let code = match self.choose(2) {
                0 => format!("\\u{unit:04x}"),
                _ => format!("\\u{unit:04X}"),
            };
            self.text += &code;
        }
    }
}
