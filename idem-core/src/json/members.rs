//! The members of an object, put into order.

use super::Printer;

/// A member of an object, as offsets into the text.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub(super) start: usize,
    pub(super) name_end: usize,
    pub(super) end: usize,
}

impl Printer<'_> {
    /// Puts the members from `first` on, which end the text but for their bracket, into order.
    /// `None` where two have the same name.
    pub(super) fn sort_members(&mut self, first: usize) -> Option<()> {
        let Self { text, members, unsorted } = self;
        let members = &mut members[first..];
        let &mut [Member { start, .. }, _, ..] = members else {
            return Some(());
        };
        let printed = text.since(start);
        // Without the quotes, where `a` would sort after `a!`.
        let name =
            |member: &Member| &printed[member.start - start + 1..member.name_end - start - 1];
        if members.is_sorted_by(|a, b| name(a) < name(b)) {
            return Some(());
        }
        members.sort_unstable_by(|a, b| name(a).cmp(name(b)));
        if members.windows(2).any(|pair| name(&pair[0]) == name(&pair[1])) {
            return None;
        }
        let printed = text.take_back(start, unsorted);
        for (place, member) in members.iter().enumerate() {
            text.write(if place > 0 { b"," } else { b"" });
            text.write(&printed[member.start - start..member.end - start]);
        }
        text.write(b"}");
        Some(())
    }
}
