//! `idem show`

use idem_core::store::RecordIdPrefix;

use super::Context;
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(
    context: &Context,
    reference: RecordIdPrefix,
    downstream: &[String],
) -> Result<(), Failure> {
    let record = context.only(reference).await?;
    output::record(&record, downstream, context.common.json);
    Ok(())
}
