//! Checks the direction of dependencies between the crates of the workspace.
//!
//! [`ALLOWED`] is the whole truth: an edge that is not in it fails the check, and so do a crate that is not in it and
//! an entry without its crate.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// A crate, the crates of the workspace that it may use, and those that only its tests may use as well.
///
/// `testkit` serves the tests of every crate and is never part of a program. A crate's tests may use the crates below
/// it; what they may use beyond its own dependencies stands in the third column.
const ALLOWED: &[(&str, &[&str], &[&str])] = &[
    ("backstay-model", &[], &[]),
    ("backstay-process", &[], &[]),
    ("backstay-hdf5", &[], &[]),
    ("backstay-trainer", &[], &[]),
    ("backstay-store", &["backstay-model"], &[]),
    ("backstay-repository", &["backstay-model", "backstay-store"], &[]),
    ("backstay-catalog", &["backstay-model"], &[]),
    ("backstay-source", &["backstay-model", "backstay-repository"], &["backstay-store"]),
    (
        "backstay-source-workspace",
        &["backstay-model", "backstay-repository", "backstay-source"],
        &["backstay-store"],
    ),
    (
        "backstay-source-job",
        &["backstay-model", "backstay-repository", "backstay-source"],
        &["backstay-store"],
    ),
    (
        "backstay-source-training",
        &["backstay-hdf5", "backstay-model", "backstay-repository", "backstay-source", "backstay-trainer"],
        &["backstay-store"],
    ),
    ("backstay-dependencies", &["backstay-model"], &[]),
    (
        "backstay-service",
        &[
            // What it tells of live runs is rendered once for all who follow.
            "backstay-api",
            "backstay-catalog",
            "backstay-dependencies",
            "backstay-model",
            "backstay-process",
            "backstay-repository",
            "backstay-source",
            "backstay-source-job",
            "backstay-source-training",
            "backstay-source-workspace",
            "backstay-store",
            "backstay-trainer",
        ],
        &[],
    ),
    (
        "backstay-worker",
        &["backstay-model", "backstay-service"],
        // Its tests build a service of real parts.
        &["backstay-catalog", "backstay-repository", "backstay-source-workspace", "backstay-store"],
    ),
    ("backstay-api", &["backstay-model"], &[]),
    (
        "backstay-server",
        &["backstay-api", "backstay-model", "backstay-service"],
        // The tests of the server run against a real service, with tasks that run and networks that were trained.
        &[
            "backstay-catalog",
            "backstay-client",
            "backstay-repository",
            "backstay-source-training",
            "backstay-store",
            "backstay-trainer",
            "backstay-worker",
        ],
    ),
    ("backstay-client", &["backstay-api", "backstay-model"], &[]),
    (
        // The composition root sees everything.
        "backstay",
        &[
            "backstay-api",
            "backstay-catalog",
            "backstay-client",
            "backstay-dependencies",
            "backstay-model",
            "backstay-process",
            "backstay-repository",
            "backstay-server",
            "backstay-service",
            "backstay-source",
            "backstay-source-job",
            "backstay-source-training",
            "backstay-source-workspace",
            "backstay-store",
            "backstay-trainer",
            "backstay-worker",
        ],
        &[],
    ),
    ("backstay-testkit", &["backstay-model", "backstay-store"], &[]),
    ("xtask", &[], &[]),
];

/// The crate that every test may use.
const TESTKIT: &str = "backstay-testkit";

/// A dependency inside the workspace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    from: String,
    to: String,
    /// Needed by tests only.
    test: bool,
}

/// Reads the workspace from `cargo metadata`, prints every violation, and returns whether there is none.
pub(crate) fn check() -> Result<bool> {
    let (crates, edges) = read(&metadata()?)?;
    let found = violations(ALLOWED, &crates, &edges);
    for line in &found {
        eprintln!("layers: {line}");
    }
    if found.is_empty() {
        println!("layers: {} crates, {} dependencies between them, all allowed", crates.len(), edges.len());
    } else {
        eprintln!("layers: see `ALLOWED` in xtask/src/layers.rs and docs/ARCHITECTURE.md");
    }
    Ok(found.is_empty())
}

fn metadata() -> Result<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .output()
        .context("cannot run `cargo metadata`")?;
    ensure!(output.status.success(), "`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("`cargo metadata` wrote no JSON")
}

