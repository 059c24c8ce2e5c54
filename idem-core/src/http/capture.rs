//! Captures a handler's response: collects its body, and separates the caller's response from the stored one.

use std::future::{poll_fn, ready};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::future::Either;

use super::collect::{BodyCollector, CollectedBody};
use crate::engine::{Executed, keeps_failure, log_stream, outcome_of_status};
use crate::http::refusal::internal_error;
use crate::model::{Completion, Headers, Outcome, StoredResponse};

/// The head of a handler's response.
#[derive(Debug)]
pub struct Head {
    /// The HTTP status.
    pub status: u16,
    /// The headers that are stored, as returned by [`stored_headers`](super::stored_headers).
    pub headers: Headers,
    /// The outcome that the handler declared, if it did. `None`: the status decides.
    pub declared: Option<Outcome>,
    /// The minimum size of the body in bytes, from its size hint or `Content-Length`. 0 if it is not known.
    pub announced: u64,
    /// Whether the response is a [stream](super::is_stream), or has [`PassThrough`](super::PassThrough) in its extensions.
    pub is_stream: bool,
}

/// The body for the caller of a run.
#[derive(Debug)]
pub enum Delivery<S, E> {
    /// The complete body, and the stream at its end, from which an adapter can take trailers.
    Whole(Bytes, S),
    /// The body exceeds the limit: the collected start and the rest of the stream. If the start is empty, the stream has
    /// not been polled.
    Longer(Bytes, S),
    /// The stream failed: the collected start and the error.
    Broken(Bytes, E),
}

/// Captures a handler's response. The output contains the caller's response, the outcome and the completion.
///
/// The body is collected up to `max` bytes. A larger body passes through to the caller and is not retained; see
/// [response body limit](crate::rules::semantics#response-body-limit) and
/// [streamed responses](crate::rules::semantics#streamed-responses). A [stream](crate::rules::semantics#streams) with a final
/// outcome is not collected at all. It is reported as an error in the log, once per operation.
///
/// `respond` creates the caller's response from the body. If the body fails before its first byte, `respond` gets the 500
/// that replaces the response.
///
/// A body that is complete on the first poll needs no allocation here. Only a pending body is collected in a box, so that
/// the future of a run stays small.
///
/// Not cancel safe: if the future is dropped, the response is lost.
pub fn capture<T, S, E>(
    head: Head,
    body: S,
    max: usize,
    respond: impl FnOnce(Result<Delivery<S, E>, StoredResponse>) -> T,
) -> impl Future<Output = Executed<T>>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    // A status that the policy releases counts as final here; it only decides whether the body is collected.
    let is_final =
        head.declared.unwrap_or_else(|| Outcome::of_status(head.status)) == Outcome::Final;
    let passes_through = head.is_stream && is_final;
    if passes_through {
        log_stream();
    }
    if passes_through || head.announced > max as u64 {
        let longer = CollectedBody::Longer(Bytes::new(), body);
        return Either::Left(ready(executed(head, longer, respond)));
    }
    let mut collector = BodyCollector::new(body, max);
    match collector.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(end) => Either::Left(ready(executed(head, collector.finish(end), respond))),
        Poll::Pending => Either::Right(Box::pin(async move {
            let end = poll_fn(|cx| collector.poll(cx)).await;
            executed(head, collector.finish(end), respond)
        })),
    }
}

fn executed<T, S, E>(
    head: Head,
    collected: CollectedBody<S, E>,
    respond: impl FnOnce(Result<Delivery<S, E>, StoredResponse>) -> T,
) -> Executed<T> {
    let Head { status, headers, declared, .. } = head;
    // `docs/semantics.md#outcome-of-a-response`
    let outcome = declared.unwrap_or_else(|| outcome_of_status(status));
    let completion = Completion::NotRetained { status };
    let (body, outcome, completion) = match collected {
        CollectedBody::Whole(body, end) => {
            let response = StoredResponse { status, headers, body: body.clone() };
            (Delivery::Whole(body, end), outcome, Completion::Response(response))
        }
        CollectedBody::Longer(start, rest) => (Delivery::Longer(start, rest), outcome, completion),
        CollectedBody::Broken(start, error) => {
            (Delivery::Broken(start, error), Outcome::Ambiguous, completion)
        }
        CollectedBody::BrokenAtStart => return panicked(|response| respond(Err(response))),
    };
    Executed { reply: respond(Ok(body)), outcome, completion }
}

/// The result of a run whose handler panicked: an ambiguous 500. `respond` creates the caller's response from it.
///
/// The response tells whether a retry can succeed. Call it inside the run, as the engine calls `on_panic`.
pub fn panicked<T>(respond: impl FnOnce(StoredResponse) -> T) -> Executed<T> {
    let response = internal_error(keeps_failure());
    Executed {
        reply: respond(response.clone()),
        outcome: Outcome::Ambiguous,
        completion: Completion::Response(response),
    }
}
