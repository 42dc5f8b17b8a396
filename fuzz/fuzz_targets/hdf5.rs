//! An HDF5 file: everything in it is read.
#![no_main]

use backstay_hdf5::read::{File, Limits, Object, ReadError};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { metadata_bytes: 8 << 20, dataset_bytes: 8 << 20, depth: 16 };
    let Ok(file) = File::open(bytes, limits) else { return };
    // What is wrong with it is of no interest, only that it is told.
    drop(file.walk(|object| {
        match object {
            Object::Group(group) => drop(group.attributes()?),
            Object::Dataset(dataset) => {
                dataset.attributes()?;
                let mut read = 0;
                dataset.stream(|piece| read += piece.len() as u64)?;
                assert_eq!(read, dataset.bytes(), "a dataset has the length that it tells");
                drop((dataset.f64s(), dataset.f32s(), dataset.u64s(), dataset.text()));
            }
        }
        Ok::<_, ReadError>(())
    }));
});
