//! Reading a snapshot, from whatever wrote it.

use std::collections::BTreeMap;

use backstay_hdf5::Datatype;
use backstay_hdf5::read::{File, Limits, Object, ReadError, Source, Value};
use backstay_model::Timestamp;
use backstay_trainer::{Activation, Network, Round, Trainer, Unit};
use serde_json::{Map, Value as Json};

use crate::file::names::{OWN, OWN_VERSION};
use crate::file::own::Attributes;
use crate::file::standard::{FORMAT, LEGACY_FORMAT};
use crate::file::text::parse;
use crate::file::{Content, FormatName, Header, Lineage, Snapshot, SnapshotError, checksums, own, partial};

/// The newest version of the format that is read.
const NEWEST: u64 = 2;
/// The most hidden units of a network in a file.
const MAX_UNITS: u64 = 10_000;

impl Snapshot {
    /// Reads a snapshot and checks everything in it that has a checksum. A snapshot that is returned can be loaded.
    ///
    /// Memory is bounded by the length of the file. No pickle is read, nor the group `mp`, which may hold a key.
    ///
    /// # Errors
    /// When the file is damaged, of another or a newer format, holds no network, or a checksum does not fit.
    pub fn read(source: impl Source) -> Result<Self, SnapshotError> {
        Self::read_with(source, true)
    }

    /// [`Snapshot::read`], which checks the checksums of our own group only when asked to: a fuzzer cannot guess them.
    pub(crate) fn read_with(source: impl Source, verify: bool) -> Result<Self, SnapshotError> {
        // Weights do not compress by more; zeros might, and are then refused.
        const MOST_GROWTH: u64 = 64;
        const ALWAYS: u64 = 64 << 20;
        let bytes = source.bytes().map_err(|source| ReadError::Input { offset: 0, bytes: 0, source })?;
        let dataset_bytes = bytes.saturating_mul(MOST_GROWTH).clamp(ALWAYS, 4 << 30);
        let limits = Limits { dataset_bytes, ..Limits::default() };
        let file = File::open(source, limits)?;
        let reader = Reader { file: &file };
        let (format, version) = reader.format()?;
        // Also of what is not read below: links that lead elsewhere and damaged headers are refused.
        file.walk(|_| Ok::<_, SnapshotError>(()))?;
        let ours = file.group(OWN)?.is_some();
        if ours {
            let have = reader.attributes(&format!("/{OWN}"))?.number("version")?;
            if have != OWN_VERSION as u64 {
                return Err(SnapshotError::Newer { have: format!("{OWN} {have}") });
            }
            if verify {
                checksums::verify(&file)?;
            }
        }
        let header = reader.header(ours)?;
        let network = reader.network()?;
        let rounds = reader.rounds()?;
        let content = if ours {
            let (state, data) = own::load(&file, network, rounds)?;
            Trainer::check(&state, &data)
                .map_err(|error| SnapshotError::invalid(format!("/{OWN}"), error))?;
            Content::Exact { state: Box::new(state), data }
        } else {
            Content::Partial(Box::new(partial::load(&reader, format, version, network, rounds)?))
        };
        Ok(Self { header, content })
    }

    /// What going on bit for bit lacks; nothing for an exact snapshot.
    pub fn missing(&self) -> &[String] {
        match &self.content {
            Content::Exact { .. } => &[],
            Content::Partial(partial) => &partial.missing,
        }
    }

    /// The network.
    pub fn network(&self) -> &Network {
        match &self.content {
            Content::Exact { state, .. } => &state.network,
            Content::Partial(partial) => &partial.network,
        }
    }
}

/// A file, with errors that name places in it.
pub(super) struct Reader<'f, S> {
    pub(super) file: &'f File<S>,
}

