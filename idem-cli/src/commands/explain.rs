//! `idem explain`

use std::path::Path;

use bytes::Bytes;
use httparse::{EMPTY_HEADER, Request, Status};
use idem_core::http::RequestParts;
use idem_core::store::RecordIdPrefix;

use super::Context;
use super::change::read;
use crate::failure::Failure;
use crate::output;

/// The maximum number of headers of a request.
const MAX_HEADERS: usize = 100;

pub(super) async fn run(
    context: &Context,
    reference: RecordIdPrefix,
    file: &Path,
) -> Result<(), Failure> {
    let message = read(file)?;
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut request = Request::new(&mut headers);
    let malformed = |reason: &str| {
        let file = file.display();
        Failure::Usage(format!(
            "{file} is not an HTTP/1.1 request ({reason}); write a request line, headers, an empty line and the body"
        ))
    };
    let parsed = request.parse(&message).map_err(|error| malformed(&error.to_string()))?;
    let Status::Complete(head) = parsed else { return Err(malformed("the head has no end")) };
    let record = context.only(reference).await?;
    let differences = record.explain(&parts(&request, &message, head)).ok_or_else(|| {
        Failure::Refused(
            "the record has no outline of its request; build the service's handle with `request_outline(true)`"
                .to_owned(),
        )
    })?;
    output::differences(&differences, context.common.json);
    Ok(())
}

/// The parts of a request whose body begins after `head` bytes.
fn parts<'a>(request: &'a Request<'_, '_>, message: &'a Bytes, head: usize) -> RequestParts<'a> {
    let target = request.path.unwrap_or_default();
    let (path, query) =
        target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let is_type = |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case("content-type");
    RequestParts {
        method: request.method.unwrap_or_default(),
        path,
        query,
        content_type: request.headers.iter().find(is_type).map(|header| header.value),
        body: &message[head..],
    }
}
