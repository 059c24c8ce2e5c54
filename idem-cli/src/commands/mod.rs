//! The commands.

mod audit;
mod change;
#[cfg(feature = "console")]
mod console;
mod explain;
mod find;
mod list;
mod show;

pub(crate) use list::Stats;

use idem_core::records::{RecordHandle, RecordIdPrefix, Records};

use crate::args::{Arguments, Command, Common};
use crate::failure::Failure;
use crate::output;
use crate::store::{self, Store};

/// The maximum number of records that an ambiguous reference shows.
const MAX_FOUND: usize = 100;

/// What every command gets.
pub(crate) struct Context {
    pub(crate) common: Common,
    pub(crate) store: Store,
    pub(crate) records: Records,
}

impl Context {
    async fn new(common: Common) -> Result<Self, Failure> {
        let store = Store::connect(&common).await?;
        // The service has the limit for bodies, which `resolve … complete` gets as an argument.
        let handle = store.idempotency(&common)?.max_response(usize::MAX).build();
        let records = handle.records()?;
        Ok(Self { common, store, records })
    }

    /// Returns the only record whose id begins with `reference`.
    async fn only(&self, reference: RecordIdPrefix) -> Result<RecordHandle, Failure> {
        let (first, last) = reference.range();
        if first != last && self.store.searches_all_keys {
            eprintln!("note: searching all keys of Redis; give all 64 digits for one lookup");
        }
        let mut found = self.records.find_by_prefix(reference, MAX_FOUND).await?;
        if found.len() > 1 {
            let ids: Vec<_> = found.iter().map(|record| output::id(record.id)).collect();
            let (count, ids) = (ids.len(), ids.join("\n  "));
            return Err(Failure::Usage(format!(
                "{count} records start with {reference}; give more digits:\n  {ids}"
            )));
        }
        found.pop().ok_or_else(|| not_found(reference))
    }
}

fn not_found(reference: RecordIdPrefix) -> Failure {
    Failure::NotFound(format!(
        "no record starts with {reference}; it may have expired or been freed, or belong to another store or namespace"
    ))
}

/// Runs the command of the arguments.
pub(crate) async fn run(Arguments { common, command }: Arguments) -> Result<(), Failure> {
    if let Command::Migrate { print } = command {
        return store::migrate(&common, print).await;
    }
    let context = Context::new(common).await?;
    match command {
        Command::Find(find) => find::run(&context, &find).await,
        Command::List(list) => list::run(&context, &list).await,
        Command::Show { reference, downstream, response } => {
            show::run(&context, reference, &downstream, response).await
        }
        Command::Explain { reference, request } => {
            explain::run(&context, reference, &request).await
        }
        Command::Stats => list::stats(&context).await,
        Command::Resolve { reference, resolution } => {
            change::resolve(&context, reference, resolution).await
        }
        Command::Evict { reference, change, force } => {
            change::evict(&context, reference, &change, force).await
        }
        Command::Audit { verify: true, .. } => audit::verify(&context).await,
        Command::Audit { prune_before: Some(before), yes, .. } => {
            audit::prune(&context, before, yes).await
        }
        Command::Audit { reference, since, .. } => audit::run(&context, reference, since).await,
        #[cfg(feature = "console")]
        Command::Console(console) => console::run(&context, console).await,
        Command::Doctor => doctor(&context).await,
        Command::Migrate { .. } => unreachable!("handled before the connection"),
    }
}

/// Prints what is wrong with the store.
async fn doctor(context: &Context) -> Result<(), Failure> {
    let issues = context.store.check().await?;
    output::doctor(&issues, context.common.json);
    if issues.is_empty() {
        return Ok(());
    }
    Err(Failure::Store { message: "the store is not healthy".to_owned(), source: None })
}
