//! Tells when a metric is good enough for a snapshot.

use std::collections::BTreeMap;

use crate::view::OnBest;

/// Follows one metric of a run in training.
///
/// The first value only begins the comparison. A snapshot is due when the metric is better than at the last one by `min_delta` or more
/// and `cooldown_epochs` are over; what became better before that is due then, unless it became worse again.
#[derive(Debug, Clone)]
pub struct BestWatch {
    rules: OnBest,
    best: Option<f64>,
    /// The epoch of the last snapshot, or of the first value.
    since: u64,
}

impl BestWatch {
    /// Begins anew.
    pub const fn new(rules: OnBest) -> Self {
        Self { rules, best: None, since: 0 }
    }

    /// Whether the state with these metrics is worth a snapshot. What is missing or no number never is.
    pub fn is_due(&mut self, epoch: u64, metrics: &BTreeMap<String, f64>) -> bool {
        let value = metrics.get(&self.rules.metric).copied().filter(|value| value.is_finite());
        let Some(value) = value else { return false };
        let Some(best) = self.best else {
            (self.best, self.since) = (Some(value), epoch);
            return false;
        };
        let gain = if self.rules.more_is_better() { value - best } else { best - value };
        let due = gain > 0.0
            && gain >= self.rules.min_delta
            && epoch.saturating_sub(self.since) >= self.rules.cooldown_epochs;
        if due {
            (self.best, self.since) = (Some(value), epoch);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(metric: &str, min_delta: f64, cooldown_epochs: u64, values: &[(u64, f64)]) -> Vec<u64> {
        let mut watch = BestWatch::new(OnBest { metric: metric.to_owned(), min_delta, cooldown_epochs });
        let metrics = |value: f64| [(metric.to_owned(), value)].into();
        values
            .iter()
            .filter(|(epoch, value)| watch.is_due(*epoch, &metrics(*value)))
            .map(|(epoch, _)| *epoch)
            .collect()
    }

    #[test]
    fn a_snapshot_is_due_when_it_is_better_by_enough() {
        let losses = [(1, 0.5), (2, 0.5), (3, 0.45), (4, 0.39), (5, f64::NAN), (6, 0.1), (7, 0.6)];
        assert_eq!(due("loss", 0.0, 0, &losses), [3, 4, 6]);
        assert_eq!(due("loss", 0.1, 0, &losses), [4, 6]);
        assert_eq!(due("accuracy", 0.0, 0, &losses), [7]);
        assert_eq!(due("loss", 0.0, 5, &losses), [6]);
    }

    #[test]
    fn what_became_better_meanwhile_is_due_when_the_pause_is_over() {
        assert_eq!(due("val_loss", 0.0, 3, &[(10, 0.9), (11, 0.5), (12, 0.6), (13, 0.6), (14, 0.6)]), [13]);
    }

    #[test]
    fn another_metric_is_not_looked_at() {
        let rules = OnBest { metric: "loss".to_owned(), min_delta: 0.0, cooldown_epochs: 0 };
        let mut watch = BestWatch::new(rules);
        let accuracy: BTreeMap<_, _> = [("accuracy".to_owned(), 1.0)].into();
        assert!(!watch.is_due(1, &accuracy) && !watch.is_due(2, &accuracy));
    }
}
