//! Deciding about several approvals at once.

use backstay_model::Caller;

use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::{OneDecision, Step};

/// How many are decided at once.
const MOST: usize = 100;

impl Service {
    /// Decides about several approvals, each for itself, in their order; returns what became of each.
    pub async fn decide_approvals(
        &self,
        caller: &Caller,
        decisions: Vec<OneDecision>,
    ) -> Result<Vec<Result<Step>>> {
        if !(1..=MOST).contains(&decisions.len()) {
            return Err(ServiceError::invalid("decisions", format!("it takes 1 to {MOST} items")));
        }
        let mut done = Vec::with_capacity(decisions.len());
        for OneDecision { execution_id, which, decision } in decisions {
            done.push(self.decide_approval(caller, &execution_id, &which, decision).await);
        }
        Ok(done)
    }
}
