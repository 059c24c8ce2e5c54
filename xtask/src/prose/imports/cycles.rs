//! Strongly connected sets of a graph.

use std::collections::BTreeSet;

type Edges<'a> = BTreeSet<(&'a str, &'a str)>;

/// The largest sets of two or more nodes that all reach each other.
pub(super) fn cycles<'a>(edges: &Edges<'a>) -> BTreeSet<BTreeSet<&'a str>> {
    let nodes: BTreeSet<_> = edges.iter().map(|(from, _)| *from).collect();
    let sets = nodes.iter().map(|node| {
        let reached = reached(edges, node);
        reached.into_iter().filter(|other| self::reached(edges, other).contains(node)).collect()
    });
    sets.filter(|set: &BTreeSet<_>| set.len() > 1).collect()
}

/// All nodes that edges lead to from `node`.
fn reached<'a>(edges: &Edges<'a>, node: &'a str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        let next = edges.iter().filter(|(from, _)| *from == node).map(|(_, to)| *to);
        open.extend(next.filter(|to| reached.insert(*to)));
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::cycles;

    #[test]
    fn finds_the_largest_sets() {
        let edges =
            [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "e"), ("e", "d"), ("e", "f")];
        let sets = cycles(&edges.into());
        assert_eq!(sets, [["a", "b", "c"].into(), ["d", "e"].into()].into());
    }

    #[test]
    fn one_way_imports_are_not_a_cycle() {
        assert!(cycles(&[("a", "b"), ("a", "c"), ("b", "c")].into()).is_empty());
    }
}
