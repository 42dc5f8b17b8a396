//! What is written is read back, and equal trees are equal bytes.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::collections::BTreeMap;
use std::io::Read;

use backstay_hdf5::read::{File, Limits, Object, ReadError, Value};
use backstay_hdf5::write::{Attribute, Content, Dataset, Group, WriteError};
use backstay_hdf5::{Datatype, Order};
use proptest::prelude::*;

fn write(group: Group) -> Vec<u8> {
    let mut bytes = Vec::new();
    let told = group.write(&mut bytes).unwrap();
    assert_eq!(told, bytes.len() as u64, "the length was told before");
    bytes
}

fn open(bytes: &[u8]) -> File<&[u8]> {
    File::open(bytes, Limits::default()).unwrap()
}

fn example() -> Group {
    let mut inner = Group::new();
    inner
        .attribute("num_units", Attribute::Integer(-3))
        .attribute("scale", Attribute::Float(0.1))
        .attribute("shape", Attribute::Integers(vec![2, 3]))
        .dataset("weights", Dataset::f32s(&[2, 3], &[1.0, -2.0, 3.5, f32::MAX, f32::MIN_POSITIVE, -0.0]))
        .dataset("empty", Dataset::f64s(&[0], &[]))
        .dataset("one", Dataset::f64s(&[], &[2.5]).with("unit", Attribute::Text("m".to_owned())))
        .dataset("text", Dataset::text("{\"λ\": 1}"))
        .dataset("nothing", Dataset::text(""));
    let mut root = Group::new();
    root.attribute("format", Attribute::Text("example".to_owned()))
        .attribute("empty", Attribute::Text(String::new()))
        .attribute("greek", Attribute::Text("λόγος".to_owned()))
        .group("inner", inner)
        .group("none", Group::new());
    root
}

#[test]
fn everything_is_read_back() {
    let bytes = write(example());
    let file = open(&bytes);
    let attributes = file.root().unwrap().attributes().unwrap();
    assert_eq!(attributes["format"], Value::Text("example".into()));
    assert_eq!(attributes["empty"], Value::Text(String::new()));
    assert_eq!(attributes["greek"], Value::Text("λόγος".into()));
    let inner = file.group("/inner").unwrap().unwrap();
    assert_eq!(inner.names().collect::<Vec<_>>(), ["empty", "nothing", "one", "text", "weights"]);
    let attributes = inner.attributes().unwrap();
    assert_eq!(attributes["num_units"], Value::Integer(-3));
    assert_eq!(attributes["scale"], Value::Float(0.1));
    assert_eq!(attributes["shape"], Value::Several(vec![Value::Integer(2), Value::Integer(3)]));
    let weights = file.dataset("inner/weights").unwrap().unwrap();
    assert_eq!((weights.datatype(), weights.shape()), (Datatype::F32, &[2, 3][..]));
    let bits: Vec<u32> = weights.f32s().unwrap().iter().map(|value| value.to_bits()).collect();
    let wanted = [1.0, -2.0, 3.5, f32::MAX, f32::MIN_POSITIVE, -0.0].map(f32::to_bits);
    assert_eq!(bits, wanted);
    let one = file.dataset("inner/one").unwrap().unwrap();
    assert_eq!(one.f64s().unwrap(), [2.5]);
    assert_eq!(one.attributes().unwrap()["unit"], Value::Text("m".into()));
    assert_eq!(file.dataset("inner/empty").unwrap().unwrap().f64s().unwrap(), [0.0; 0]);
    assert_eq!(file.dataset("inner/text").unwrap().unwrap().text().unwrap(), "{\"λ\": 1}");
    assert_eq!(file.dataset("inner/nothing").unwrap().unwrap().text().unwrap(), "");
    assert!(file.dataset("inner/missing").unwrap().is_none());
    assert!(file.dataset("inner").unwrap().is_none());
    assert!(file.group("none").unwrap().unwrap().names().next().is_none());
}

#[test]
fn equal_trees_are_equal_bytes_however_their_data_come() {
    assert_eq!(write(example()), write(example()));
    let data: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    let file = |content| {
        let mut root = Group::new();
        root.dataset("data", Dataset::new(Datatype::U8, &[data.len() as u64], content));
        write(root)
    };
    let reader = Box::new(std::io::Cursor::new(data.clone()));
    let streamed = file(Content::Stream { bytes: data.len() as u64, reader });
    assert_eq!(file(Content::Bytes(data.clone())), streamed);
    let (mut read, file) = (Vec::new(), open(&streamed));
    file.dataset("data").unwrap().unwrap().stream(|piece| read.extend_from_slice(piece)).unwrap();
    assert_eq!(read, data);
}

