//! Strings, which are decoded and written again, and numbers, which are copied.

use super::Printer;

impl Printer<'_> {
    pub(super) fn string(&mut self) -> Option<()> {
        self.byte(b'"')?;
        loop {
            self.copy(plain_run(self.rest)?);
            if self.byte(b'"').is_some() {
                return Some(());
            }
            // A control character stands where a backslash may: `escape` takes no other byte.
            let character = self.escape()?;
            self.write(character);
        }
    }

    fn escape(&mut self) -> Option<char> {
        let [b'\\', kind, rest @ ..] = self.rest else {
            return None;
        };
        self.rest = rest;
        match kind {
            b'"' | b'\\' | b'/' => Some(char::from(*kind)),
            b'b' => Some('\u{8}'),
            b'f' => Some('\u{c}'),
            b'n' => Some('\n'),
            b'r' => Some('\r'),
            b't' => Some('\t'),
            b'u' => self.unicode_escape(),
            _ => None,
        }
    }

    fn unicode_escape(&mut self) -> Option<char> {
        let unit = self.code_unit()?;
        char::from_u32(unit.into()).or_else(|| {
            self.rest = self.rest.strip_prefix(b"\\u")?;
            let pair = [unit, self.code_unit()?];
            char::decode_utf16(pair).next()?.ok()
        })
    }

    fn code_unit(&mut self) -> Option<u16> {
        let (digits, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
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
            _ => return self.text(character.encode_utf8(&mut [0; 4])),
        };
        self.out.diverge().extend_from_slice(&[b'\\', short]);
    }

    fn control(&mut self, code: u8) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let [high, low] = [code >> 4, code & 0xf].map(|digit| HEX[usize::from(digit)]);
        self.out.diverge().extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
    }

    fn text(&mut self, text: &str) {
        self.out.diverge().extend_from_slice(text.as_bytes());
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
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.copy(count);
        (count > 0).then_some(())
    }
}

/// How many bytes at the start stand for themselves; `None` if no other follows, or they are not UTF-8,
/// which nothing but strings may hold more of than ASCII. Most of a body is such text, so it is looked at
/// in ways that become vector instructions.
fn plain_run(text: &[u8]) -> Option<usize> {
    let run = memchr::memchr2(b'"', b'\\', text)?;
    let plain = &text[..run];
    let (least, bits) =
        plain.iter().fold((u8::MAX, 0), |(least, bits), &byte| (least.min(byte), bits | byte));
    if least < b' ' {
        return plain.iter().position(|&byte| byte < b' ');
    }
    if !bits.is_ascii() {
        str::from_utf8(plain).ok()?;
    }
    Some(run)
}
