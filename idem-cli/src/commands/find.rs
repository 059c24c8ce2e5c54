//! `idem find`

use std::collections::BTreeSet;

use idem_core::IdempotencyKey;
use idem_core::http::Scope;
use idem_core::records::{Filter, Operation, RecordHandle};

use super::Context;
use crate::args::Find;
use crate::failure::Failure;
use crate::{output, scope};

pub(super) async fn run(context: &Context, find: &Find) -> Result<(), Failure> {
    let key = IdempotencyKey::new(&*find.key);
    let key = key.map_err(|error| Failure::Usage(format!("`{}`: {error}", find.key)))?;
    let scope = scope::of(find)?;
    let operations = match &find.operation[..] {
        [] => operations(context).await?,
        named => named.iter().cloned().collect(),
    };
    let mut found = Vec::new();
    for operation in &operations {
        found.extend(by_key(context, operation, scope, &key).await?);
    }
    if found.is_empty() {
        let known: Vec<_> = operations.iter().map(|operation| format!("`{operation}`")).collect();
        return Err(Failure::NotFound(format!(
            "no record of this key and scope under the operations {}; check --namespace, --scope and the secret, or name \
             the operation with --operation",
            known.join(", ")
        )));
    }
    found.iter().for_each(|record| output::record(record, &[], None, context.common.json));
    Ok(())
}

/// Returns the names of all operations that have a record.
async fn operations(context: &Context) -> Result<BTreeSet<String>, Failure> {
    eprintln!(
        "note: reading all records for the names of their operations; --operation avoids this"
    );
    let (mut listing, mut names) = (context.records.list(Filter::all()), BTreeSet::new());
    while let Some(record) = listing.try_next().await? {
        if !names.contains(record.extras.operation()) {
            names.insert(record.extras.operation().to_owned());
        }
    }
    Ok(names)
}

/// Tries both readings of a name: a method with a route template, and one word of the attribute's `operation`.
async fn by_key(
    context: &Context,
    operation: &str,
    scope: Scope,
    key: &IdempotencyKey,
) -> Result<Vec<RecordHandle>, Failure> {
    let route = operation.split_once(' ').map(|(method, path)| Operation::route(method, path));
    let mut found = Vec::new();
    for operation in route.into_iter().chain([Operation::named(operation)]) {
        found.extend(context.records.by_key(&operation, scope, key).await?);
    }
    Ok(found)
}
