#!/usr/bin/env python3
"""Writes the files of this directory with h5py: `make.py [DIRECTORY]`."""

import hashlib
import json
import pickle
import random
import sys
from pathlib import Path

import h5py
import numpy as np

CREATED = "2026-01-08T09:30:00.000000"
UUID = "0b9c8c1e-3c1b-4a57-8f0e-7a5f2d3f9f11"
INPUTS, OUTPUTS, HIDDEN = 2, 2, 3


def weights(rows, columns=None):
    """Numbers that a test can compute again."""
    count = rows * (columns or 1)
    values = (np.arange(count, dtype="<f4") - count / 2).astype("<f4") / np.float32(8)
    return values.reshape(rows, columns) if columns else values


def text(where, name, value):
    where.attrs[name] = np.bytes_(str(value))


def document(group, name, value):
    group.create_dataset(name, data=json.dumps(value), dtype=h5py.string_dtype("utf-8"))


def tensor(group, name, values, filters):
    dataset = group.create_dataset(name, data=values, **filters)
    text(dataset, "tensor_type", "torch.Tensor")
    text(dataset, "dtype", "torch.float32")
    text(dataset, "device", "cpu")
    dataset.attrs["requires_grad"] = False
    dataset.attrs["shape"] = values.shape


def digest(values):
    return hashlib.sha256(values.tobytes()).hexdigest()


def head(file, version="2", name="juniper.cascor"):
    text(file, "format", name)
    text(file, "format_version", version)
    text(file, "serializer_version", "2.0.0")
    text(file, "created", CREATED)
    text(file, "juniper_version", "0.3.2")
    meta = file.create_group("meta")
    text(meta, "uuid", UUID)
    text(meta, "creation_timestamp", CREATED)
    text(meta, "python_version", "3.12")
    for field, value in (("snapshot_counter", 4), ("current_epoch", 1200), ("patience_counter", 2)):
        meta.attrs[field] = value
    meta.attrs["best_value_loss"] = 0.125


def config(file):
    group = file.create_group("config")
    document(group, "config_json", {
        "input_size": INPUTS, "output_size": OUTPUTS, "max_hidden_units": 9, "activation_function_name": "Tanh",
        "learning_rate": 0.02, "candidate_learning_rate": 0.03, "candidate_pool_size": 16, "candidate_epochs": 100,
        "output_epochs": 200, "epochs_max": 5000, "patience": 7, "correlation_threshold": 0.001, "random_seed": 43,
        "random_value_scale": 0.2, "display_frequency": 10, "log_level_name": "INFO", "generate_plots": False,
    })
    text(group, "activation_function_name", "Tanh")
    group.attrs["learning_rate"] = 0.02
    arch = file.create_group("arch")
    for name, value in (("input_size", INPUTS), ("output_size", OUTPUTS), ("num_hidden_units", HIDDEN), ("max_hidden_units", 9)):
        arch.attrs[name] = value
    text(arch, "activation_function_name", "Tanh")
    arch.create_group("connectivity").attrs["input_to_output_connections"] = INPUTS * OUTPUTS


def network(file, filters, checksums=True):
    layer = file.create_group("params/output_layer")
    values, bias = weights(INPUTS + HIDDEN, OUTPUTS), weights(OUTPUTS)
    tensor(layer, "weights", values, filters)
    tensor(layer, "bias", bias, filters)
    if checksums:
        document(layer, "checksums", {"output_weights": digest(values), "output_bias": digest(bias)})
    hidden = file.create_group("hidden_units")
    hidden.attrs["num_units"] = HIDDEN
    for index in range(HIDDEN):
        unit = hidden.create_group(f"unit_{index}")
        values, bias = weights(INPUTS + index), weights(1)
        tensor(unit, "weights", values, filters)
        tensor(unit, "bias", bias, filters)
        if checksums:
            document(unit, "checksums", {"weights": digest(values), "bias": digest(bias)})
        unit.attrs["correlation"] = 0.5 + index / 16
        text(unit, "activation_function_name", "Tanh")


def history(file, prefix):
    group = file.create_group("history")
    for name, values in (("train_loss", [0.5, 0.25, 0.125]), (f"{prefix}_loss", [0.6, 0.3]),
                         ("train_accuracy", [0.5, 0.75, 1.0]), (f"{prefix}_accuracy", [0.5, 0.7])):
        group.create_dataset(name, data=np.array(values), compression="gzip", compression_opts=4)
    group.create_group("hidden_units_added/unit_0").attrs["correlation"] = 0.5


def random_state(file, filters):
    group = file.create_group("random")
    for name, value in (("seed", 43), ("max_value", 1_000_000), ("sequence_max_value", 1_000_000), ("value_scale", 0.2)):
        group.attrs[name] = value
    if filters:
        pickled = np.frombuffer(pickle.dumps(random.Random(1).getstate()), dtype=np.uint8)
        group.create_dataset("python_state", data=pickled, **filters)
        group.create_dataset("numpy_state/state_array", data=np.arange(624, dtype=np.uint32), **filters)
        group.create_dataset("torch_state", data=np.zeros(5056, dtype=np.uint8), **filters)


def multiprocessing(file):
    group = file.create_group("mp")
    text(group, "role", "server")
    text(group, "address_host", "127.0.0.1")
    text(group, "authkey_hex", "00112233445566778899aabbccddeeff")
    group.attrs["autostart"] = True
    document(group, "queues_to_create", {"task_queue": "BaseManager"})


def full(file):
    filters = {"compression": "gzip", "compression_opts": 4}
    head(file)
    config(file)
    network(file, filters)
    history(file, "value")
    random_state(file, filters)
    multiprocessing(file)
    optimizer = file.create_group("params/output_layer/optimizer")
    document(optimizer, "state_dict", {"state": {"0": {"step": 3.0}}, "param_groups": [{"lr": 0.02}]})
    text(optimizer, "optimizer_type", "Adam")


def plain(file):
    head(file)
    config(file)
    network(file, {"shuffle": True, "chunks": True}, checksums=False)
    random_state(file, None)


def legacy(file):
    head(file, "1.0", "cascor_hdf5_v1")
    config(file)
    network(file, {})
    history(file, "val")
    random_state(file, None)


def attributes(file):
    head(file)


def newer(file):
    full(file)
    text(file, "format_version", "3")


def checksum(file):
    plain(file)
    unit = file["hidden_units/unit_1"]
    document(unit, "checksums", {"weights": "0" * 64, "bias": digest(weights(1))})


def main():
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
    for make in (full, plain, legacy, attributes, newer, checksum):
        with h5py.File(directory / f"{make.__name__}.h5", "w") as file:
            make(file)


if __name__ == "__main__":
    main()
