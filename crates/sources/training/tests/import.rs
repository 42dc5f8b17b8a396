//! Files of other tools, and files that are damaged.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::path::PathBuf;
use std::sync::Arc;

use backstay_hdf5::read::{File, Limits};
use backstay_hdf5::write::{Attribute, Dataset, Group};
use backstay_source_training::{Content, FormatName, Header, Lineage, Partial, Snapshot, SnapshotError};
use backstay_trainer::{Activation, Command, Generator, Origin, Parameters, Spiral, Trainer};

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../testdata/training").join(name))
        .unwrap()
}

fn partial(name: &str) -> (Snapshot, Partial) {
    let snapshot = Snapshot::read(bytes(name)).unwrap();
    let Content::Partial(partial) = &snapshot.content else { panic!("{name} is exact") };
    let partial = (**partial).clone();
    (snapshot, partial)
}

/// The numbers that `make.py` has written.
fn weights(count: usize) -> Vec<f32> {
    (0..count).map(|index| (index as f32 - count as f32 / 2.0) / 8.0).collect()
}

#[test]
fn a_full_file_is_read_and_what_is_not_kept_is_named() {
    let (snapshot, partial) = partial("full.h5");
    assert_eq!(snapshot.header.uuid, "0b9c8c1e-3c1b-4a57-8f0e-7a5f2d3f9f11");
    assert_eq!((partial.format, partial.format_version.as_str()), (FormatName::Current, "2"));
    let network = &partial.network;
    assert_eq!((network.input_size, network.output_size, network.units.len()), (2, 2, 3));
    assert_eq!((&network.output_weights, &network.output_bias), (&weights(10), &weights(2)));
    for (index, unit) in network.units.iter().enumerate() {
        assert_eq!((&unit.weights, unit.bias), (&weights(2 + index), weights(1)[0]));
        assert_eq!(unit.activation, Activation::Tanh);
        assert!((unit.correlation - 0.5 - index as f64 / 16.0).abs() < 1e-12);
    }
    assert_eq!((partial.epoch, partial.stale_rounds), (1200, 2));
    assert_eq!(partial.rounds.len(), 3);
    assert!((partial.rounds[1].value_loss - 0.3).abs() < 1e-12 && partial.rounds[2].value_loss.is_nan());
    let parameters = Parameters {
        learning_rate: 0.02,
        candidate_learning_rate: 0.03,
        candidate_pool_size: 16,
        candidate_epochs: 100,
        output_epochs: 200,
        max_epochs: 5000,
        patience: 7,
        max_hidden_units: 9,
        correlation_threshold: 0.001,
        seed: 43,
        value_scale: 0.2,
        ..Parameters::default()
    };
    assert_eq!(partial.parameters, parameters);
    assert_eq!(
        partial.missing,
        [
            "position",
            "optimizer moments",
            "data",
            "mp",
            "random/python_state",
            "random/numpy_state",
            "random/torch_state"
        ]
    );
    assert_eq!(snapshot.missing(), partial.missing);
}

#[test]
fn files_without_history_optimizer_and_checksums_are_read() {
    let (_, partial) = partial("plain.h5");
    assert_eq!(partial.network.output_weights, weights(10));
    assert!(partial.rounds.is_empty());
    assert_eq!(partial.missing, ["position", "optimizer moments", "data", "history"]);
}

#[test]
fn files_of_the_older_name_are_read() {
    let (_, partial) = partial("legacy.h5");
    assert_eq!((partial.format, partial.format_version.as_str()), (FormatName::Legacy, "1.0"));
    assert!((partial.rounds[1].value_loss - 0.3).abs() < 1e-12);
    assert!((partial.rounds[0].value_accuracy - 0.5).abs() < 1e-12);
}

#[test]
fn training_starts_from_a_file_of_another_tool_and_is_exact_from_then_on() {
    let (snapshot, partial) = partial("full.h5");
    let generator = Generator::Spiral(Spiral { n_per_spiral: 20, ..Spiral::default() });
    let data = Arc::new(generator.generate().unwrap());
    let mut trainer = Trainer::resume(partial.into_state(Origin::Generated(generator)), data).unwrap();
    trainer.command(Command::Start).unwrap();
    trainer.run(260);
    let mut file = Vec::new();
    Snapshot::write(&snapshot.header, trainer.state(), trainer.data(), &mut file).unwrap();
    let Content::Exact { state, data } = Snapshot::read(file.as_slice()).unwrap().content else {
        panic!("it is exact now")
    };
    let mut second = Trainer::resume(*state, data).unwrap();
    trainer.run(300);
    second.run(300);
    assert_eq!(trainer.state().network, second.state().network);
    assert_eq!(trainer.state().epoch, 1760);
}

#[test]
fn what_is_no_snapshot_is_refused_with_the_reason() {
    let refused = |name: &str| Snapshot::read(bytes(name)).unwrap_err().to_string();
    assert_eq!(refused("attributes.h5"), "it holds no network: `/params/output_layer/weights` is missing");
    assert_eq!(refused("newer.h5"), "its format version is 3; versions up to 2 are read");
    assert_eq!(refused("checksum.h5"), "Checksum mismatch in /hidden_units/unit_1/weights");
    assert_eq!(refused("../hdf5/types.h5"), "its format is ``, not `juniper.cascor`");
    assert!(refused("../hdf5/soft_link.h5").contains("its format"));
    assert_eq!(Snapshot::read(b"PK".to_vec()).unwrap_err().to_string(), "it is not an HDF5 file");
}

