//! The list of arguments between the attribute's parentheses.

use super::suggest;
use crate::arg_name::{ArgName, ValueKind};
use crate::errors::Errors;
use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::{Lit, LitInt, LitStr, Path};

/// The arguments as they were written, each name at most once.
#[derive(Default)]
pub(crate) struct Args {
    entries: Vec<Entry>,
    /// The arguments that misspelt names probably stand for. They are reported as unknown, and not as
    /// missing too.
    misspelt: Vec<ArgName>,
}

struct Entry {
    arg: ArgName,
    name: Ident,
    /// `None` if the value is wrong, so that the argument is not reported as missing too.
    value: Option<Value>,
}

enum Value {
    Text(LitStr),
    Number(LitInt),
    Flag,
}

impl Args {
    /// Parses `tokens` as arguments named in `known`.
    pub(crate) fn parse(tokens: TokenStream, known: &[ArgName], errors: &mut Errors) -> Self {
        let mut args = Self::default();
        for chunk in split_at_commas(tokens) {
            for argument in split_at_missing_commas(&chunk, known, errors) {
                args.parse_one(argument, known, errors);
            }
        }
        args
    }

    fn parse_one(&mut self, chunk: &[TokenTree], known: &[ArgName], errors: &mut Errors) {
        let [TokenTree::Ident(name), rest @ ..] = chunk else {
            errors.add(stream(chunk), not_an_argument(known));
            return;
        };
        if let Some(arg) = known.iter().copied().find(|arg| name == arg.name()) {
            let value = errors.collect(value(arg, name, rest));
            self.insert(Entry { arg, name: name.clone(), value }, errors);
        } else {
            let meant = closest(name, known);
            errors.add(name, unknown_key(name, meant, known));
            self.misspelt.extend(meant);
        }
    }

    fn insert(&mut self, entry: Entry, errors: &mut Errors) {
        if self.name(entry.arg).is_some() {
            let name = entry.arg.name();
            errors.add(entry.name, format!("`{name}` is written twice; keep one"));
        } else {
            self.entries.push(entry);
        }
    }

    /// The token of the argument's name, if the argument was written, even with a wrong value.
    pub(crate) fn name(&self, arg: ArgName) -> Option<&Ident> {
        self.entry(arg).map(|entry| &entry.name)
    }

    /// Whether the argument was not written, not even with a misspelt name.
    pub(crate) fn is_missing(&self, arg: ArgName) -> bool {
        self.entry(arg).is_none() && !self.misspelt.contains(&arg)
    }

    /// The string value of an argument.
    pub(crate) fn text(&self, arg: ArgName) -> Option<&LitStr> {
        match &self.entry(arg)?.value {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The integer value of an argument.
    pub(crate) fn number(&self, arg: ArgName) -> Option<&LitInt> {
        match &self.entry(arg)?.value {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        }
    }

    fn entry(&self, arg: ArgName) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.arg == arg)
    }
}

/// Parses the tokens after the argument's name.
fn value(arg: ArgName, name: &Ident, rest: &[TokenTree]) -> syn::Result<Value> {
    let (arg_name, example) = (arg.name(), arg.example());
    match rest {
        [] if arg.kind() == ValueKind::Flag => Ok(Value::Flag),
        _ if arg.kind() == ValueKind::Flag => Err(syn::Error::new_spanned(
            stream(rest),
            format!("`{arg_name}` takes no value; write `{example}` alone"),
        )),
        [TokenTree::Punct(equals), value @ ..] if equals.as_char() == '=' && !value.is_empty() => {
            literal(arg, stream(value))
        }
        _ => Err(syn::Error::new_spanned(
            name,
            format!("`{arg_name}` needs a value; write `{example}`"),
        )),
    }
}

