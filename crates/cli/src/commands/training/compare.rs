//! `backstay training compare`

use backstay_source_training::{TensorStatus, compare};
use clap::Args;

use super::load_named;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::human;
use crate::render::table::{Align, Table};

/// Compare two snapshots tensor by tensor: shape, norm, largest difference, cosine
///
/// Tensors that are the same bit for bit are counted; --all lists them too.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay training compare spirals:before spirals
  backstay training compare old.h5 new.h5 --all")]
pub(crate) struct TrainingCompareArgs {
    /// A file, a run (its present state), RUN:LABEL, or an id
    #[arg(value_name = "A")]
    pub(crate) first: String,

    /// The same
    #[arg(value_name = "B")]
    pub(crate) second: String,

    /// List tensors that are the same, too
    #[arg(long)]
    pub(crate) all: bool,
}

/// Compares.
pub(crate) async fn run(cx: &Context, args: TrainingCompareArgs) -> CommandResult {
    let first = load_named(cx, &args.first).await?;
    let second = load_named(cx, &args.second).await?;
    let found = compare(&first, &second);
    cx.output.result(&found, |out, style| {
        let mark = |same: bool| if same { "✓" } else { "✗" };
        let [before, after] = found.hidden_units;
        writeln!(out, "Same architecture: {}", mark(found.same_architecture))?;
        writeln!(out, "Same hidden units: {} ({before}, {after})", mark(found.same_hidden_units))?;
        writeln!(out, "Same activation: {}", mark(found.same_activation))?;
        for (name, [old, new]) in &found.params_diff {
            writeln!(out, "Parameter {name}: {old}, {new}")?;
        }
        let mut table = Table::new(&[
            ("TENSOR", Align::Left),
            ("", Align::Left),
            ("SHAPE", Align::Left),
            ("NORM A", Align::Right),
            ("NORM B", Align::Right),
            ("MAX DELTA", Align::Right),
            ("COSINE", Align::Right),
            ("NAN", Align::Right),
        ]);
        let (mut same, mut listed) = (0, 0);
        for one in &found.tensors {
            same += u64::from(one.status == TensorStatus::Same);
            if one.status == TensorStatus::Same && !args.all {
                continue;
            }
            listed += 1;
            let [a, b] = one.shapes.each_ref().map(|shape| shape.as_ref().map(|shape| shape_text(shape)));
            let shape = match (a, b) {
                (Some(a), Some(b)) if a == b => a,
                (a, b) => format!("{} → {}", a.unwrap_or("–".into()), b.unwrap_or("–".into())),
            };
            let number = |value: Option<f64>| value.map(|value| format!("{value:.6}")).unwrap_or_default();
            table.row(vec![
                human::one_line(&one.path),
                status(one.status).to_owned(),
                shape,
                number(one.norms[0]),
                number(one.norms[1]),
                number(one.max_delta),
                number(one.cosine),
                if one.nan > 0 { one.nan.to_string() } else { String::new() },
            ]);
        }
        if listed > 0 {
            table.write(out, style)?;
        }
        writeln!(out, "{} the same bit for bit", human::count(same, "tensor is", "tensors are"))
    })?;
    Ok(Exit::Done)
}

fn shape_text(shape: &[u64]) -> String {
    let sizes: Vec<String> = shape.iter().map(u64::to_string).collect();
    if sizes.is_empty() { "1".to_owned() } else { sizes.join("×") }
}

const fn status(status: TensorStatus) -> &'static str {
    match status {
        TensorStatus::Same => "same",
        TensorStatus::Changed => "changed",
        TensorStatus::Added => "added",
        TensorStatus::Removed => "removed",
        TensorStatus::Reshaped => "reshaped",
    }
}
