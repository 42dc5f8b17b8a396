//! The demonstration runs to its end.

use crate::sandbox::Sandbox;

#[test]
fn every_step_of_the_demonstration_succeeds() {
    let sandbox = Sandbox::new();
    let directory = sandbox.beside("demo");
    let done = sandbox.json(&["demo", "--files", "120", "--directory", directory.to_str().unwrap()]);
    let steps = done["steps"].as_array().unwrap();
    assert!(steps.len() > 15, "{done}");
    assert!(steps.iter().all(|step| step["milliseconds"].is_u64()));
    let again = sandbox.run(&["demo", "--directory", directory.to_str().unwrap()]).expect(2);
    assert!(again.stderr.contains("not empty"), "{}", again.stderr);
}