#[test]
fn a_part_of_a_file_is_the_same_as_in_the_whole() {
    let file = || {
        let mut root = example();
        for number in 0..3_u8 {
            let data: Vec<u8> = (0..5003_u32).map(|i| (i % 251) as u8 ^ number).collect();
            let reader = Box::new(std::io::Cursor::new(data.clone()));
            let content = Content::Stream { bytes: data.len() as u64, reader };
            root.dataset(&format!("data{number}"), Dataset::new(Datatype::U8, &[data.len() as u64], content));
        }
        root.plan().unwrap()
    };
    let mut whole = Vec::new();
    file().write(&mut whole).unwrap();
    let bytes = whole.len() as u64;
    for first in (0..bytes).step_by(997).chain([bytes - 1, bytes, bytes + 5]) {
        for length in [0, 1, 7, 4096, 6000, bytes, u64::MAX] {
            let mut part = Vec::new();
            file().write_part(first, length, &mut part).unwrap();
            let from = first.min(bytes);
            let to = from.saturating_add(length).min(bytes);
            assert!(part == whole[from as usize..to as usize], "{length} bytes from {first}");
        }
    }
}

#[test]
fn what_lies_outside_of_a_part_is_not_read() {
    struct Forbidden;
    impl Read for Forbidden {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("it is not asked for"))
        }
    }
    let file = || {
        let mut root = Group::new();
        for (name, wanted) in [("a", false), ("b", true), ("c", false)] {
            let data = vec![7; 4096];
            let content = if wanted {
                Content::Bytes(data)
            } else {
                Content::Stream { bytes: 4096, reader: Box::new(Forbidden) }
            };
            root.dataset(name, Dataset::new(Datatype::U8, &[4096], content));
        }
        root.plan().unwrap()
    };
    let data = file().bytes() - 3 * 4096;
    let mut part = Vec::new();
    file().write_part(data + 4096, 4096, &mut part).unwrap();
    assert_eq!(part, vec![7; 4096]);
    assert!(file().write_part(data + 4095, 1, &mut Vec::new()).is_err());
}

#[test]
fn groups_of_any_size_are_read_back() {
    for count in [1, 7, 8, 9, 255, 256, 257, 1000, 8200] {
        let mut group = Group::new();
        for index in 0..count {
            group.dataset(&format!("unit_{index}"), Dataset::u64s(&[], &[index]));
        }
        let bytes = write(group);
        let file = open(&bytes);
        let root = file.root().unwrap();
        assert_eq!(root.names().count() as u64, count);
        for index in (0..count).step_by(97) {
            let unit = file.dataset(&format!("unit_{index}")).unwrap().unwrap();
            assert_eq!(unit.read().unwrap(), index.to_le_bytes());
        }
    }
}

#[test]
fn texts_of_any_length_are_read_back() {
    let texts: Vec<String> = (0..400).map(|i| "λ".repeat(i * i % 1500 / (1 + i % 7))).collect();
    let mut root = Group::new();
    for (index, text) in texts.iter().enumerate() {
        let mut group = Group::new();
        group.dataset("text", Dataset::text(text.clone()));
        root.group(&format!("{}", index % 20 * 1000 + index), group);
    }
    let bytes = write(root);
    let file = open(&bytes);
    for (index, text) in texts.iter().enumerate() {
        let path = format!("{}/text", index % 20 * 1000 + index);
        assert_eq!(&file.dataset(&path).unwrap().unwrap().text().unwrap(), text);
    }
    // Small ones share a collection.
    assert!(bytes.windows(5).filter(|window| window == b"GCOL\x01").count() < 100);
}

#[test]
fn a_walk_meets_everything_in_order() {
    let bytes = write(example());
    let mut met = Vec::new();
    open(&bytes)
        .walk(|object| {
            met.push(match object {
                Object::Group(group) => format!("{}/", group.path()),
                Object::Dataset(dataset) => dataset.path().to_owned(),
            });
            Ok::<_, ReadError>(())
        })
        .unwrap();
    let wanted = [
        "/",
        "/inner/",
        "/inner/empty",
        "/inner/nothing",
        "/inner/one",
        "/inner/text",
        "/inner/weights",
        "/none/",
    ];
    assert_eq!(met, wanted);
}