/// Returns the names of the workspace's crates and the edges between them.
fn read(metadata: &Value) -> Result<(BTreeSet<String>, BTreeSet<Edge>)> {
    let packages = metadata["packages"].as_array().context("`cargo metadata` has no packages")?;
    let name = |value: &Value| value["name"].as_str().map(str::to_owned).context("a package has no name");
    let crates = packages.iter().map(name).collect::<Result<BTreeSet<_>>>()?;
    let mut edges = BTreeSet::new();
    for package in packages {
        let dependencies =
            package["dependencies"].as_array().context("a package has no list of dependencies")?;
        for dependency in dependencies {
            let (from, to) = (name(package)?, name(dependency)?);
            // A crate's tests may depend on the crate itself, to turn on a feature.
            if crates.contains(&to) && from != to {
                edges.insert(Edge { from, to, test: dependency["kind"] == "dev" });
            }
        }
    }
    Ok((crates, edges))
}

type Table = [(&'static str, &'static [&'static str], &'static [&'static str])];

/// Lists what is wrong, one sentence each.
fn violations(allowed: &Table, crates: &BTreeSet<String>, edges: &BTreeSet<Edge>) -> Vec<String> {
    let table: BTreeMap<_, _> = allowed.iter().map(|(name, uses, tests)| (*name, (*uses, *tests))).collect();
    let mut found = Vec::new();
    for name in crates.iter().filter(|name| !table.contains_key(name.as_str())) {
        found.push(format!("{name} is not in the table of layers"));
    }
    for name in table.keys().filter(|name| !crates.contains(**name)) {
        found.push(format!("{name} is in the table of layers and not in the workspace"));
    }
    for Edge { from, to, test } in edges {
        let Some((uses, tests)) = table.get(from.as_str()) else { continue };
        let direct = uses.contains(&to.as_str());
        if *test && !direct && to != TESTKIT && !tests.contains(&to.as_str()) {
            found.push(format!("the tests of {from} must not use {to}"));
        }
        if !*test && !direct {
            found.push(format!("{from} must not depend on {to}"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &Table =
        &[("a", &[], &[]), ("b", &["a"], &[]), ("c", &["b"], &["a"]), (TESTKIT, &["a"], &[])];

    fn check(edges: &[(&str, &str, bool)]) -> Vec<String> {
        let crates = TABLE.iter().map(|(name, ..)| (*name).to_owned()).collect();
        let edges =
            edges.iter().map(|(from, to, test)| Edge { from: (*from).into(), to: (*to).into(), test: *test });
        violations(TABLE, &crates, &edges.collect())
    }

    #[test]
    fn allowed_edges_pass() {
        assert_eq!(
            check(&[("b", "a", false), ("c", "b", false), ("c", "a", true), ("a", TESTKIT, true)]),
            [""; 0]
        );
    }

    #[test]
    fn an_edge_against_the_direction_fails() {
        assert_eq!(check(&[("a", "b", false)]), ["a must not depend on b"]);
    }

    #[test]
    fn a_test_edge_is_no_licence_for_the_program() {
        assert_eq!(check(&[("c", "a", false)]), ["c must not depend on a"]);
        assert_eq!(check(&[("b", TESTKIT, false)]), [format!("b must not depend on {TESTKIT}")]);
        assert_eq!(check(&[("a", "c", true)]), ["the tests of a must not use c"]);
    }

    #[test]
    fn an_unknown_crate_and_a_stale_entry_fail() {
        let crates = ["a", "b", "new", TESTKIT].map(str::to_owned).into();
        let found = violations(TABLE, &crates, &BTreeSet::new());
        assert_eq!(
            found,
            ["new is not in the table of layers", "c is in the table of layers and not in the workspace"]
        );
    }

    #[test]
    fn the_table_has_no_cycle() {
        // Each crate uses only crates whose own dependencies are settled: a topological order exists.
        let mut settled = BTreeSet::new();
        while settled.len() < ALLOWED.len() {
            let next: Vec<_> = ALLOWED
                .iter()
                .filter(|(name, uses, _)| {
                    !settled.contains(name) && uses.iter().all(|used| settled.contains(used))
                })
                .map(|(name, ..)| *name)
                .collect();
            assert!(!next.is_empty(), "these depend on each other: all but {settled:?}");
            settled.extend(next);
        }
    }
}
