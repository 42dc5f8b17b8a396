//! Showing one resume.

use backstay_model::{Action, Caller};

use super::opened::resume_view;
use crate::error::Result;
use crate::service::Service;
use crate::view::Resume;

impl Service {
    /// The resume with this id.
    pub async fn get_resume(&self, caller: &Caller, id: &str) -> Result<Resume> {
        let (row, job, record) = self.permitted_resume(caller, id, Action::View).await?;
        Ok(resume_view(&row, record, &job))
    }
}
