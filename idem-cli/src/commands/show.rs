//! `idem show`

use idem_core::store::RecordIdPrefix;

use super::Context;
use crate::failure::Failure;
use crate::output::{self, Details};

pub(super) async fn run(
    context: &Context,
    reference: RecordIdPrefix,
    downstream: &[String],
    with_response: bool,
) -> Result<(), Failure> {
    let record = context.only(reference).await?;
    let response = if with_response { record.response().await? } else { None };
    let late = context.records.late_completions(record.id).await?;
    let details = Details { downstream, response: response.as_ref(), late: &late };
    output::record(&record, &details, context.common.json);
    if with_response && response.is_none() {
        return Err(Failure::NotFound("the record has no stored response".to_owned()));
    }
    Ok(())
}
