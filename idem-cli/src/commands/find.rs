//! `idem find`

use std::collections::BTreeSet;

use idem_core::http::Scope;
use idem_core::records::{Filter, input};

use super::Context;
use crate::args::Find;
use crate::failure::Failure;
use crate::output::{self, Details};
use crate::progress::Progress;

pub(super) async fn run(context: &Context, find: &Find) -> Result<(), Failure> {
    let keys = input::keys(&find.key);
    let keys = keys.map_err(|error| Failure::Usage(format!("`{}`: {error}", find.key)))?;
    let scope = if find.global { Scope::global() } else { input::scope(&find.scope)? };
    let operations = match &find.operation[..] {
        [] => operations(context).await?,
        named => named.iter().cloned().collect(),
    };
    let mut found = Vec::new();
    for operation in &operations {
        for key in &keys {
            found.extend(context.records.by_operation_name(operation, scope, key).await?);
        }
    }
    if found.is_empty() {
        if operations.is_empty() {
            return Err(Failure::NotFound("the store has no records; check --store".to_owned()));
        }
        let known: Vec<_> = operations.iter().map(|operation| format!("`{operation}`")).collect();
        return Err(Failure::NotFound(format!(
            "no record of this key and scope under the operations {}; check --namespace, --scope and the secret, or name \
             the operation with --operation",
            known.join(", ")
        )));
    }
    found
        .iter()
        .for_each(|record| output::record(record, &Details::default(), context.common.json));
    Ok(())
}

/// Returns the names of all operations that have a record.
async fn operations(context: &Context) -> Result<BTreeSet<String>, Failure> {
    eprintln!(
        "note: reading all records for the names of their operations; --operation avoids this"
    );
    let (mut listing, mut names) =
        (Progress::of(context.records.list(Filter::all())), BTreeSet::new());
    while let Some(record) = listing.try_next().await? {
        if !names.contains(record.extras.operation()) {
            names.insert(record.extras.operation().to_owned());
        }
    }
    Ok(names)
}
