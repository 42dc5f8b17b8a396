//! The optimizer as other tools expect it: the state dictionary of PyTorch, as JSON.
//!
//! Only others read it; what we go on from is in our own group, bit for bit.

use backstay_trainer::{OptimizerKind, State};
use serde_json::{Value, json};

/// The name of an optimizer's class.
pub(super) const fn class(kind: OptimizerKind) -> &'static str {
    match kind {
        OptimizerKind::Adam => "Adam",
        OptimizerKind::AdamW => "AdamW",
        OptimizerKind::Sgd | OptimizerKind::Ascent => "SGD",
        OptimizerKind::RmsProp => "RMSprop",
    }
}

/// `{"state": {"0": weights, "1": bias}, "param_groups": […]}`; weights are `[out, in]` there.
pub(super) fn json(state: &State) -> String {
    let (network, moments) = (&state.network, &state.output_moments);
    let outputs = network.output_size;
    let weights = network.output_weights.len();
    let transposed = |values: &[f32]| -> Value {
        (0..outputs)
            .map(|output| values.iter().skip(output).step_by(outputs).copied().collect::<Vec<f32>>())
            .collect::<Vec<_>>()
            .into()
    };
    let row = |values: &[f32]| -> Value { values.to_vec().into() };
    let entry = |first: Value, second: Value| match state.parameters.optimizer {
        OptimizerKind::Adam | OptimizerKind::AdamW => {
            json!({"step": moments.step as f64, "exp_avg": first, "exp_avg_sq": second})
        }
        OptimizerKind::RmsProp => json!({"step": moments.step as f64, "square_avg": second}),
        OptimizerKind::Sgd | OptimizerKind::Ascent => json!({"momentum_buffer": null}),
    };
    let (first, second) = (&moments.first, &moments.second);
    json!({
        "state": {
            "0": entry(transposed(&first[..weights]), transposed(&second[..weights])),
            "1": entry(row(&first[weights..]), row(&second[weights..])),
        },
        "param_groups": [{"lr": state.parameters.learning_rate, "params": [0, 1]}],
    })
    .to_string()
}
