//! Passwords and key files: adding, changing, removing, and refusing.

mod fixtures;

use std::sync::Arc;

use backstay_model::Timestamp;
use backstay_repository::{Credential, KeyKind, Repository, RepositoryError};
use backstay_store::Store;
use fixtures::snapshots::{load, names, save, some_files};
use fixtures::{credential, fresh, rng};

fn opens(store: &Arc<dyn Store>, credential: &Credential) -> bool {
    match Repository::open(Arc::clone(store), credential, rng(3)) {
        Ok(_) => true,
        Err(RepositoryError::WrongCredential { .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn keys_are_added_changed_and_removed_without_touching_content() {
    let (store, repository) = fresh();
    let files = some_files(1);
    let saved = save(&repository, "one", &files).unwrap();
    let packs = names(&*store, "packs");
    let password = Credential::password("correct horse".to_owned());
    let added = repository.add_key(&password, "for people", Timestamp::EPOCH).unwrap();
    assert!(opens(&store, &credential()) && opens(&store, &password));
    assert!(!opens(&store, &Credential::password("correct house".to_owned())));
    assert!(!opens(&store, &Credential::key_file([1; 32])));

    let keys = repository.keys().unwrap();
    let people = keys.iter().find(|key| key.id == added).unwrap();
    assert_eq!(
        (people.kind, people.label.as_str(), people.current),
        (KeyKind::Password, "for people", false)
    );
    assert_eq!(keys.iter().filter(|key| key.current).count(), 1);

    let newer = Credential::password("battery staple".to_owned());
    let changed = repository.change_key(&added, &newer, Timestamp::EPOCH).unwrap();
    assert!(opens(&store, &newer) && !opens(&store, &password));
    let first = keys.iter().find(|key| key.id != added).unwrap().id.clone();
    repository.remove_key(&first).unwrap();
    assert!(!opens(&store, &credential()));
    let error = repository.remove_key(&changed).unwrap_err();
    assert!(matches!(error, RepositoryError::LastKey { .. }), "{error}");
    assert!(matches!(repository.remove_key("../config").unwrap_err(), RepositoryError::NotFound { .. }));

    let repository = Repository::open(Arc::clone(&store), &newer, rng(3)).unwrap();
    assert_eq!(load(&repository, &saved.id).unwrap(), files);
    assert_eq!(names(&*store, "packs"), packs);
}
