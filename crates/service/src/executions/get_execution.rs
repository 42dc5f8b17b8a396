//! Showing one execution.

use backstay_model::{Action, Caller};

use crate::error::Result;
use crate::service::Service;
use crate::view::Execution;

impl Service {
    /// The execution with this id.
    pub async fn get_execution(&self, caller: &Caller, id: &str) -> Result<Execution> {
        self.permit_execution(caller, id, Action::View).await?;
        let mut read = self.read().await?;
        Ok(self.find_execution(&mut read, id).await?.view())
    }
}
