//! Names, sources, refs and files that somebody wrote to do harm.

use std::fs;
use std::os::unix::fs::symlink;

use crate::dependencies::Scene;
use crate::sandbox::Ran;

const NAMES: [&str; 11] =
    ["..", ".", "../w", "/etc", "a/b", "-x", "--upload-pack=x", ".git", "a\nb", "snapshots", "Run-State"];
const REFS: [&str; 8] =
    ["--upload-pack=x", "-x", "v1..v2", "v1^", "v1:a", "@{1}", "refs/heads/../../x", "a b"];

#[test]
fn no_name_and_no_ref_reaches_git_or_the_disk() {
    let scene = Scene::new();
    scene.add("v1");
    let before = (scene.sandbox.read("graft.yaml"), scene.sandbox.read("graft.lock"), scene.status_of_git());
    let wrong = |said: Ran, what: &str| {
        assert!([1, 2].contains(&said.code), "{what}: {said:?}");
    };
    for name in NAMES {
        let at = format!("{name}@v1");
        for command in [
            vec!["add", "--", name, "../kb#v1"],
            vec!["remove", "--", name],
            vec!["sync", "--", name],
            vec!["fetch", "--", name],
            vec!["apply", "--to", "v1", "--", name],
            vec!["upgrade", "--to", "v1", "--", name],
            vec!["status", "--", name],
            vec!["changes", "--", name],
            vec!["show", "--", &at],
        ] {
            wrong(scene.run(&command).expect(1), name);
        }
        let call = format!("{name}:where");
        wrong(scene.run(&["run", "--", &call]), name);
    }
    for reference in REFS {
        let to = format!("--to={reference}");
        wrong(scene.run(&["apply", "kb", &to]).expect(1), reference);
        wrong(scene.run(&["upgrade", "kb", &to]).expect(1), reference);
        wrong(scene.run(&["changes", "kb", &format!("--since={reference}")]).expect(1), reference);
        wrong(scene.run(&["add", "x", &format!("../kb#{reference}")]).expect(1), reference);
    }
    let mark = scene.sandbox.beside("ran");
    for url in [
        format!("ext::touch {}", mark.display()),
        format!("--upload-pack=touch {}", mark.display()),
        "-oProxyCommand=id:x".to_owned(),
        "ftp://example.org/kb".to_owned(),
        format!("ssh://-oProxyCommand=touch {}/x", mark.display()),
    ] {
        scene.run(&["add", "--", "x", &format!("{url}#v1")]).expect(1);
    }
    assert!(!mark.exists());
    let after = (scene.sandbox.read("graft.yaml"), scene.sandbox.read("graft.lock"), scene.status_of_git());
    assert_eq!(before, after);
    assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "1\n");
}

#[test]
fn files_that_were_written_to_do_harm_are_refused() {
    let scene = Scene::new();
    scene.add("v1");
    let (yaml, lock) = (scene.sandbox.read("graft.yaml"), scene.sandbox.read("graft.lock"));
    let outside = scene.sandbox.beside("outside");
    fs::write(&outside, "mine\n").unwrap();
    let changing =
        [&["resolve"][..], &["sync"], &["apply", "kb", "--to", "v2"], &["upgrade", "kb", "--to", "v2"]];
    for (file, text) in [
        ("graft.lock", lock.replace("  kb:", "  '../../kb':")),
        ("graft.lock", lock.replace("source: \"", "source: \"ext::")),
        ("graft.lock", "version: 9\n".to_owned()),
        ("graft.lock", "[".repeat(100_000)),
        ("graft.yaml", yaml.replace("kb:", "'..':")),
        ("graft.yaml", format!("{yaml}dependencies: {{kb: '../other#v1'}}\n")),
        ("graft.yaml", yaml.replace("#v1", "#--upload-pack=x")),
        ("graft.yaml", "a: &a [x]\nb: &b [*a, *a]\n".to_owned()),
    ] {
        scene.sandbox.write("graft.yaml", &yaml);
        scene.sandbox.write("graft.lock", &lock);
        scene.sandbox.write(file, &text);
        for command in changing {
            // `sync` reads no `graft.yaml`, and `resolve` and `sync` write nothing when there is nothing to change.
            if file == "graft.lock" || command[0] != "sync" {
                scene.run(command).expect(1);
            }
            assert_eq!(scene.sandbox.read(file), text, "{command:?}");
            assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "1\n", "{command:?}");
        }
    }
    for file in ["graft.yaml", "graft.lock"] {
        scene.sandbox.write("graft.yaml", &yaml);
        scene.sandbox.write("graft.lock", &lock);
        let path = scene.sandbox.root().join(file);
        fs::remove_file(&path).unwrap();
        symlink(&outside, &path).unwrap();
        scene.run(&["apply", "kb", "--to", "v2"]).expect(1);
        fs::remove_file(&path).unwrap();
    }
    assert_eq!(fs::read_to_string(&outside).unwrap(), "mine\n");
}

