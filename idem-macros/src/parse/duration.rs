//! Durations such as `"24h"`, parsed when the attribute is expanded.

use humantime::DurationError;
use std::time::Duration;
use syn::LitStr;

/// A duration with its string literal. Messages about the duration quote the literal and point at it.
pub(crate) struct DurationLit {
    pub(crate) literal: LitStr,
    pub(crate) value: Duration,
}

impl DurationLit {
    /// Parses a duration.
    ///
    /// # Errors
    /// If it is not a whole, positive number of milliseconds that fits in a `u64`. Months and years are errors
    /// too, because their length varies.
    pub(crate) fn parse(literal: &LitStr) -> syn::Result<Self> {
        match parse(literal.value().trim()) {
            Ok(value) => Ok(Self { literal: literal.clone(), value }),
            Err(message) => Err(syn::Error::new_spanned(literal, message)),
        }
    }

    /// Parses a duration that may be zero.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub(crate) fn parse_or_zero(literal: &LitStr) -> syn::Result<Self> {
        match humantime::parse_duration(literal.value().trim()) {
            Ok(value) if value.is_zero() => Ok(Self { literal: literal.clone(), value }),
            _ => Self::parse(literal),
        }
    }

    /// The text between the quotes.
    pub(crate) fn text(&self) -> String {
        self.literal.value()
    }

    /// The duration in milliseconds.
    pub(crate) fn millis(&self) -> u64 {
        u64::try_from(self.value.as_millis()).unwrap_or(u64::MAX)
    }
}

fn parse(text: &str) -> Result<Duration, String> {
    if let Some(unit) = calendar_unit(text) {
        return Err(format!("`{unit}` has no fixed length; write days, such as `30d`"));
    }
    let value = humantime::parse_duration(text).map_err(|error| parse_error(text, &error))?;
    if value.is_zero() {
        Err("duration must be greater than zero".to_owned())
    } else if value.subsec_nanos() % 1_000_000 != 0 {
        Err(format!("`{text}` is not a whole number of milliseconds; write one, such as `1ms`"))
    } else if u64::try_from(value.as_millis()).is_err() {
        Err(too_long(text))
    } else {
        Ok(value)
    }
}

fn parse_error(text: &str, error: &DurationError) -> String {
    match error {
        DurationError::UnknownUnit { unit, value, .. } if unit.is_empty() => {
            format!("`{text}` has no unit; write `{value}s`, `{value}m` or `{value}h`")
        }
        DurationError::UnknownUnit { unit, .. } => {
            format!("`{unit}` is not a unit of time; write `ms`, `s`, `m`, `h`, `d` or `w`")
        }
        DurationError::NumberOverflow => too_long(text),
        _ => format!("`{text}` is not a duration; write a number and a unit, such as `24h`"),
    }
}

fn too_long(text: &str) -> String {
    format!("`{text}` is too long; write a shorter duration")
}

/// Returns the first unit in `text` whose length depends on the calendar.
fn calendar_unit(text: &str) -> Option<&str> {
    text.split(|c: char| !c.is_alphabetic()).find(|word| {
        matches!(*word, "M" | "month" | "months" | "y" | "yr" | "yrs" | "year" | "years")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_number_and_a_unit_are_parsed() {
        for (text, millis) in [
            ("24h", 86_400_000),
            ("3s", 3_000),
            ("250ms", 250),
            ("1d 12h", 129_600_000),
            ("1.5s", 1_500),
            ("2w", 1_209_600_000),
            (" 7days ", 604_800_000),
        ] {
            let literal = LitStr::new(text, proc_macro2::Span::call_site());
            assert_eq!(DurationLit::parse(&literal).unwrap().millis(), millis, "{text}");
        }
    }

    #[test]
    fn each_mistake_has_its_message() {
        for (text, message) in [
            ("24", "`24` has no unit; write `24s`, `24m` or `24h`"),
            ("1h 30", "`1h 30` has no unit; write `30s`, `30m` or `30h`"),
            ("0s", "duration must be greater than zero"),
            ("0", "duration must be greater than zero"),
            ("5 parsecs", "`parsecs` is not a unit of time; write `ms`, `s`, `m`, `h`, `d` or `w`"),
            ("-5s", "`-5s` is not a duration; write a number and a unit, such as `24h`"),
            ("soon", "`soon` is not a duration; write a number and a unit, such as `24h`"),
            ("1 month", "`month` has no fixed length; write days, such as `30d`"),
            ("1M", "`M` has no fixed length; write days, such as `30d`"),
            ("2years", "`years` has no fixed length; write days, such as `30d`"),
            ("10us", "`10us` is not a whole number of milliseconds; write one, such as `1ms`"),
            (
                "99999999999999999999h",
                "`99999999999999999999h` is too long; write a shorter duration",
            ),
            (
                "18446744073709551615s",
                "`18446744073709551615s` is too long; write a shorter duration",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err(), message);
        }
    }
}
