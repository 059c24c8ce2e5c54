//! The settings for keys, responses and refusals over HTTP.

use super::IdempotencyBuilder;
use crate::http::headers::header_name;
use crate::http::refusal::Format;
use crate::http::{RefusalFormat, StoredHeaders};
use crate::model::IdempotencyKey;

impl IdempotencyBuilder {
    /// Sets the prefix of the `type` of [problem documents](crate::rules::semantics#problem-documents): an
    /// absolute URI such as `https://api.example.com/problems/`, to which the slug is appended. The default
    /// is `urn:idem:problem:`.
    ///
    /// # Panics
    /// If `base` contains a character that a URI cannot contain: a space, `<`, `>`, `"`, a control character
    /// or a non-ASCII character.
    pub fn problem_base(mut self, base: impl Into<Box<str>>) -> Self {
        let base = base.into();
        let in_uri = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"');
        assert!(
            base.bytes().all(in_uri),
            "the problem base {base:?} contains a character that a URI cannot contain"
        );
        self.config.problem_base = base;
        self
    }

    /// Sets the format of [refusals](crate::rules::semantics#formats-of-refusals). The default is
    /// [`ProblemFormat`](crate::http::ProblemFormat). A function or closure is a format; see [`RefusalFormat`].
    pub fn refusal_format(mut self, format: impl RefusalFormat) -> Self {
        self.config.format = Format::new(format);
        self
    }

    /// Sets the name of the request header that carries the key
    /// ([key source](crate::rules::semantics#key-source)). The default is `idempotency-key`.
    ///
    /// # Panics
    /// If `name` is not a valid header name (RFC 9110, section 5.1).
    pub fn header(mut self, name: impl Into<String>) -> Self {
        self.config.header = header_name(name.into());
        self
    }

    /// Sets further names of the header that carries the key, for clients of an older API. If a request has several of them,
    /// their keys must be equal ([key source](crate::rules::semantics#key-source)). By default the header has no other name.
    ///
    /// # Panics
    /// If a name is not a valid header name (RFC 9110, section 5.1).
    pub fn header_aliases<N: AsRef<str>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.config.header_aliases = names.into_iter().map(header_name).collect();
        self
    }

    /// Sets the minimum length of a key in an HTTP request, in characters
    /// ([key length](crate::rules::semantics#key-length-and-characters)). Shorter keys are refused with 400. The default is 1.
    ///
    /// # Panics
    /// If `characters` is more than 255, the maximum length of a key.
    pub const fn min_key_len(mut self, characters: usize) -> Self {
        assert!(
            characters <= IdempotencyKey::MAX_LEN,
            "min_key_len is more than 255, so no key could be long enough: set at most 255"
        );
        self.config.min_key_len = characters;
        self
    }

    /// Sets whether responses repeat the key header of their request, as it was sent: those of handlers, replays, and refusals
    /// after the key was read. The default is `false`.
    ///
    /// A key gives access to the stored response. Do not echo keys if responses are logged.
    pub const fn echo_key(mut self, echo: bool) -> Self {
        self.config.echoes_key = echo;
        self
    }

    /// Sets which headers of responses are stored, among those that
    /// [can be](crate::rules::semantics#stored-headers). The default is all of them.
    pub fn stored_headers(mut self, headers: StoredHeaders) -> Self {
        self.config.responses.set_stored(headers);
        self
    }

    /// Sets the name of the [replay marker](crate::rules::semantics#replay-marker). The default is `idempotent-replayed`.
    ///
    /// `idem-client` recognizes `idempotent-replayed`, `idempotency-replayed` and `x-idempotent-replayed`.
    ///
    /// # Panics
    /// If `name` is not a valid header name (RFC 9110, section 5.1).
    pub fn replay_marker(mut self, name: impl AsRef<str>) -> Self {
        self.config.responses.set_marker(name.as_ref());
        self
    }

    /// Stores an outline of each HTTP request with its claim, so that a [mismatch](crate::rules::semantics#fingerprint-mismatch)
    /// can be explained: digests of 8 bytes for method, path, query, media type and body, and for up to 32 members of a JSON
    /// object, at most 296 bytes. The default is no outline, which costs nothing.
    ///
    /// A mismatch is then logged with the parts that differ, such as `body.amount`, and reported as
    /// [`Event::Mismatch`](crate::observe::Event::Mismatch). The client never gets them. Set a
    /// [secret](Self::secret) too: without one, a reader of the store can guess small values from their digests.
    pub const fn request_outline(mut self, keep: bool) -> Self {
        self.config.keeps_outlines = keep;
        self
    }
}
