//! Strings, which are decoded and printed again, and numbers, which are copied.

use super::Printer;

impl Printer<'_> {
    pub(super) fn string(&mut self) -> Option<()> {
        self.byte(b'"')?;
        loop {
            self.text.copy(plain_len(self.text.rest())?);
            if self.byte(b'"').is_some() {
                return Some(());
            }
            self.escape()?;
        }
    }

    /// Parses an escape. Escapes of one letter are canonical, except `\/`, because a slash needs no escape.
    fn escape(&mut self) -> Option<()> {
        let [b'\\', kind, ..] = self.text.rest() else {
            return None;
        };
        match kind {
            b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't' => self.text.copy(2),
            b'/' => {
                self.text.skip(1);
                self.text.copy(1);
            }
            b'u' => {
                let character = self.unicode_escape()?;
                self.write(character);
            }
            _ => return None,
        }
        Some(())
    }

    fn unicode_escape(&mut self) -> Option<char> {
        let unit = self.code_unit()?;
        char::from_u32(unit.into()).or_else(|| {
            let pair = [unit, self.code_unit()?];
            char::decode_utf16(pair).next()?.ok()
        })
    }

    fn code_unit(&mut self) -> Option<u16> {
        let (digits, _) = self.text.rest().strip_prefix(b"\\u")?.split_first_chunk::<4>()?;
        self.text.skip(6);
        let unit = digits
            .iter()
            .try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?));
        u16::try_from(unit?).ok()
    }

    fn write(&mut self, character: char) {
        let short = match character {
            '"' => b'"',
            '\\' => b'\\',
            '\u{8}' => b'b',
            '\u{c}' => b'f',
            '\n' => b'n',
            '\r' => b'r',
            '\t' => b't',
            '\0'..='\u{1f}' => return self.control(character as u8),
            _ => return self.text.write(character.encode_utf8(&mut [0; 4]).as_bytes()),
        };
        self.text.write(&[b'\\', short]);
    }

    fn control(&mut self, code: u8) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let [high, low] = [code >> 4, code & 0xf].map(|digit| HEX[usize::from(digit)]);
        self.text.write(&[b'\\', b'u', b'0', b'0', high, low]);
    }

    pub(super) fn number(&mut self) -> Option<()> {
        let _sign = self.byte(b'-');
        self.byte(b'0').or_else(|| self.digits())?;
        if self.byte(b'.').is_some() {
            self.digits()?;
        }
        if self.any_byte(|byte| matches!(byte, b'e' | b'E')).is_some() {
            let _sign = self.any_byte(|byte| matches!(byte, b'+' | b'-'));
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let count = self.text.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.text.copy(count);
        (count > 0).then_some(())
    }
}

/// Returns the number of plain bytes at the start of `text`: those before the first quote, backslash or control
/// character. Returns `None` if there is no such byte.
///
/// Chunks of plain bytes are skipped with vector instructions. The next chunk is scanned by machine words, and the end
/// of the body by bytes.
fn plain_len(text: &[u8]) -> Option<usize> {
    const CHUNK: usize = 64;
    let (chunks, _) = text.as_chunks::<CHUNK>();
    let is_plain = |chunk: &&[u8; CHUNK]| {
        !chunk.iter().fold(false, |special, &byte| special | is_special(byte))
    };
    let plain = CHUNK * chunks.iter().take_while(is_plain).count();
    let (words, tail) = text[plain..].as_chunks();
    for (index, word) in words.iter().enumerate() {
        let marks = mark_special(word);
        if marks != 0 {
            return Some(plain + index * size_of::<Word>() + marks.trailing_zeros() as usize / 8);
        }
    }
    let end = tail.iter().position(|&byte| is_special(byte))?;
    Some(text.len() - tail.len() + end)
}

/// Whether a byte has a meaning in a string: a quote ends it, a backslash starts an escape, and a control character is
/// not allowed.
const fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | ..b' ')
}

type Word = [u8; 8];

/// Sets the high bit of the first [special](is_special) byte. No earlier byte is marked; later bytes may be.
const fn mark_special(word: &Word) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const fn below(word: u64, limit: u8) -> u64 {
        word.wrapping_sub(ONES * limit as u64) & !word & (ONES << 7)
    }
    const fn equal(word: u64, byte: u8) -> u64 {
        below(word ^ (ONES * byte as u64), 1)
    }
    let word = u64::from_le_bytes(*word);
    below(word, b' ') | equal(word, b'"') | equal(word, b'\\')
}
