//! The guide's chapter on a service that has its own idempotency code: a newsletter on actix-web and sqlx.

pub mod after;
pub mod before;
pub mod by_hand;

use idem_actix::postgres::sqlx::{self, PgConnection};
use serde::{Deserialize, Serialize};

/// The tables of the service, without those of either kind of idempotency.
pub const SCHEMA: &str = "
    CREATE TABLE issue (id bigserial PRIMARY KEY, title text NOT NULL, content text NOT NULL);
    CREATE TABLE subscriber (email text PRIMARY KEY);
    CREATE TABLE delivery (issue bigint, email text, PRIMARY KEY (issue, email));
";

/// The editor who has signed in. A middleware puts it into the extensions of the request.
#[derive(Clone, Copy, Debug)]
pub struct UserId(pub i64);

/// The form of a new issue. Its page contains a random key in a hidden field.
#[derive(Deserialize, Serialize)]
pub struct NewIssue {
    /// The subject of the mail.
    pub title: String,
    /// The text of the mail.
    pub content: String,
    /// The key, from a hidden field.
    pub idempotency_key: String,
}

/// Stores an issue, and queues its delivery to each subscriber.
async fn publish_issue(db: &mut PgConnection, issue: &NewIssue) -> sqlx::Result<()> {
    let insert = "INSERT INTO issue (title, content) VALUES ($1, $2) RETURNING id";
    let id: i64 = sqlx::query_scalar(insert)
        .bind(&issue.title)
        .bind(&issue.content)
        .fetch_one(&mut *db)
        .await?;
    let queue = "INSERT INTO delivery SELECT $1, email FROM subscriber";
    sqlx::query(queue).bind(id).execute(db).await?;
    Ok(())
}
