//! The header `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{DATE, HeaderName, RETRY_AFTER};

/// Returns the delay that the server requests. A date is compared with the `Date` of the same response, so
/// that both times come from the server's clock. `now` is used only if the response has no `Date`.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = text(headers, &RETRY_AFTER)?;
    seconds(value).or_else(|| {
        let sent = date(headers, &DATE).unwrap_or(now);
        Some(date(headers, &RETRY_AFTER)?.duration_since(sent).unwrap_or_default())
    })
}

/// Parses a number of seconds. A number that exceeds `u64` counts as `u64::MAX`.
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

    fn delay(value: &str, date: Option<&str>, now: SystemTime) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(value).unwrap());
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_str(date).unwrap());
        }
        retry_after(&headers, now)
    }

    #[test]
    fn numbers_are_seconds() {
        let now = SystemTime::UNIX_EPOCH;
        assert_eq!(delay("0", None, now), Some(Duration::ZERO));
        assert_eq!(delay(" 120 ", None, now), Some(Duration::from_secs(120)));
        assert_eq!(delay(&"9".repeat(40), None, now), Some(Duration::from_secs(u64::MAX)));
    }

    #[test]
    fn dates_are_compared_with_the_date_of_the_response() {
        let after = "Sun, 06 Nov 1994 12:00:30 GMT";
        let wrong_clock = SystemTime::UNIX_EPOCH;
        assert_eq!(delay(after, Some(NOON), wrong_clock), Some(Duration::from_secs(30)));
        assert_eq!(delay(NOON, Some(after), wrong_clock), Some(Duration::ZERO));
    }

    #[test]
    fn without_a_date_header_the_local_clock_is_used() {
        let now = httpdate::parse_http_date(NOON).unwrap();
        for later in [
            "Sun, 06 Nov 1994 12:02:00 GMT",
            "Sunday, 06-Nov-94 12:02:00 GMT",
            "Sun Nov  6 12:02:00 1994",
        ] {
            assert_eq!(delay(later, None, now), Some(Duration::from_secs(120)), "{later}");
        }
    }

    #[test]
    fn invalid_values_are_ignored() {
        for invalid in ["", "soon", "-1", "+5", "1.5"] {
            assert_eq!(delay(invalid, None, SystemTime::UNIX_EPOCH), None, "{invalid}");
        }
    }
}
