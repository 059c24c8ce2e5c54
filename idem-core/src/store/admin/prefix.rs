//! The first digits of a record id.

use std::fmt;
use std::str::FromStr;

use super::RecordId;

/// The number of digits of a whole record id.
const ID_DIGITS: usize = 64;

/// The first digits of a record id, as a log line shows them: 8 to 64 hexadecimal digits. `urn:idem:record:` in front of
/// them is ignored.
///
/// ```
/// use idem_core::store::{RecordId, RecordIdPrefix};
///
/// let prefix: RecordIdPrefix = "51950D44".parse()?;
/// assert_eq!(prefix.to_string(), "51950d44");
/// let mut id = [0; 32];
/// id[..4].copy_from_slice(&[0x51, 0x95, 0x0d, 0x44]);
/// assert!(prefix.matches(RecordId::from_bytes(id)));
/// # Ok::<_, idem_core::store::InvalidPrefix>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RecordIdPrefix {
    first: [u8; 32],
    last: [u8; 32],
    digits: usize,
}

/// Text that is not the beginning of a record id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the beginning of a record id; give its first 8 to 64 hexadecimal digits")]
pub struct InvalidPrefix(Box<str>);

impl RecordIdPrefix {
    /// The fewest digits.
    pub const MIN_DIGITS: usize = 8;

    /// Whether `id` begins with these digits.
    pub fn matches(&self, id: RecordId) -> bool {
        (self.first..=self.last).contains(id.as_bytes())
    }

    /// The first and the last id that begin with these digits, in the order of their bytes.
    pub const fn range(&self) -> (RecordId, RecordId) {
        (RecordId::from_bytes(self.first), RecordId::from_bytes(self.last))
    }

    /// The id right before the [range](Self::range), where a listing of the range begins. `None` if the range begins with
    /// the lowest id.
    pub fn before(&self) -> Option<RecordId> {
        let mut id = self.first;
        for byte in id.iter_mut().rev() {
            let borrow;
            (*byte, borrow) = byte.overflowing_sub(1);
            if !borrow {
                return Some(RecordId::from_bytes(id));
            }
        }
        None
    }
}

impl FromStr for RecordIdPrefix {
    type Err = InvalidPrefix;

    fn from_str(text: &str) -> Result<Self, InvalidPrefix> {
        let digits = text.strip_prefix("urn:idem:record:").unwrap_or(text);
        if !(Self::MIN_DIGITS..=ID_DIGITS).contains(&digits.len()) {
            return Err(InvalidPrefix(text.into()));
        }
        let (mut first, mut last) = ([0; 32], [0xff; 32]);
        for (position, digit) in digits.chars().enumerate() {
            let value = digit.to_digit(16).ok_or_else(|| InvalidPrefix(text.into()))? as u8;
            let (shift, other) = if position % 2 == 0 { (4, 0x0f) } else { (0, 0xf0) };
            first[position / 2] |= value << shift;
            last[position / 2] &= value << shift | other;
        }
        Ok(Self { first, last, digits: digits.len() })
    }
}

impl From<RecordId> for RecordIdPrefix {
    fn from(id: RecordId) -> Self {
        Self { first: *id.as_bytes(), last: *id.as_bytes(), digits: ID_DIGITS }
    }
}

impl fmt::Display for RecordIdPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for position in 0..self.digits {
            let shift = if position % 2 == 0 { 4 } else { 0 };
            write!(f, "{:x}", self.first[position / 2] >> shift & 0x0f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for RecordIdPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordIdPrefix({self})")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn prefix(text: &str) -> RecordIdPrefix {
        text.parse().unwrap()
    }

    #[test]
    fn range_contains_the_ids_with_these_digits() {
        let (first, last) = prefix("abcdef012").range();
        let bytes = |rest| {
            let mut bytes = [rest; 32];
            bytes[..4].copy_from_slice(&[0xab, 0xcd, 0xef, 0x01]);
            bytes[4] = 0x20 | rest & 0x0f;
            bytes
        };
        assert_eq!((*first.as_bytes(), *last.as_bytes()), (bytes(0), bytes(0xff)));
        assert!(prefix("abcdef012").matches(first) && prefix("abcdef012").matches(last));
        assert!(!prefix("abcdef013").matches(last));
        assert_eq!(prefix("abcdef013").before(), Some(last));
        assert_eq!(prefix("00000000").before(), None);
    }

    #[test]
    fn whole_id_matches_only_itself() {
        let id = RecordId::from_bytes([0x1f; 32]);
        let whole = prefix(&format!("urn:idem:record:{}", "1F".repeat(32)));
        assert_eq!(whole, RecordIdPrefix::from(id));
        assert_eq!(whole.range(), (id, id));
        assert_eq!(whole.to_string(), "1f".repeat(32));
    }

    #[test]
    fn other_text_is_refused() {
        for text in [
            "",
            "1234567",
            "1234567g",
            "urn:idem:record:",
            "urn:other:12345678",
            "１２３４５６７８",
        ] {
            let error = text.parse::<RecordIdPrefix>().unwrap_err();
            assert!(error.to_string().contains(&format!("`{text}`")));
        }
        assert!("0".repeat(65).parse::<RecordIdPrefix>().is_err());
    }
}
