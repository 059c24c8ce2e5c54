//! The `key = value` list between the attribute's parentheses.

use crate::report::Report;
use crate::suggest;
use crate::symbol::{Kind, Symbol};
use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::{Lit, LitInt, LitStr};

/// What was written, each key at most once.
#[derive(Default)]
pub(crate) struct Args {
    entries: Vec<Entry>,
    /// What unknown keys were probably meant to be: reported as unknown, not as missing too.
    misspelt: Vec<Symbol>,
}

struct Entry {
    key: Symbol,
    name: Ident,
    /// Nothing where the value was a mistake, so that the key does not count as missing too.
    value: Option<Value>,
}

enum Value {
    Text(LitStr),
    Number(LitInt),
    Word,
}

impl Args {
    pub(crate) fn parse(tokens: TokenStream, keys: &[Symbol], report: &mut Report) -> Self {
        let mut args = Self::default();
        for chunk in split_at_commas(tokens) {
            args.read(&chunk, keys, report);
        }
        args
    }

    fn read(&mut self, chunk: &[TokenTree], keys: &[Symbol], report: &mut Report) {
        let [TokenTree::Ident(name), rest @ ..] = chunk else {
            report.at(stream(chunk), not_a_key(keys));
            return;
        };
        if let Some(key) = keys.iter().copied().find(|key| name == key.name()) {
            let value = report.keep(value(key, name, rest));
            self.insert(Entry { key, name: name.clone(), value }, report);
        } else {
            let meant = meant_by(name, keys);
            report.at(name, unknown_key(name, meant, keys));
            self.misspelt.extend(meant);
        }
    }

    fn insert(&mut self, entry: Entry, report: &mut Report) {
        if self.name(entry.key).is_some() {
            let name = entry.key.name();
            report.at(entry.name, format!("`{name}` is written twice; keep one"));
        } else {
            self.entries.push(entry);
        }
    }

    /// The key's own token, if the key was written, rightly or wrongly.
    pub(crate) fn name(&self, key: Symbol) -> Option<&Ident> {
        self.entry(key).map(|entry| &entry.name)
    }

    /// Whether the key was not written, not even with a slip in its name.
    pub(crate) fn is_missing(&self, key: Symbol) -> bool {
        self.entry(key).is_none() && !self.misspelt.contains(&key)
    }

    pub(crate) fn text(&self, key: Symbol) -> Option<&LitStr> {
        match &self.entry(key)?.value {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn number(&self, key: Symbol) -> Option<&LitInt> {
        match &self.entry(key)?.value {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        }
    }

    fn entry(&self, key: Symbol) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

/// Reads what follows the key's name.
fn value(key: Symbol, name: &Ident, rest: &[TokenTree]) -> syn::Result<Value> {
    let (key_name, example) = (key.name(), key.example());
    match rest {
        [] if key.kind() == Kind::Word => Ok(Value::Word),
        _ if key.kind() == Kind::Word => Err(syn::Error::new_spanned(
            stream(rest),
            format!("`{key_name}` takes no value; write `{example}` alone"),
        )),
        [TokenTree::Punct(equals), value @ ..] if equals.as_char() == '=' && !value.is_empty() => {
            literal(key, stream(value))
        }
        _ => Err(syn::Error::new_spanned(
            name,
            format!("`{key_name}` has no value; write `{example}`"),
        )),
    }
}

fn literal(key: Symbol, tokens: TokenStream) -> syn::Result<Value> {
    let name = key.name();
    match (key.kind(), syn::parse2(tokens.clone())) {
        (Kind::Text, Ok(Lit::Str(text))) if text.value().trim().is_empty() => {
            let example = key.example();
            let message = format!("`{name}` is empty; write a value, such as `{example}`");
            Err(syn::Error::new_spanned(text, message))
        }
        (Kind::Text, Ok(Lit::Str(text))) => Ok(Value::Text(text)),
        (Kind::Number, Ok(Lit::Int(number))) => Ok(Value::Number(number)),
        (kind, lit) => {
            let wanted = match kind {
                Kind::Number => "a whole number",
                Kind::Text | Kind::Word => "a string",
            };
            let instead = quoted(key, lit.ok(), &tokens);
            let message = format!("`{name}` takes {wanted}; write `{instead}`");
            Err(syn::Error::new_spanned(tokens, message))
        }
    }
}

/// The user's own words in quotes where only the quotes are missing, else the key's example.
fn quoted(key: Symbol, lit: Option<Lit>, tokens: &TokenStream) -> String {
    let only_quotes_missing = match lit {
        Some(Lit::Int(number)) => !number.suffix().is_empty(),
        Some(_) => false,
        None => true,
    };
    let words = tokens.to_string().replace(" . ", ".");
    if key.kind() == Kind::Text && only_quotes_missing && !words.contains('"') {
        format!("{} = \"{words}\"", key.name())
    } else {
        key.example().to_owned()
    }
}

fn not_a_key(keys: &[Symbol]) -> String {
    let known = suggest::list(keys.iter().map(|key| key.name()));
    format!("this is no `key = value`; write one of the keys: {known}")
}

fn meant_by(name: &Ident, keys: &[Symbol]) -> Option<Symbol> {
    let near = suggest::closest(&name.to_string(), keys.iter().map(|key| key.name()))?;
    keys.iter().copied().find(|key| key.name() == near)
}

fn unknown_key(name: &Ident, meant: Option<Symbol>, keys: &[Symbol]) -> String {
    let hint = suggest::hint(meant.map(Symbol::name));
    let known = suggest::list(keys.iter().map(|key| key.name()));
    format!("`{name}` is not a key of this attribute; {hint}the known keys are: {known}")
}

fn split_at_commas(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let trees: Vec<_> = tokens.into_iter().collect();
    trees
        .split(|tree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ','))
        .filter(|chunk| !chunk.is_empty())
        .map(<[TokenTree]>::to_vec)
        .collect()
}

fn stream(trees: &[TokenTree]) -> TokenStream {
    trees.iter().cloned().collect()
}