#[test]
fn what_cannot_be_written_is_refused() {
    let refused = |dataset: Dataset| {
        let mut root = Group::new();
        root.dataset("data", dataset);
        root.write(&mut Vec::new()).unwrap_err()
    };
    let short = Dataset::new(Datatype::F32, &[3], Content::Bytes(vec![0; 8]));
    assert!(matches!(refused(short), WriteError::Length { have: 8, wanted: 12, .. }));
    for reader in [std::io::repeat(1).take(11), std::io::repeat(1).take(13)] {
        let content = Content::Stream { bytes: 12, reader: Box::new(reader) };
        let error = refused(Dataset::new(Datatype::F32, &[3], content));
        assert!(matches!(error, WriteError::Length { wanted: 12, .. }), "{error}");
    }
    let other = Dataset::new(Datatype::Other { class: 6, bytes: 1 }, &[1], Content::Bytes(vec![0]));
    assert!(matches!(refused(other), WriteError::Unwritable { .. }));
    let long = Dataset::f64s(&[], &[1.0]).with("long", Attribute::Text("x".repeat(70_000)));
    assert!(matches!(refused(long), WriteError::Unwritable { .. }));
    for name in ["", ".", "a/b", "a\0b"] {
        let mut root = Group::new();
        root.group(name, Group::new());
        assert!(matches!(root.write(&mut Vec::new()), Err(WriteError::Name { .. })), "{name:?}");
    }
}

#[test]
fn a_full_disk_is_told() {
    struct Full(usize);
    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let bytes = write(example()).len();
    for room in [0, bytes / 2, bytes - 1] {
        assert!(matches!(example().write(&mut Full(room)), Err(WriteError::Output(_))));
    }
    example().write(&mut Full(bytes)).unwrap();
}

/// Reads all that there is, and keeps nothing.
fn read_all(bytes: &[u8]) -> Result<(), ReadError> {
    let limits = Limits { metadata_bytes: 4 << 20, dataset_bytes: 1 << 20, depth: 16 };
    File::open(bytes, limits)?.walk(|object| {
        match object {
            Object::Group(group) => drop(group.attributes()?),
            Object::Dataset(dataset) => {
                dataset.attributes()?;
                dataset.stream(|_| ())?;
                if dataset.shape().is_empty() && matches!(dataset.datatype(), Datatype::Text { .. }) {
                    dataset.text()?;
                }
            }
        }
        Ok(())
    })
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let bytes = write(example());
    read_all(&bytes).unwrap();
    for length in 0..bytes.len() {
        assert!(read_all(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
    }
}

#[test]
fn a_flipped_bit_anywhere_never_panics() {
    let bytes = write(example());
    let mut refused = 0;
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        refused += u32::from(read_all(&damaged).is_err());
    }
    assert!(refused > 200, "{refused} were noticed");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_tree_is_read_back(
        members in proptest::collection::btree_map(
            "[a-z0-9_ λ]{1,20}",
            (proptest::collection::vec(any::<u32>(), 0..50), proptest::option::of(any::<i64>())),
            0..40,
        ),
    ) {
        let mut root = Group::new();
        for (name, (values, attribute)) in &members {
            let floats: Vec<f32> = values.iter().map(|bits| f32::from_bits(*bits)).collect();
            let mut dataset = Dataset::f32s(&[floats.len() as u64], &floats);
            if let Some(value) = attribute {
                dataset = dataset.with("value", Attribute::Integer(*value));
            }
            root.dataset(name, dataset);
        }
        let bytes = write(root);
        let file = open(&bytes);
        let mut read = BTreeMap::new();
        for name in file.root().unwrap().names() {
            let dataset = file.dataset(name).unwrap().unwrap();
            let data = dataset.read().unwrap();
            let values: Vec<u32> =
                data.chunks(4).map(|four| u32::from_le_bytes(four.try_into().unwrap())).collect();
            let attribute = match dataset.attributes().unwrap().get("value") {
                Some(Value::Integer(value)) => Some(i64::try_from(*value).unwrap()),
                _ => None,
            };
            read.insert(name.to_owned(), (values, attribute));
        }
        prop_assert_eq!(read, members);
    }
}

#[test]
fn numbers_of_other_types_are_converted() {
    let big = Datatype::Integer { bytes: 2, signed: true, order: Order::Big };
    let mut root = Group::new();
    root.dataset("big", Dataset::new(big, &[2], Content::Bytes(vec![0xff, 0xfe, 0x01, 0x00])));
    let bytes = write(root);
    let file = open(&bytes);
    let dataset = file.dataset("big").unwrap().unwrap();
    assert_eq!(dataset.f64s().unwrap(), [-2.0, 256.0]);
    assert!(matches!(dataset.f32s(), Err(ReadError::Type { .. })));
}
