//! Checks and code generation of the project.
fn main() {}
