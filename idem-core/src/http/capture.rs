//! A handler's response: what its caller gets and what is recorded.

use std::future::{poll_fn, ready};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::future::Either;

use super::collect::{Collected, Collecting};
use crate::engine::Executed;
use crate::http::problem;
use crate::model::{Completion, Headers, Outcome, StoredResponse};

/// The head of a handler's response.
#[derive(Debug)]
pub struct Head {
    /// Its status.
    pub status: u16,
    /// Those of its headers that are worth replaying, by [`stored_headers`](super::stored_headers).
    pub headers: Headers,
    /// What the handler says itself of its outcome.
    pub declared: Option<Outcome>,
    /// How many bytes the body has at least, as far as it says so.
    pub announced: u64,
}

/// The body as it is delivered to the caller of a run.
#[derive(Debug)]
pub enum Delivery<S, E> {
    /// All of it.
    Whole(Bytes),
    /// What was collected, and the rest. Where nothing was collected, the body is as it was.
    Longer(Bytes, S),
    /// What came before the body failed, and how it failed.
    Broken(Bytes, E),
}

/// Turns a handler's response into what its caller gets and what is recorded. Collects the body up to
/// `max` bytes; a larger one passes through, and the record says that it was not kept (R37, R38).
///
/// `respond` makes the response for the caller: with this body, or, if the body failed before it gave
/// a byte, from an answer that says so.
///
/// Most bodies are there at once, so that is tried first; only one that is still to come is collected
/// in a box, and the future of every other run stays small.
pub fn record<T, S, E>(
    head: Head,
    body: S,
    max: usize,
    respond: impl FnOnce(Result<Delivery<S, E>, StoredResponse>) -> T,
) -> impl Future<Output = Executed<T>>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    if head.announced > max as u64 {
        let longer = Collected::Longer(Bytes::new(), body);
        return Either::Left(ready(conclude(head, longer, respond)));
    }
    let mut collecting = Collecting::new(body, max);
    match collecting.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(end) => Either::Left(ready(conclude(head, collecting.finish(end), respond))),
        Poll::Pending => Either::Right(Box::pin(async move {
            let end = poll_fn(|cx| collecting.poll(cx)).await;
            conclude(head, collecting.finish(end), respond)
        })),
    }
}

fn conclude<T, S, E>(
    head: Head,
    collected: Collected<S, E>,
    respond: impl FnOnce(Result<Delivery<S, E>, StoredResponse>) -> T,
) -> Executed<T> {
    let Head { status, headers, declared, .. } = head;
    // As it says itself, else as its status says (R21).
    let outcome = declared.unwrap_or_else(|| Outcome::of_status(status));
    let completion = Completion::NotRetained { status };
    let (body, outcome, completion) = match collected {
        Collected::Whole(body) => {
            let answer = StoredResponse { status, headers, body: body.clone() };
            (Delivery::Whole(body), outcome, Completion::Response(answer))
        }
        Collected::Longer(start, rest) => (Delivery::Longer(start, rest), outcome, completion),
        Collected::Broken(start, error) => {
            (Delivery::Broken(start, error), Outcome::Ambiguous, completion)
        }
        Collected::BrokenAtStart => return panicked(|answer| respond(Err(answer))),
    };
    Executed { reply: respond(Ok(body)), outcome, completion }
}

/// What a panic of a handler is recorded as: an ambiguous 500.
pub fn panicked<T>(reply: impl FnOnce(StoredResponse) -> T) -> Executed<T> {
    let answer = problem::internal_error();
    Executed {
        reply: reply(answer.clone()),
        outcome: Outcome::Ambiguous,
        completion: Completion::Response(answer),
    }
}