fn example(epochs: u64) -> Vec<u8> {
    let parameters = Parameters {
        output_epochs: 8,
        candidate_epochs: 6,
        candidate_pool_size: 2,
        threads: 1,
        ..Parameters::default()
    };
    let spirals = Generator::Spiral(Spiral { n_per_spiral: 5, validation: 0.2, ..Spiral::default() });
    let mut trainer = Trainer::generated(parameters, spirals).unwrap();
    trainer.command(Command::Start).unwrap();
    trainer.run(epochs);
    let header = Header {
        uuid: "u".to_owned(),
        created: None,
        description: String::new(),
        snapshot_counter: 0,
        lineage: Lineage::default(),
    };
    let mut file = Vec::new();
    Snapshot::write(&header, trainer.state(), trainer.data(), &mut file).unwrap();
    file
}

#[test]
fn a_snapshot_cut_anywhere_is_refused() {
    let whole = example(25);
    Snapshot::read(whole.as_slice()).unwrap();
    for length in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
        assert!(Snapshot::read(&whole[..length]).is_err(), "{length} of {}", whole.len());
    }
}

/// The checksum of a dataset tells its bytes; that they are read as something else is noticed, too.
#[test]
fn another_type_of_the_same_bytes_is_refused() {
    const FLOAT: [u8; 4] = [0x11, 0x20, 0x1f, 0];
    let whole = example(11);
    let places = || (0..whole.len() - 4).filter(|at| whole[*at..at + 4] == FLOAT);
    assert!(places().count() > 10);
    for at in places() {
        // The other order of bytes, and whole numbers.
        for (place, bit) in [(at + 1, 1), (at, 1)] {
            let mut damaged = whole.clone();
            damaged[place] ^= bit;
            let error = Snapshot::read(damaged.as_slice()).unwrap_err().to_string();
            assert!(error.ends_with("#type"), "{place}: {error}");
        }
    }
}

/// A flipped bit either changes nothing that is read (padding), or the file is refused.
#[test]
fn slow_a_flipped_bit_anywhere_is_refused_or_changes_nothing() {
    let whole = example(11);
    let rewritten = |file: &[u8]| -> Result<Vec<u8>, SnapshotError> {
        let snapshot = Snapshot::read(file)?;
        let Content::Exact { state, data } = &snapshot.content else {
            return Err(SnapshotError::NoNetwork { missing: "the exact part".into() });
        };
        let mut again = Vec::new();
        Snapshot::write(&snapshot.header, state, data, &mut again).unwrap();
        Ok(again)
    };
    assert!(rewritten(&whole).unwrap() == whole);
    let mut refused = 0;
    for at in (0..whole.len()).step_by(9) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        match rewritten(&damaged) {
            Ok(again) => assert!(again == whole, "the flip at {at} was taken for data"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > whole.len() / 40, "{refused} of {}", whole.len());
}

#[test]
fn one_flipped_byte_of_a_tensor_names_its_dataset() {
    let whole = example(11);
    let file = File::open(whole.as_slice(), Limits::default()).unwrap();
    for path in ["/params/output_layer/weights", "/backstay/optimizer/first", "/backstay/candidates/weights"]
    {
        let data = file.dataset(path).unwrap().unwrap().read().unwrap();
        let at = whole.windows(data.len()).rposition(|window| window == data).unwrap();
        let mut damaged = whole.clone();
        damaged[at + 1] ^= 0x10;
        let error = Snapshot::read(damaged.as_slice()).unwrap_err();
        assert_eq!(error.to_string(), format!("Checksum mismatch in {path}"));
    }
}

/// A file with other weights, so that false sizes can be tried.
fn crafted(units: i64, features: u64) -> Result<Snapshot, SnapshotError> {
    let text = |text: &str| Attribute::Text(text.to_owned());
    let mut layer = Group::new();
    layer
        .dataset("weights", Dataset::f32s(&[features, 1], &vec![0.5; features as usize]))
        .dataset("bias", Dataset::f32s(&[1], &[0.0]));
    let (mut params, mut hidden, mut root) = (Group::new(), Group::new(), Group::new());
    params.group("output_layer", layer);
    hidden.attribute("num_units", Attribute::Integer(units));
    root.attribute("format", text("juniper.cascor"))
        .attribute("format_version", text("2"))
        .group("params", params)
        .group("hidden_units", hidden);
    let mut file = Vec::new();
    root.write(&mut file).unwrap();
    Snapshot::read(file)
}

#[test]
fn false_counts_are_refused() {
    assert_eq!(crafted(0, 3).unwrap().network().input_size, 3);
    for units in [3, 4, i64::MAX, -1] {
        assert!(matches!(crafted(units, 3), Err(SnapshotError::Invalid { .. })), "{units}");
    }
    assert!(matches!(crafted(1, 3), Err(SnapshotError::Invalid { path, .. }) if path.contains("unit_0")));
}
