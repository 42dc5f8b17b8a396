"""h5py reads the snapshots of a training run, and what h5py has written is read.

The program is the example `training` of `backstay-source-training`.
"""

import hashlib
import json
import os
import subprocess

import h5py
import numpy as np
import pytest

CONFIG = {
    "input_size", "output_size", "max_hidden_units", "activation_function_name", "learning_rate", "candidate_learning_rate",
    "candidate_pool_size", "candidate_epochs", "output_epochs", "epochs_max", "patience", "correlation_threshold",
    "random_seed", "random_value_scale",
}
SETTINGS = ("output_epochs=40", "candidate_epochs=30", "candidate_pool_size=5", "points=30", "max_hidden_units=12")


def run(*arguments, succeeds=True):
    program = os.environ.get("BACKSTAY_TRAINING_EXAMPLE")
    if not program:
        pytest.fail("BACKSTAY_TRAINING_EXAMPLE is not set: run `make test`, or `tools/test python`")
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    assert (done.returncode == 0) == succeeds, done.stdout + done.stderr
    return done.stdout


def show(path):
    return json.loads(run("show", path))


def bits(dataset):
    return np.asarray(dataset[()], dtype="<f4").view("<u4").ravel().tolist()


def attribute(value):
    """The bytes whose SHA-256 is the checksum of an attribute."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, (float, np.floating)):
        return np.float64(value).tobytes()
    return str(int(value)).encode()


@pytest.fixture(scope="module", params=[40, 55, 800], ids=["boundary", "candidates", "many units"])
def snapshot(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("snapshot") / "snapshot.h5"
    run("write", path, request.param, "validation=0.2", *SETTINGS)
    return path


def test_h5py_reads_what_the_format_names(snapshot):
    shown = show(snapshot)
    with h5py.File(snapshot, "r") as file:
        assert file.attrs["format"] == b"juniper.cascor"
        assert file.attrs["format_version"] == b"2"
        assert file.attrs["description"] == b"an example"
        assert file.attrs["created"] == b"2026-01-08T09:30:00Z"
        meta = file["meta"].attrs
        assert meta["uuid"].decode() == shown["uuid"]
        assert meta["current_epoch"] == shown["epoch"]
        assert {"creation_timestamp", "snapshot_counter", "patience_counter", "best_value_loss"} <= set(meta)
        config = json.loads(file["config/config_json"].asstr()[()])
        assert set(config) == CONFIG
        assert config["output_epochs"] == 40 and config["learning_rate"] == 0.01
        arch, hidden = file["arch"].attrs, len(shown["units"])
        assert (arch["input_size"], arch["output_size"], arch["num_hidden_units"], arch["max_hidden_units"]) == (2, 2, hidden, 12)
        assert arch["activation_function_name"] == b"Tanh"
        assert {"seed", "max_value", "sequence_max_value", "value_scale"} == set(file["random"].attrs)
        layer = file["params/output_layer"]
        assert layer["weights"].shape == (2 + hidden, 2) and layer["weights"].dtype == np.dtype("<f4")
        assert bits(layer["weights"]) == shown["output_weights"]
        assert bits(layer["bias"]) == shown["output_bias"]
        state = json.loads(layer["optimizer/state_dict"].asstr()[()])
        assert np.shape(state["state"]["0"]["exp_avg"]) == (2, 2 + hidden)
        assert file["hidden_units"].attrs["num_units"] == hidden
        assert len(file["hidden_units"]) == hidden
        for index, unit in enumerate(shown["units"]):
            group = file[f"hidden_units/unit_{index}"]
            assert group["weights"].shape == (2 + index,) and group["bias"].shape == (1,)
            assert bits(group["weights"]) == unit["weights"] and bits(group["bias"]) == [unit["bias"]]
            assert 0 < group.attrs["correlation"] <= 1
            sums = json.loads(group["checksums"].asstr()[()])
            assert sums["weights"] == hashlib.sha256(group["weights"][()].tobytes()).hexdigest()
        for name in ("train_loss", "value_loss", "train_accuracy", "value_accuracy"):
            assert file["history"][name].dtype == np.dtype("<f8") and file["history"][name].shape == (shown["rounds"],)
        assert len(file["history/hidden_units_added"]) == hidden
        assert ("candidates" in file["backstay"]) == (shown["epoch"] % 70 >= 40 or "residual" in file["backstay"])


def test_every_checksum_is_that_of_what_h5py_reads(snapshot):
    with h5py.File(snapshot, "r") as file:
        sums = json.loads(file["backstay/checksums"].asstr()[()])
        seen = {}

        def attributes(path, node):
            for name, value in node.attrs.items():
                seen[f"{path}@{name}"] = hashlib.sha256(attribute(value)).hexdigest()

        def visit(name, node):
            path = f"/{name}"
            if path == "/backstay/checksums":
                return
            attributes(path, node)
            if isinstance(node, h5py.Dataset):
                text = h5py.check_string_dtype(node.dtype) is not None
                data = node[()] if text else node[()].tobytes()
                seen[path] = hashlib.sha256(data).hexdigest()
                kind = "text" if text else node.dtype.str.replace("|", "<")
                seen[f"{path}#type"] = f"{kind} {','.join(map(str, node.shape))}"

        attributes("", file)
        file.visititems(visit)
        assert seen == sums


def test_data_are_contiguous_and_nothing_tells_a_time(snapshot):
    assert snapshot.read_bytes()[8] == 0, "superblock 0"
    with h5py.File(snapshot, "r") as file:

        def visit(_, node):
            if isinstance(node, h5py.Dataset):
                assert node.chunks is None and node.compression is None
                assert node.dtype.byteorder in "<=|"
                assert h5py.h5o.get_info(node.id).mtime == 0

        file.visititems(visit)


def test_two_exports_are_equal(snapshot, tmp_path):
    again = tmp_path / "again.h5"
    run("go-on", snapshot, again, show(snapshot)["epoch"])
    assert again.read_bytes() == snapshot.read_bytes()


def test_no_pickle_is_written(snapshot):
    data = snapshot.read_bytes()
    assert b"pickle" not in data and b"authkey" not in data
    with h5py.File(snapshot, "r") as file:
        assert "mp" not in file and not len(file["random"])


def test_what_h5py_copies_and_compresses_is_read(snapshot, tmp_path):
    """Another tool rewrites the file with compression and leaves our own group out."""
    other = tmp_path / "other.h5"
    with h5py.File(snapshot, "r") as source, h5py.File(other, "w") as target:
        target.attrs.update(source.attrs)

        def visit(name, node):
            if name.startswith("backstay"):
                return
            if isinstance(node, h5py.Group):
                copy = target.create_group(name)
            elif node.shape:
                copy = target.create_dataset(name, data=node[()], compression="gzip", shuffle=True)
            else:
                copy = target.create_dataset(name, data=node[()], dtype=node.dtype)
            copy.attrs.update(node.attrs)

        source.visititems(visit)
    have, want = show(other), show(snapshot)
    assert not have["exact"] and want["exact"]
    for key in ("output_weights", "output_bias", "units", "uuid", "epoch", "rounds"):
        assert have[key] == want[key], key


@pytest.mark.parametrize("path", ["params/output_layer/weights", "backstay/optimizer/second", "backstay/epochs/loss"])
def test_a_value_changed_with_h5py_is_refused_and_named(snapshot, tmp_path, path):
    other = tmp_path / "other.h5"
    other.write_bytes(snapshot.read_bytes())
    with h5py.File(other, "r+") as file:
        values = file[path][()]
        values.ravel()[0] += 1
        file[path][...] = values
    assert run("show", other, succeeds=False) == f"Checksum mismatch in /{path}\n"


def test_an_attribute_changed_with_h5py_is_refused_and_named(snapshot, tmp_path):
    other = tmp_path / "other.h5"
    other.write_bytes(snapshot.read_bytes())
    with h5py.File(other, "r+") as file:
        file["backstay/position"].attrs.modify("stage_epoch", 7)
    assert run("show", other, succeeds=False) == "Checksum mismatch in /backstay/position@stage_epoch\n"


def test_a_link_to_elsewhere_is_refused(snapshot, tmp_path):
    other = tmp_path / "other.h5"
    other.write_bytes(snapshot.read_bytes())
    with h5py.File(other, "r+") as file:
        file["meta/elsewhere"] = h5py.SoftLink("/arch")
    assert "links are not followed" in run("show", other, succeeds=False)
