//! The members of an object, put into order.

use super::Printer;

/// A member of an object, as offsets into `out`.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub(super) start: usize,
    pub(super) name_end: usize,
    pub(super) end: usize,
}

impl Member {
    /// The name without its quotes, where `a` would sort after `a!`.
    fn name(self, out: &[u8]) -> &[u8] {
        &out[self.start + 1..self.name_end - 1]
    }
}

impl Printer<'_> {
    /// Puts the members from `first` on, which end `out` but for its bracket, into order.
    /// `None` where two have the same name.
    pub(super) fn sort_members(&mut self, first: usize) -> Option<()> {
        let Self { out, members, unsorted, .. } = self;
        let members = &mut members[first..];
        let text = out.as_slice();
        if members.is_sorted_by(|a, b| a.name(text) < b.name(text)) {
            return Some(());
        }
        let start = members[0].start;
        members.sort_unstable_by(|a, b| a.name(text).cmp(b.name(text)));
        if members.windows(2).any(|pair| pair[0].name(text) == pair[1].name(text)) {
            return None;
        }
        let out = out.diverge();
        unsorted.clear();
        unsorted.extend_from_slice(&out[start..]);
        out.truncate(start);
        for member in members {
            out.extend_from_slice(&unsorted[member.start - start..member.end - start]);
            out.push(b',');
        }
        out.pop();
        out.push(b'}');
        Some(())
    }
}
