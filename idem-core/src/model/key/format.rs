//! The formats of keys that a service can require.

use std::time::{Duration, SystemTime};

use uuid::{Uuid, Variant, Version};

use super::KeyError;

/// The format that keys must have: [key format](crate::rules::semantics#key-format).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFormat {
    /// A UUID of RFC 9562 with hyphens, such as `8e03978e-40d5-43dd-bc93-6894a57f9324`.
    Uuid,
    /// A UUID of version 7, which contains the time of its creation.
    UuidV7,
}

/// How far the clock of a client may be ahead of the clock of this process.
const MAX_AHEAD: Duration = Duration::from_secs(5 * 60);

impl KeyFormat {
    /// Checks the format of `key`. With `max_age`, also checks that it was created at most that long before `now`.
    pub(crate) fn check(
        self,
        key: &str,
        max_age: Option<Duration>,
        now: SystemTime,
    ) -> Result<(), KeyError> {
        let uuid = hyphenated(key).ok_or(KeyError::NotUuid)?;
        if self == Self::Uuid {
            return Ok(());
        }
        let created = created(&uuid).ok_or(KeyError::NotUuidV7)?;
        max_age.map_or(Ok(()), |max_age| check_age(created, max_age, now))
    }
}

/// Parses a UUID with a version of RFC 9562. The nil UUID has none: it is most likely a value that was never set.
fn hyphenated(text: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(text).ok().filter(|_| text.len() == 36)?;
    let is_versioned = matches!(uuid.get_version_num(), 1..=8);
    (is_versioned && uuid.get_variant() == Variant::RFC4122).then_some(uuid)
}

/// Returns the creation time of a UUID of version 7.
fn created(uuid: &Uuid) -> Option<SystemTime> {
    let timestamp = uuid.get_timestamp();
    let is_v7 = uuid.get_version() == Some(Version::SortRand);
    let (seconds, nanos) = timestamp.filter(|_| is_v7)?.to_unix();
    Some(SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos))
}

fn check_age(created: SystemTime, max_age: Duration, now: SystemTime) -> Result<(), KeyError> {
    match now.duration_since(created) {
        Ok(age) if age > max_age => Err(KeyError::TooOld { age, max_age }),
        Err(ahead) if ahead.duration() > MAX_AHEAD => Err(KeyError::InTheFuture),
        _ => Ok(()),
    }
}

/// A duration in a message: its largest unit and the next smaller one, such as `31 h` or `2 h 30 min`.
pub(super) fn rounded(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::KeyFormat::{Uuid as AnyUuid, UuidV7};
    use super::*;
    use crate::model::{Guarantee, IdempotencyKey, Policy};

    /// A UUID of version 7, created at 2026-01-01T00:00:00Z.
    const NEW_YEAR: &str = "019b76da-a800-7cc3-98c4-dc0c0c07398f";

    fn new_year() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
    }

    #[test]
    fn a_uuid_has_hyphens_and_a_version() {
        let versions =
            (1..=8).map(|version| format!("8e03978e-40d5-{version}3dd-bc93-6894a57f9324"));
        let upper_case = "8E03978E-40D5-43DD-BC93-6894A57F9324".to_owned();
        for key in versions.chain([upper_case]) {
            assert_eq!(AnyUuid.check(&key, None, new_year()), Ok(()), "{key}");
        }
        for key in [
            "order-8471",
            "8e03978e40d543ddbc936894a57f9324",
            "{8e03978e-40d5-43dd-bc93-6894a57f9324}",
            "urn:uuid:8e03978e-40d5-43dd-bc93-6894a57f9324",
            "8e03978e-40d5-43dd-bc93-6894a57f932",
            "8e03978e-40d5-43dd-bc93-6894a57f932g",
            " 8e03978e-40d5-43dd-bc93-6894a57f932",
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "8e03978e-40d5-43dd-cc93-6894a57f9324",
            "8e03978e-40d5-93dd-bc93-6894a57f9324",
        ] {
            assert_eq!(AnyUuid.check(key, None, new_year()), Err(KeyError::NotUuid), "{key}");
            assert_eq!(UuidV7.check(key, None, new_year()), Err(KeyError::NotUuid), "{key}");
        }
    }

    #[test]
    fn a_uuid_of_version_7_has_a_time() {
        let later = new_year() + Duration::from_secs(1 << 30);
        assert_eq!(UuidV7.check(NEW_YEAR, None, later), Ok(()));
        for version in [1, 2, 3, 4, 5, 6, 8] {
            let key = format!("019b76da-a800-{version}cc3-98c4-dc0c0c07398f");
            assert_eq!(UuidV7.check(&key, None, later), Err(KeyError::NotUuidV7));
        }
    }

    #[test]
    fn a_key_must_not_be_older_than_max_age() {
        let (day, millisecond) = (Duration::from_secs(24 * 3600), Duration::from_millis(1));
        let check = |now| UuidV7.check(NEW_YEAR, Some(day), now);
        assert_eq!(check(new_year()), Ok(()));
        assert_eq!(check(new_year() + day), Ok(()));
        assert!(matches!(check(new_year() + day + millisecond), Err(KeyError::TooOld { .. })));
        assert_eq!(check(new_year() - MAX_AHEAD), Ok(()));
        assert_eq!(check(new_year() - MAX_AHEAD - millisecond), Err(KeyError::InTheFuture));
        let late = check(new_year() + Duration::from_secs(31 * 3600 + 42)).unwrap_err();
        let message = "the idempotency key was created 31 h ago; retries are possible for 24 h";
        assert_eq!(late.to_string(), message);
    }

    #[test]
    fn a_time_far_away_is_refused() {
        let last = "ffffffff-ffff-7fff-bfff-ffffffffffff";
        let hour = Some(Duration::from_secs(3600));
        assert_eq!(UuidV7.check(last, hour, new_year()), Err(KeyError::InTheFuture));
        let first = "00000000-0000-7000-8000-000000000000";
        assert!(matches!(UuidV7.check(first, hour, new_year()), Err(KeyError::TooOld { .. })));
    }

    #[test]
    fn a_policy_checks_its_format_and_age() {
        let day = Duration::from_secs(24 * 3600);
        let any = Policy::new(day, Guarantee::AtMostOnce);
        let recent = any.with_key_format(UuidV7).with_max_age(day);
        let [order, old] = ["order-8471", NEW_YEAR].map(|key| IdempotencyKey::new(key).unwrap());
        assert_eq!(any.check_key(&order), Ok(()));
        assert_eq!(recent.check_key(&order), Err(KeyError::NotUuid));
        assert!(matches!(recent.check_key(&old), Err(KeyError::TooOld { .. })));
    }

    #[test]
    fn durations_are_rounded_down() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (90, "1 min 30 s"),
            (3600, "1 h"),
            (5400, "1 h 30 min"),
            (31 * 3600 + 42, "31 h"),
            (30 * 24 * 3600, "720 h"),
        ] {
            assert_eq!(rounded(Duration::from_secs(seconds)), text);
        }
    }
}
