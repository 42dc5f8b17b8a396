//! What the tests of this crate share: equality of states, bit for bit.

use backstay_trainer::State;

/// Fails with the name of the first part in which two states differ. Infinite and missing values compare by their bits.
pub(crate) fn assert_same(left: &State, right: &State) {
    let bits = |values: &[f32]| -> Vec<u32> { values.iter().map(|value| value.to_bits()).collect() };
    let (a, b) = (&left.network, &right.network);
    assert_eq!(left.epoch, right.epoch, "epoch");
    assert_eq!(left.round, right.round, "round");
    assert_eq!((left.stage, left.stage_epoch), (right.stage, right.stage_epoch), "stage");
    assert_eq!((left.status, left.completion), (right.status, right.completion), "status");
    assert_eq!(bits(&a.output_weights), bits(&b.output_weights), "output weights");
    assert_eq!(bits(&a.output_bias), bits(&b.output_bias), "output bias");
    assert_eq!(a.units.len(), b.units.len(), "hidden units");
    for (index, (one, other)) in a.units.iter().zip(&b.units).enumerate() {
        assert_eq!(bits(&one.weights), bits(&other.weights), "weights of unit {index}");
        assert_eq!(one.bias.to_bits(), other.bias.to_bits(), "bias of unit {index}");
        assert_eq!(one.correlation.to_bits(), other.correlation.to_bits(), "correlation of unit {index}");
    }
    assert_eq!(left.output_moments, right.output_moments, "moments of the output layer");
    assert_eq!(left.pool, right.pool, "candidates");
    assert_eq!(left.best_loss.to_bits(), right.best_loss.to_bits(), "best loss");
    assert_eq!(left.stale_rounds, right.stale_rounds, "stale rounds");
    let rounds = |state: &State| -> Vec<[u64; 4]> {
        let of = |round: &backstay_trainer::Round| {
            [round.train_loss, round.train_accuracy, round.value_loss, round.value_accuracy].map(f64::to_bits)
        };
        state.rounds.iter().map(of).collect()
    };
    assert_eq!(rounds(left), rounds(right), "rounds");
    let (one, other) = (&left.epochs, &right.epochs);
    assert_eq!(one.dropped, other.dropped, "dropped rows");
    assert_eq!(one.phase, other.phase, "phases of the rows");
    assert_eq!(one.hidden_units, other.hidden_units, "hidden units of the rows");
    for (name, one, other) in [
        ("loss", &one.loss, &other.loss),
        ("accuracy", &one.accuracy, &other.accuracy),
        ("validation loss", &one.validation_loss, &other.validation_loss),
        ("validation accuracy", &one.validation_accuracy, &other.validation_accuracy),
        ("correlation", &one.correlation, &other.correlation),
    ] {
        assert_eq!(bits(one), bits(other), "{name} of the rows");
    }
}
