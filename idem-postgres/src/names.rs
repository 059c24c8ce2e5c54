//! The names of what the store keeps in a database.

/// The longest name that Postgres keeps whole, in bytes.
const LONGEST: usize = 63;

/// What is put behind the table's name, at most.
const SUFFIX: usize = "_claim_1".len() + "_sweep_at".len();

/// Where the records are.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    schema: Box<str>,
    table: Box<str>,
}

/// A name that Postgres would not keep as it is.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no name for a schema or table here; use 1 to {max} bytes without NUL", max = LONGEST - SUFFIX)]
pub(crate) struct BadName(Box<str>);

impl Names {
    pub(crate) fn new(schema: &str, table: &str) -> Result<Self, BadName> {
        for name in [schema, table] {
            if name.is_empty() || name.len() > LONGEST - SUFFIX || name.contains('\0') {
                return Err(BadName(name.into()));
            }
        }
        Ok(Self { schema: schema.into(), table: table.into() })
    }

    /// `sql` with the names in place of the words in braces.
    pub(crate) fn write_into(&self, sql: &str) -> String {
        let mut written = String::with_capacity(sql.len() + 256);
        let mut rest = sql;
        while let Some((before, (word, after))) =
            rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
        {
            written += before;
            written += &self.name_of(word);
            rest = after;
        }
        written + rest
    }

    fn name_of(&self, word: &str) -> String {
        let Self { schema, table } = self;
        let of_table = |suffix: &str| identifier(&format!("{table}{suffix}"));
        let qualified = |suffix: &str| format!("{}.{}", identifier(schema), of_table(suffix));
        match word {
            "schema" => identifier(schema),
            "schema_name" => literal(&identifier(schema)),
            "records" => qualified(""),
            "versions" => qualified("_schema"),
            "versions_name" => literal(&qualified("_schema")),
            "claim" => qualified("_claim_1"),
            "complete" => qualified("_complete_1"),
            "sweep_index" => of_table("_sweep_at"),
            "scope_index" => of_table("_scope"),
            "channel" => literal(self.channel()),
            "lock" => literal(&format!("{schema}.{table}")),
            other => unreachable!("no statement names `{other}`"),
        }
    }

    /// Where the ends of runs are notified. Tables of the same name share it, which wakes a few in vain.
    pub(crate) fn channel(&self) -> &str {
        &self.table
    }
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_cannot_end_their_quotes() {
        let names = Names::new("a\"b{lock}", "c'd\"e").unwrap();
        let sql = names.write_into("{records} {claim} {channel} {lock}");
        assert_eq!(
            sql,
            r#""a""b{lock}"."c'd""e" "a""b{lock}"."c'd""e_claim_1" 'c''d"e' 'a"b{lock}.c''d"e'"#
        );
    }

    #[test]
    fn names_that_postgres_would_cut_off_are_refused() {
        assert!(Names::new("public", &"x".repeat(LONGEST - SUFFIX)).is_ok());
        for bad in ["", "a\0b", &"x".repeat(LONGEST - SUFFIX + 1)] {
            assert!(Names::new("public", bad).is_err(), "{bad}");
            assert!(Names::new(bad, "idem_records").is_err(), "{bad}");
        }
    }
}
