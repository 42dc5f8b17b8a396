//! What h5py has written is read, or refused with a reason.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::path::PathBuf;

use backstay_hdf5::read::{File, Limits, ReadError, Value};
use backstay_hdf5::{Datatype, Order};

type Opened = File<std::fs::File>;

fn open(name: &str) -> Result<Opened, ReadError> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/hdf5").join(name);
    File::open(std::fs::File::open(path).unwrap(), Limits::default())
}

fn numbers(file: &Opened, name: &str) -> Vec<f64> {
    file.dataset(name).unwrap().unwrap().f64s().unwrap()
}

#[test]
fn numbers_of_every_type_are_read() {
    let file = open("types.h5").unwrap();
    let names: Vec<String> = file.group("numbers").unwrap().unwrap().names().map(str::to_owned).collect();
    assert_eq!(names.len(), 12);
    for name in names {
        let dataset = file.dataset(&format!("numbers/{name}")).unwrap().unwrap();
        assert_eq!(dataset.shape(), [2, 3], "{name}");
        assert_eq!(dataset.f64s().unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 100.0], "{name}");
    }
    assert_eq!(
        file.dataset("numbers/>f4").unwrap().unwrap().datatype(),
        Datatype::Float { bytes: 4, order: Order::Big }
    );
    assert_eq!(file.dataset("numbers/>f4").unwrap().unwrap().f32s().unwrap()[5].to_bits(), 100_f32.to_bits());
    assert_eq!(numbers(&file, "negative"), [-1.0, -128.0]);
    assert_eq!(numbers(&file, "flags"), [1.0, 0.0, 1.0]);
    assert_eq!(numbers(&file, "scalar"), [2.5]);
    assert_eq!(numbers(&file, "empty"), [0.0; 0]);
    assert_eq!(numbers(&file, "null"), [0.0; 0]);
    assert_eq!(numbers(&file, "compact"), [7.0, 8.0]);
    let complex = file.dataset("complex").unwrap().unwrap();
    assert_eq!(complex.datatype(), Datatype::Other { class: 6, bytes: 16 });
    assert!(matches!(complex.f64s(), Err(ReadError::Type { .. })));
}

#[test]
fn texts_are_read() {
    let file = open("types.h5").unwrap();
    let text = |name: &str| file.dataset(name).unwrap().unwrap().text().unwrap();
    assert_eq!(text("text"), "λόγος");
    assert_eq!(text("no_text"), "");
    assert_eq!(text("fixed_text"), "fixed");
    assert_eq!(text("long_text"), "x".repeat(10_000));
}

#[test]
fn attributes_are_read() {
    let file = open("types.h5").unwrap();
    let attributes = file.root().unwrap().attributes().unwrap();
    let wanted = [
        ("bytes", Value::Text("bytes".into())),
        ("string", Value::Text("λ".into())),
        ("integer", Value::Integer(-3)),
        ("large", Value::Integer(u64::MAX.into())),
        ("float", Value::Float(0.1)),
        ("flag", Value::Boolean(true)),
        ("shape", Value::Several(vec![Value::Integer(2), Value::Integer(3)])),
        ("texts", Value::Several(vec![Value::Text("a".into()), Value::Text("bc".into())])),
        ("half", Value::Float(1.5)),
        ("complex", Value::Other),
    ];
    assert_eq!(attributes.len(), wanted.len());
    for (name, value) in wanted {
        assert_eq!(attributes[name], value, "{name}");
    }
    let many = file.group("many").unwrap().unwrap();
    assert_eq!(many.names().count(), 300);
    let attributes = many.attributes().unwrap();
    assert_eq!((attributes.len(), &attributes["attribute_299"]), (300, &Value::Integer(299)));
}

#[test]
fn chunks_are_read() {
    let file = open("chunks.h5").unwrap();
    let wanted: Vec<f64> = (0..7000).map(f64::from).collect();
    for name in ["both", "deflate", "shuffle", "plain"] {
        assert!(numbers(&file, name) == wanted, "{name}");
    }
    assert!(numbers(&file, "cube") == wanted[..60]);
    assert!(numbers(&file, "line") == wanted[..10]);
}

#[test]
fn what_is_not_read_is_refused_with_the_reason() {
    let refused = |name: &str| -> String {
        let walk = |file: Opened| {
            file.walk(|object| {
                if let backstay_hdf5::read::Object::Dataset(dataset) = object {
                    dataset.read()?;
                }
                Ok(())
            })
        };
        open(name).and_then(walk).unwrap_err().to_string()
    };
    assert_eq!(refused("soft_link.h5"), "`/link` is a link to another place; links are not followed");
    assert!(refused("external_link.h5").contains("which is not read"));
    assert_eq!(refused("lzf.h5"), "`/data` uses a filter other than deflate and shuffle, which is not read");
    assert!(refused("latest.h5").contains("write it with `libver=\"earliest\"`"));
    assert_eq!(refused("external_data.h5"), "`/data` uses data in another file, which is not read");
    let sparse = open("sparse.h5").unwrap();
    let error = sparse.dataset("data").unwrap().unwrap().read().unwrap_err().to_string();
    assert_eq!(error, "`/data` of 8796093022208 bytes is above the limit of 4294967296");
    for (name, what) in
        [("holes", "chunks that were never written"), ("unwritten", "data that were never written")]
    {
        let error = sparse.dataset(name).and_then(|dataset| dataset.unwrap().read()).unwrap_err().to_string();
        assert_eq!(error, format!("`/{name}` uses {what}, which is not read"));
    }
    assert!(refused("virtual.h5").contains("`/data` uses"), "{}", refused("virtual.h5"));
}

/// A flipped bit in every hundredth byte of a real file: an error or other data, and no more.
#[test]
fn slow_flipped_bits_never_panic() {
    for name in ["chunks.h5", "types.h5"] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/hdf5").join(name);
        let whole = std::fs::read(path).unwrap();
        for at in (0..whole.len()).step_by(101) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            let limits = Limits { metadata_bytes: 4 << 20, dataset_bytes: 1 << 20, depth: 16 };
            let Ok(file) = File::open(bytes, limits) else { continue };
            // What it says of the damage is not looked at here.
            drop(file.walk(|object| {
                match object {
                    backstay_hdf5::read::Object::Dataset(dataset) => {
                        dataset.attributes()?;
                        drop(dataset.read()?);
                    }
                    backstay_hdf5::read::Object::Group(group) => drop(group.attributes()?),
                }
                Ok::<_, ReadError>(())
            }));
        }
    }
}
