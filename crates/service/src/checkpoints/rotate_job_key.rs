//! Rotating the key under which states are sealed.

use backstay_model::{Action, Caller, ErrorKind, Subject};
use serde_json::json;

use crate::error::{Result, ServiceError};
use crate::service::{Describe, Service};

impl Service {
    /// Makes a new data key; returns its number. Every server seals with it from three minutes on at the latest. What was
    /// sealed before stays readable under its own key, and is sealed anew only when it is written again.
    pub async fn rotate_job_key(&self, caller: &Caller) -> Result<u16> {
        self.permit(caller, None, Action::ManageTenants, &Subject::new("repository", "job-key")).await?;
        // A catalog without any key gets its first one.
        self.keyring().await?;
        let wrapping = self.repository().await?.catalog_key();
        let mut tx = self.begin().await?;
        let newest = tx.content_keys().await?.last().map_or(0, |row| row.number);
        let number = u16::try_from(newest + 1)
            .map_err(|_| ServiceError::new(ErrorKind::Conflict, "There are 65535 keys, and no more"))?;
        tx.insert_content_key(&self.new_content_key(number, &wrapping)).await?;
        let event = self.event(caller, "repository.job_key_rotated", Subject::new("repository", "job-key"));
        tx.record(event.with(json!({"number": number})));
        tx.commit().await?;
        Ok(number)
    }
}
