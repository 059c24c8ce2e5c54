//! The audit log: reading, checking and pruning it.

use super::{Records, RecordsError};
use crate::model::{RecordId, Timestamp};
use crate::store::{AuditAction, AuditFilter, AuditPage, AuditRecord, Cursor};

/// The number of entries that are read from the store in one call.
const PAGE: usize = 500;

/// The result of a check of the audit log. Returned by [`Records::verify_audit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditCheck {
    /// Each entry after the oldest contains the digest of the entry before it. See [`Records::verify_audit`] for the changes that
    /// this does not show.
    Intact {
        /// The number of entries.
        entries: u64,
    },
    /// An entry before this one was changed, removed or added, or this one cannot be read.
    Broken {
        /// The number of entries before it.
        entries: u64,
        /// The first entry that does not fit.
        record: Box<AuditRecord>,
    },
    /// The store does not chain its entries, so changes of the log cannot be found.
    NotChained,
}

impl Records {
    /// Returns entries of the audit log, oldest first: up to `limit` of them, from `after` on.
    ///
    /// # Errors
    /// If the store does not reply.
    pub async fn audit(
        &self,
        filter: AuditFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<AuditPage, RecordsError> {
        Ok(self.admin()?.audit(filter, after, limit).await?)
    }

    /// Returns the late completions of a record, oldest first: results of runs that had lost their claim. **A second effect
    /// may exist for each of them.**
    ///
    /// # Errors
    /// If the store does not reply.
    pub async fn late_completions(&self, id: RecordId) -> Result<Vec<AuditRecord>, RecordsError> {
        let (filter, mut after, mut late) = (AuditFilter::of_record(id), None, Vec::new());
        loop {
            let page = self.audit(filter, after, PAGE).await?;
            let is_late = |record: &AuditRecord| record.entry.action == AuditAction::Late;
            late.extend(page.records.into_iter().filter(is_late));
            after = page.next;
            if after.is_none() {
                return Ok(late);
            }
        }
    }

    /// Reads the whole audit log, and checks that each entry contains the digest of the entry before it. Entries before the
    /// oldest may have been pruned.
    ///
    /// It finds an entry that was changed, removed or inserted if later entries exist and were left as they were. It does not find:
    ///
    /// * the removal of the oldest or the newest entries, or of all;
    /// * a change of the newest entry, or an entry that was appended;
    /// * a table in which all later digests were computed again.
    ///
    /// The number of entries and the digest of [`verify_audit_with_digest`](Self::verify_audit_with_digest) show most of this, if they
    /// are kept elsewhere.
    ///
    /// # Errors
    /// If the store does not reply.
    pub async fn verify_audit(&self) -> Result<AuditCheck, RecordsError> {
        Ok(self.verify_audit_with_digest().await?.0)
    }

    /// [`verify_audit`](Self::verify_audit), and the digest of the newest entry of an intact log.
    ///
    /// Keep the digest and the number of entries outside the store. The entry that is written next contains the digest as
    /// [`AuditRecord::previous`]. If the digest is neither that of the newest entry nor in a later one, entries were removed or
    /// rewritten. If the number is smaller than before, entries were removed, unless the log was pruned.
    ///
    /// # Errors
    /// If the store does not reply.
    pub async fn verify_audit_with_digest(
        &self,
    ) -> Result<(AuditCheck, Option<[u8; 32]>), RecordsError> {
        let (mut after, mut digest, mut entries) = (None, None, 0);
        loop {
            let page = self.audit(AuditFilter::default(), after, PAGE).await?;
            for record in page.records {
                let Some(previous) = record.previous else {
                    return Ok((AuditCheck::NotChained, None));
                };
                if digest.is_some_and(|digest| digest != previous) {
                    return Ok((AuditCheck::Broken { entries, record: Box::new(record) }, None));
                }
                digest = Some(record.digest());
                entries += 1;
            }
            after = page.next;
            if after.is_none() {
                return Ok((AuditCheck::Intact { entries }, digest));
            }
        }
    }

    /// Deletes the entries of the audit log that were written before a time, and returns their number.
    ///
    /// # Errors
    /// If the store does not permit it, or does not reply.
    pub async fn prune_audit(&self, before: Timestamp) -> Result<u64, RecordsError> {
        Ok(self.admin()?.prune_audit(before).await?)
    }
}
