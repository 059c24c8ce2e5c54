//! `idem show`

use idem_core::store::RecordIdPrefix;

use super::Context;
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(
    context: &Context,
    reference: RecordIdPrefix,
    downstream: &[String],
    with_response: bool,
) -> Result<(), Failure> {
    let record = context.only(reference).await?;
    let response = if with_response { record.response().await? } else { None };
    output::record(&record, downstream, response.as_ref(), context.common.json);
    if with_response && response.is_none() {
        return Err(Failure::NotFound("the record has no stored response".to_owned()));
    }
    Ok(())
}
