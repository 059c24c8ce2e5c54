//! `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{DATE, HeaderName, RETRY_AFTER};

/// How long the server asks to be left alone. `now` is used only where the answer carries no `Date`:
/// otherwise both times are the server's, and no two clocks are compared (R30).
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = text(headers, &RETRY_AFTER)?;
    seconds(value).or_else(|| {
        let sent = date(headers, &DATE).unwrap_or(now);
        Some(date(headers, &RETRY_AFTER)?.duration_since(sent).unwrap_or_default())
    })
}

/// More seconds than a number holds are as many as it can.
fn seconds(value: &str) -> Option<Duration> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| Duration::from_secs(value.parse().unwrap_or(u64::MAX)))
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(text(headers, name)?).ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use http::HeaderValue;

    use super::*;

    const NOON: &str = "Sun, 06 Nov 1994 12:00:00 GMT";

    fn asked(value: &str, date: Option<&str>, now: SystemTime) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(value).unwrap());
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_str(date).unwrap());
        }
        retry_after(&headers, now)
    }

    #[test]
    fn seconds_are_seconds() {
        let now = SystemTime::UNIX_EPOCH;
        assert_eq!(asked("0", None, now), Some(Duration::ZERO));
        assert_eq!(asked(" 120 ", None, now), Some(Duration::from_secs(120)));
        assert_eq!(asked(&"9".repeat(40), None, now), Some(Duration::from_secs(u64::MAX)));
    }

    #[test]
    fn dates_are_measured_by_the_servers_clock() {
        let after = "Sun, 06 Nov 1994 12:00:30 GMT";
        let wrong_by_years = SystemTime::UNIX_EPOCH;
        assert_eq!(asked(after, Some(NOON), wrong_by_years), Some(Duration::from_secs(30)));
        assert_eq!(asked(NOON, Some(after), wrong_by_years), Some(Duration::ZERO));
    }

    #[test]
    fn without_a_date_our_clock_has_to_do() {
        let now = httpdate::parse_http_date(NOON).unwrap();
        for later in [
            "Sun, 06 Nov 1994 12:02:00 GMT",
            "Sunday, 06-Nov-94 12:02:00 GMT",
            "Sun Nov  6 12:02:00 1994",
        ] {
            assert_eq!(asked(later, None, now), Some(Duration::from_secs(120)), "{later}");
        }
    }

    #[test]
    fn anything_else_asks_for_nothing() {
        for nonsense in ["", "soon", "-1", "+5", "1.5"] {
            assert_eq!(asked(nonsense, None, SystemTime::UNIX_EPOCH), None, "{nonsense}");
        }
    }
}
