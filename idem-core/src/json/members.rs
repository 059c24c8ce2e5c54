//! Sorts the members of an object.

use super::Printer;

/// A member of an object, as offsets into the printed text.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub(super) start: usize,
    pub(super) name_end: usize,
    pub(super) end: usize,
}

impl Printer<'_> {
    /// Sorts the members from index `first`. They and their closing bracket are the end of the printed text.
    ///
    /// Returns `None` if two members have the same name.
    pub(super) fn sort_members(&mut self, first: usize) -> Option<()> {
        let Self { text, members, unsorted } = self;
        let members = &mut members[first..];
        let &mut [Member { start, .. }, _, ..] = members else {
            return Some(());
        };
        let printed = text.since(start);
        // Compared without the closing quote, with which `a` would sort after `a!`.
        let name =
            |member: &Member| &printed[member.start - start + 1..member.name_end - start - 1];
        if members.is_sorted_by(|a, b| name(a) < name(b)) {
            return Some(());
        }
        members.sort_unstable_by(|a, b| name(a).cmp(name(b)));
        if members.windows(2).any(|pair| name(&pair[0]) == name(&pair[1])) {
            return None;
        }
        let printed = text.remove_from(start, unsorted);
        for (place, member) in members.iter().enumerate() {
            text.write(if place > 0 { b"," } else { b"" });
            text.write(&printed[member.start - start..member.end - start]);
        }
        text.write(b"}");
        Some(())
    }
}