#[test]
fn a_submodule_of_an_evil_name_stays_inside() {
    let scene = Scene::new();
    scene.add("v1");
    let modules = scene.sandbox.read(".gitmodules");
    for name in ["../../../outside", "..", "/etc"] {
        scene.sandbox.write(
            ".gitmodules",
            modules.replace("submodule \".graft/kb\"", &format!("submodule \"{name}\"")),
        );
        scene.run(&["apply", "kb", "--to", "v2"]).expect(1);
        scene.run(&["remove", "kb", "--force"]).expect(1);
        assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "1\n");
    }
}

#[test]
fn a_link_in_the_place_of_a_checkout_is_not_followed() {
    let scene = Scene::new();
    scene.add("v1");
    let outside = scene.sandbox.beside("outside");
    scene.git(&scene.kb(), &["clone", "--quiet", ".", outside.to_str().unwrap()]);
    let checkout = scene.sandbox.root().join(".graft/kb");
    let moved = scene.sandbox.beside("moved");
    fs::rename(&checkout, &moved).unwrap();
    symlink(&outside, &checkout).unwrap();
    let files = || {
        (fs::read_to_string(outside.join("a.txt")).unwrap(), scene.git(&outside, &["status", "--porcelain"]))
    };
    let before = files();
    for command in [
        &["sync", "--force"][..],
        &["apply", "kb", "--to", "v2"],
        &["upgrade", "kb", "--to", "v2"],
        &["remove", "kb", "--force"],
    ] {
        scene.run(command);
        assert_eq!(files(), before, "{command:?}");
    }
    drop(fs::remove_file(&checkout));
    fs::remove_dir_all(scene.sandbox.root().join(".graft")).unwrap();
    symlink(scene.sandbox.beside(""), scene.sandbox.root().join(".graft")).unwrap();
    for command in [&["remove", "kb", "--force"][..], &["sync", "--force"], &["resolve"]] {
        scene.run(command);
        assert!(scene.kb().join("graft.yaml").exists(), "{command:?}");
        assert_eq!(scene.git(&scene.kb(), &["status", "--porcelain"]), "", "{command:?}");
    }
}

#[test]
fn a_dependency_cannot_write_outside_of_its_checkout() {
    let scene = Scene::new();
    let outside = scene.sandbox.beside("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, scene.kb().join("way")).unwrap();
    scene.git(&scene.kb(), &["add", "--all"]);
    scene.git(&scene.kb(), &["commit", "--quiet", "--message=link"]);
    scene.git(&scene.kb(), &["tag", "link"]);
    fs::remove_file(scene.kb().join("way")).unwrap();
    fs::create_dir(scene.kb().join("way")).unwrap();
    fs::write(scene.kb().join("way/in"), "in\n").unwrap();
    scene.git(&scene.kb(), &["add", "--all"]);
    scene.git(&scene.kb(), &["commit", "--quiet", "--message=directory"]);
    scene.git(&scene.kb(), &["tag", "directory"]);
    scene.add("link");
    assert!(scene.sandbox.root().join(".graft/kb/way").is_symlink());
    scene.run(&["apply", "kb", "--to", "directory"]).expect(0);
    assert_eq!(scene.sandbox.read(".graft/kb/way/in"), "in\n");
    scene.run(&["apply", "kb", "--to", "link"]).expect(0);
    // What someone put there himself is in the way, too, and is not followed.
    fs::remove_file(scene.sandbox.root().join(".graft/kb/way")).unwrap();
    scene.run(&["sync", "--force"]).expect(0);
    scene.run(&["apply", "kb", "--to", "v3"]).expect(0);
    symlink(&outside, scene.sandbox.root().join(".graft/kb/way")).unwrap();
    scene.run(&["apply", "kb", "--to", "directory"]).expect(1);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "3\n");
}