fn literal(arg: ArgName, tokens: TokenStream) -> syn::Result<Value> {
    let name = arg.name();
    match (arg.kind(), syn::parse2(tokens.clone())) {
        (ValueKind::Text, Ok(Lit::Str(text))) if text.value().trim().is_empty() => {
            let example = arg.example();
            let message = format!("`{name}` is empty; write a value such as `{example}`");
            Err(syn::Error::new_spanned(text, message))
        }
        (ValueKind::Text, Ok(Lit::Str(text))) => Ok(Value::Text(text)),
        (ValueKind::Number, Ok(Lit::Int(number))) => Ok(Value::Number(number)),
        (_, Err(_)) if arg.is_duration() && is_constant(&tokens) => {
            let example = arg.example();
            let message = format!(
                "`{name}` takes a duration in quotes; write one, such as `{example}`, or put the constant into \
                 a `Policy` and name it with `policy`"
            );
            Err(syn::Error::new_spanned(tokens, message))
        }
        (kind, lit) => {
            let expected = match kind {
                ValueKind::Number => "a whole number",
                ValueKind::Text | ValueKind::Flag => "a string",
            };
            let suggestion = suggestion(arg, lit.ok(), &tokens);
            let message = format!("`{name}` takes {expected}; write `{suggestion}`");
            Err(syn::Error::new_spanned(tokens, message))
        }
    }
}

/// Whether the value is the path of a constant.
fn is_constant(tokens: &TokenStream) -> bool {
    syn::parse2::<Path>(tokens.clone()).is_ok()
}

/// Returns the argument with the user's value in quotes if only the quotes are missing. Otherwise returns
/// the example.
fn suggestion(arg: ArgName, lit: Option<Lit>, tokens: &TokenStream) -> String {
    let only_quotes_missing = match lit {
        // `24h` is an integer with a suffix.
        Some(Lit::Int(number)) => !number.suffix().is_empty(),
        Some(_) => false,
        None => true,
    };
    let text = tokens.to_string().replace(" . ", ".").replace(" :: ", "::");
    if arg.kind() == ValueKind::Text && only_quotes_missing && !text.contains('"') {
        format!("{} = \"{text}\"", arg.name())
    } else {
        arg.example().to_owned()
    }
}

fn not_an_argument(known: &[ArgName]) -> String {
    let known = suggest::list(known.iter().map(|arg| arg.name()));
    format!("expected `key = value`; write one of the keys: {known}")
}

fn closest(name: &Ident, known: &[ArgName]) -> Option<ArgName> {
    let closest = suggest::closest(&name.to_string(), known.iter().map(|arg| arg.name()))?;
    known.iter().copied().find(|arg| arg.name() == closest)
}

fn unknown_key(name: &Ident, meant: Option<ArgName>, known: &[ArgName]) -> String {
    let hint = suggest::hint(meant.map(ArgName::name));
    let known = suggest::list(known.iter().map(|arg| arg.name()));
    format!("unknown key `{name}`; {hint}the known keys are: {known}")
}

fn split_at_commas(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let trees: Vec<_> = tokens.into_iter().collect();
    trees
        .split(|tree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ','))
        .filter(|chunk| !chunk.is_empty())
        .map(<[TokenTree]>::to_vec)
        .collect()
}

/// Splits a chunk before each name of an argument that follows a complete one, and reports the missing commas.
fn split_at_missing_commas<'a>(
    mut chunk: &'a [TokenTree],
    known: &[ArgName],
    errors: &mut Errors,
) -> Vec<&'a [TokenTree]> {
    let named = |tree: &TokenTree| match tree {
        TokenTree::Ident(name) => known.iter().copied().find(|arg| name == arg.name()),
        _ => None,
    };
    let is_flag = |tree: &TokenTree| named(tree).is_some_and(|arg| arg.kind() == ValueKind::Flag);
    let is_end = |tree: &TokenTree| matches!(tree, TokenTree::Literal(_)) || is_flag(tree);
    let mut arguments = Vec::new();
    while let Some(border) =
        chunk.windows(2).position(|pair| is_end(&pair[0]) && named(&pair[1]).is_some())
    {
        let (argument, rest) = chunk.split_at(border + 1);
        errors.add(&rest[0], format!("a comma is missing before `{}`; write `, {0}`", rest[0]));
        arguments.push(argument);
        chunk = rest;
    }
    arguments.push(chunk);
    arguments
}

fn stream(trees: &[TokenTree]) -> TokenStream {
    trees.iter().cloned().collect()
}