impl<S: Source> Reader<'_, S> {
    /// The attributes of the object at `path`; none when there is no object.
    pub(super) fn attributes(&self, path: &str) -> Result<Attributes, SnapshotError> {
        let values = match self.file.find(path)? {
            Some(Object::Group(group)) => group.attributes()?,
            Some(Object::Dataset(dataset)) => dataset.attributes()?,
            None => BTreeMap::new(),
        };
        Ok(Attributes { path: path.to_owned(), values })
    }

    fn dataset(&self, path: &str) -> Result<backstay_hdf5::read::Dataset<'_, S>, SnapshotError> {
        self.file.dataset(path)?.ok_or_else(|| SnapshotError::invalid(path, "is missing"))
    }

    /// The text at `path`.
    pub(super) fn text(&self, path: &str) -> Result<String, SnapshotError> {
        Ok(self.dataset(path)?.text()?)
    }

    /// The 32-bit floats at `path`, whatever their shape.
    pub(super) fn f32s(&self, path: &str) -> Result<Vec<f32>, SnapshotError> {
        Ok(self.dataset(path)?.f32s()?)
    }

    /// The whole numbers at `path`.
    pub(super) fn whole(&self, path: &str) -> Result<Vec<u64>, SnapshotError> {
        Ok(self.dataset(path)?.u64s()?)
    }

    /// The matrix of 32-bit floats at `path`.
    pub(super) fn matrix(&self, path: &str) -> Result<([usize; 2], Vec<f32>), SnapshotError> {
        let dataset = self.dataset(path)?;
        let [rows, columns] = dataset.shape() else {
            return Err(SnapshotError::invalid(path, "is no matrix"));
        };
        Ok(([*rows as usize, *columns as usize], dataset.f32s()?))
    }

    /// Weights at `path`: 32-bit floats bit for bit, other numbers converted. Checked against `sum` where there is one.
    fn weights(&self, path: &str, sum: Option<&Json>) -> Result<(Vec<u64>, Vec<f32>), SnapshotError> {
        let dataset = self.dataset(path)?;
        if let Some(sum) = sum {
            let wanted = sum.as_str().unwrap_or_default();
            if !checksums::sha256(&dataset.read()?).eq_ignore_ascii_case(wanted) {
                return Err(SnapshotError::Checksum { path: path.to_owned() });
            }
        }
        let values = if let Datatype::Float { bytes: 4, .. } = dataset.datatype() {
            dataset.f32s()?
        } else {
            dataset.f64s()?.into_iter().map(|value| value as f32).collect()
        };
        Ok((dataset.shape().to_vec(), values))
    }

    /// The checksums beside the weights in the group at `path`; none in files without them.
    fn sums(&self, path: &str) -> Result<Map<String, Json>, SnapshotError> {
        let path = format!("{path}/checksums");
        match self.file.dataset(&path)? {
            Some(dataset) => parse(&path, &dataset.text()?),
            None => Ok(Map::new()),
        }
    }

    fn format(&self) -> Result<(FormatName, String), SnapshotError> {
        let root = self.attributes("")?;
        let format = match root.get("format").and_then(Value::as_text) {
            Some(FORMAT) => FormatName::Current,
            Some(LEGACY_FORMAT) => FormatName::Legacy,
            other => return Err(SnapshotError::Format { have: other.unwrap_or_default().to_owned() }),
        };
        let version = match root.get("format_version") {
            Some(value) => match (value.as_text(), value.as_u64()) {
                (Some(text), _) => text.to_owned(),
                (None, Some(number)) => number.to_string(),
                (None, None) => return Err(SnapshotError::invalid("/@format_version", "is no version")),
            },
            None => "1".to_owned(),
        };
        let major = version.split('.').next().unwrap_or_default();
        match major.trim().parse::<u64>() {
            Ok(major) if major <= NEWEST => Ok((format, version)),
            Ok(_) => Err(SnapshotError::Newer { have: version }),
            Err(_) => Err(SnapshotError::invalid("/@format_version", "is no version")),
        }
    }

    fn header(&self, ours: bool) -> Result<Header, SnapshotError> {
        let (root, meta) = (self.attributes("")?, self.attributes("/meta")?);
        let word = |attributes: &Attributes, name: &str| {
            attributes.get(name).and_then(Value::as_text).unwrap_or_default().to_owned()
        };
        let lineage = if ours {
            let path = format!("/{OWN}/lineage");
            parse(&path, &self.text(&path)?)?
        } else {
            Lineage::default()
        };
        Ok(Header {
            uuid: word(&meta, "uuid"),
            created: Timestamp::parse(&word(&root, "created")),
            description: word(&root, "description"),
            snapshot_counter: meta.get("snapshot_counter").and_then(Value::as_u64).unwrap_or(0),
            lineage,
        })
    }

    fn network(&self) -> Result<Network, SnapshotError> {
        const LAYER: &str = "/params/output_layer";
        for name in ["weights", "bias"] {
            let path = format!("{LAYER}/{name}");
            if self.file.dataset(&path)?.is_none() {
                return Err(SnapshotError::NoNetwork { missing: path });
            }
        }
        let sums = self.sums(LAYER)?;
        let (shape, output_weights) =
            self.weights(&format!("{LAYER}/weights"), sums.get("output_weights"))?;
        let (_, output_bias) = self.weights(&format!("{LAYER}/bias"), sums.get("output_bias"))?;
        let [features, outputs] = shape[..] else {
            return Err(SnapshotError::invalid(format!("{LAYER}/weights"), "is no matrix"));
        };
        let invalid = |problem: &str| SnapshotError::invalid(format!("{LAYER}/weights"), problem);
        let count = match self.file.group("/hidden_units")? {
            Some(_) => self.attributes("/hidden_units")?.number("num_units")?,
            None => 0,
        };
        if count > MAX_UNITS || count >= features {
            return Err(invalid("has fewer rows than there are hidden units and inputs"));
        }
        let input_size = (features - count) as usize;
        let arch = self.attributes("/arch")?;
        for (name, have) in
            [("input_size", features - count), ("output_size", outputs), ("num_hidden_units", count)]
        {
            if arch.get(name).is_some_and(|value| value.as_u64() != Some(have)) {
                return Err(SnapshotError::invalid(
                    format!("/arch@{name}"),
                    format!("is not {have}, as the weights are"),
                ));
            }
        }
        let fallback = match arch.get("activation_function_name") {
            Some(_) => Some(known_activation(&arch)?),
            None => None,
        };
        let units = (0..count as usize)
            .map(|index| self.unit(index, input_size + index, fallback))
            .collect::<Result<Vec<_>, _>>()?;
        let network =
            Network { input_size, output_size: outputs as usize, units, output_weights, output_bias };
        if network.output_bias.len() != network.output_size {
            return Err(SnapshotError::invalid(
                format!("{LAYER}/bias"),
                "has another length than there are outputs",
            ));
        }
        let finite = |weights: &[f32]| weights.iter().all(|weight| weight.is_finite());
        if !finite(&network.output_weights) || !finite(&network.output_bias) {
            return Err(invalid("has a value that is no number"));
        }
        Ok(network)
    }

    fn unit(
        &self,
        index: usize,
        features: usize,
        fallback: Option<Activation>,
    ) -> Result<Unit, SnapshotError> {
        let path = format!("/hidden_units/unit_{index}");
        let (sums, attributes) = (self.sums(&path)?, self.attributes(&path)?);
        let (_, weights) = self.weights(&format!("{path}/weights"), sums.get("weights"))?;
        let (_, bias) = self.weights(&format!("{path}/bias"), sums.get("bias"))?;
        if weights.len() != features || bias.len() != 1 {
            let problem =
                format!("has {} weights and {} biases, not {features} and 1", weights.len(), bias.len());
            return Err(SnapshotError::invalid(path, problem));
        }
        if !weights.iter().chain(&bias).all(|weight| weight.is_finite()) {
            return Err(SnapshotError::invalid(path, "has a value that is no number"));
        }
        let activation = match (attributes.get("activation_function_name"), fallback) {
            (None, Some(fallback)) => fallback,
            _ => known_activation(&attributes)?,
        };
        let correlation = attributes.get("correlation").and_then(Value::as_f64).unwrap_or(f64::NAN);
        Ok(Unit { weights, bias: bias[0], correlation, activation })
    }

    /// The history, under the names of now and of before. Without one there are no rounds.
    fn rounds(&self) -> Result<Vec<Round>, SnapshotError> {
        let column = |names: [&str; 2]| -> Result<Vec<f64>, SnapshotError> {
            for name in names {
                if let Some(dataset) = self.file.dataset(&format!("/history/{name}"))? {
                    return Ok(dataset.f64s()?);
                }
            }
            Ok(Vec::new())
        };
        let train_loss = column(["train_loss"; 2])?;
        let train_accuracy = column(["train_accuracy"; 2])?;
        let value_loss = column(["value_loss", "val_loss"])?;
        let value_accuracy = column(["value_accuracy", "val_accuracy"])?;
        let at = |values: &[f64], index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Ok((0..train_loss.len())
            .map(|index| Round {
                train_loss: train_loss[index],
                train_accuracy: at(&train_accuracy, index),
                value_loss: at(&value_loss, index),
                value_accuracy: at(&value_accuracy, index),
            })
            .collect())
    }
}

/// The activation function that the attributes of a unit or of the network name.
fn known_activation(attributes: &Attributes) -> Result<Activation, SnapshotError> {
    let name = attributes.text("activation_function_name")?;
    Activation::parse(name).ok_or_else(|| {
        let path = format!("{}@activation_function_name", attributes.path);
        SnapshotError::invalid(path, format!("is `{name}`, which is not known here"))
    })
}
