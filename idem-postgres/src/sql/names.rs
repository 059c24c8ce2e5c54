//! The names of the schema, the table and everything that belongs to them.

/// The maximum length of an identifier in bytes. Postgres truncates longer ones.
const MAX_IDENTIFIER_LEN: usize = 63;

/// The maximum length of a schema or table name. It leaves room for the suffixes of functions and indexes.
const MAX_NAME_LEN: usize = MAX_IDENTIFIER_LEN - "_claim_1".len() - "_sweep_at".len();

/// The schema and the table of the records.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    schema: Box<str>,
    table: Box<str>,
}

/// A schema or table name that is too long or has characters that Postgres does not accept.
#[derive(Debug, thiserror::Error)]
#[error("invalid schema or table name `{0}`: expected 1 to {MAX_NAME_LEN} bytes without NUL")]
pub(crate) struct InvalidName(Box<str>);

impl Names {
    pub(crate) fn new(schema: &str, table: &str) -> Result<Self, InvalidName> {
        for name in [schema, table] {
            if name.is_empty() || name.len() > MAX_NAME_LEN || name.contains('\0') {
                return Err(InvalidName(name.into()));
            }
        }
        Ok(Self { schema: schema.into(), table: table.into() })
    }

    /// Returns `sql` with the words in braces replaced by quoted names.
    pub(crate) fn fill_in(&self, sql: &str) -> String {
        let mut filled = String::with_capacity(sql.len() + 256);
        let mut rest = sql;
        while let Some((before, (word, after))) =
            rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
        {
            filled += before;
            filled += &self.quoted(word);
            rest = after;
        }
        filled + rest
    }

    fn quoted(&self, word: &str) -> String {
        let Self { schema, table } = self;
        let of_table = |suffix: &str| identifier(&format!("{table}{suffix}"));
        let qualified = |suffix: &str| format!("{}.{}", identifier(schema), of_table(suffix));
        match word {
            "schema" => identifier(schema),
            "schema_text" => literal(schema),
            "records_text" => literal(table),
            "scopes_text" => literal(&format!("{table}_scopes")),
            "versions_text" => literal(&format!("{table}_schema")),
            "audit_text" => literal(&format!("{table}_audit")),
            "claim_text" => literal(&format!("{table}_claim_3")),
            "claim_batch_text" => literal(&format!("{table}_claim_batch_1")),
            "complete_text" => literal(&format!("{table}_complete_2")),
            "complete_batch_text" => literal(&format!("{table}_complete_batch_1")),
            "resolve_text" => literal(&format!("{table}_resolve_1")),
            "schema_name" => literal(&identifier(schema)),
            "records" => qualified(""),
            "versions" => qualified("_schema"),
            "versions_name" => literal(&qualified("_schema")),
            "scopes" => qualified("_scopes"),
            "audit" => qualified("_audit"),
            "claim" => qualified("_claim_3"),
            "claim_batch" => qualified("_claim_batch_1"),
            "claim_1" => qualified("_claim_1"),
            "claim_2" => qualified("_claim_2"),
            "count" => qualified("_count_1"),
            "add" => qualified("_add_1"),
            "complete" => qualified("_complete_2"),
            "complete_batch" => qualified("_complete_batch_1"),
            "complete_1" => qualified("_complete_1"),
            "resolve" => qualified("_resolve_1"),
            "append_audit" => qualified("_audit_1"),
            "append_audit_text" => literal(&format!("{table}_audit_1")),
            "audit_index" => of_table("_audit_record"),
            "sweep_index" => of_table("_sweep_at"),
            "scope_index" => of_table("_scope"),
            "scopes_index" => of_table("_scopes_scope"),
            "scope_sweep_index" => of_table("_scope_sweep_at"),
            "body" => self.quote(),
            "channel" => literal(self.channel()),
            "lock" => literal(&format!("{schema}.{table}")),
            other => unreachable!("unknown name `{{{other}}}` in a statement"),
        }
    }

    /// The dollar quote around the body of a function. It occurs in no name.
    fn quote(&self) -> String {
        let mut quote = "$body$".to_owned();
        while self.schema.contains(&quote) || self.table.contains(&quote) {
            quote.insert(1, '_');
        }
        quote
    }

    /// The notification channel. Tables of the same name in different schemas share it, which causes
    /// some needless wake-ups.
    pub(crate) fn channel(&self) -> &str {
        &self.table
    }

    /// The qualified name of the table, for messages.
    pub(crate) fn records(&self) -> String {
        self.quoted("records")
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
    fn quotes_in_names_are_escaped() {
        let names = Names::new("a\"b{lock}", "c'd\"e").unwrap();
        let sql = names.fill_in("{records} {claim} {channel} {lock}");
        assert_eq!(
            sql,
            r#""a""b{lock}"."c'd""e" "a""b{lock}"."c'd""e_claim_3" 'c''d"e' 'a"b{lock}.c''d"e'"#
        );
    }

    #[test]
    fn dollar_quote_occurs_in_no_name() {
        assert_eq!(Names::new("public", "records").unwrap().fill_in("{body}"), "$body$");
        assert_eq!(Names::new("$body$", "$_body$").unwrap().fill_in("{body}"), "$__body$");
    }

    #[test]
    fn names_that_postgres_would_truncate_are_rejected() {
        assert!(Names::new("public", &"x".repeat(MAX_NAME_LEN)).is_ok());
        for bad in ["", "a\0b", &"x".repeat(MAX_NAME_LEN + 1)] {
            assert!(Names::new("public", bad).is_err(), "{bad}");
            assert!(Names::new(bad, "idem_records").is_err(), "{bad}");
        }
    }
}
