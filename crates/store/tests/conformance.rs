//! The conformance suite on the stores of this machine.

use std::sync::Arc;

use backstay_store::testing::{FaultStore, PowerCut, conformance};
use backstay_store::{LocalStore, MemoryStore};

#[test]
fn a_local_directory_conforms() {
    let home = tempfile::tempdir().unwrap();
    let number = std::sync::atomic::AtomicU32::new(0);
    conformance::run(|| {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Arc::new(LocalStore::open(home.path().join(format!("parent/{number}"))).unwrap())
    });
}

#[test]
fn memory_conforms() {
    conformance::run(|| Arc::new(MemoryStore::new()));
}

#[test]
fn a_store_that_may_fail_conforms_while_it_does_not() {
    conformance::run(|| Arc::new(FaultStore::new(Arc::new(MemoryStore::new()))));
}

#[test]
fn a_simulated_disk_conforms() {
    // The suite would make hundreds of thousands of moments with its long listing; the short checks tell enough.
    for (what, check) in conformance::CHECKS.iter().filter(|(what, _)| *what != "a listing is complete") {
        println!("conformance: {what}");
        check(&(Arc::new(PowerCut::new().store()) as Arc<dyn backstay_store::Store>));
    }
}
