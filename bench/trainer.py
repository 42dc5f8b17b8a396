#!/usr/bin/env python3
"""Measures the built-in trainer against the same algorithm in PyTorch, on two spirals with default settings.

    bench/trainer.py                          # 20 hidden units, 2 threads each; prints a table
    bench/trainer.py --units 8 --rounds 3 --record    # also writes its section of bench/RESULTS.md

Run it with an interpreter that can import `torch` (2.x, CPU); that of bench/requirements.txt needs it besides. The
program is the example `spirals` of `backstay-trainer`, which is built in release mode first.

Both train the same network on the same data in the same phases: 1000 steps of Adam on the output weights, then 50
candidates for at most 600 epochs, each until 30 epochs bring it no gain, and so on. PyTorch trains the whole pool as one
batch with autograd, drops candidates that are done, and uses `foreach` Adam with as many threads. Compared are the
seconds per epoch of each phase and for the whole run; the candidate epochs of the two differ a little, because their
random numbers do.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from pathlib import Path

from suite import report

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pool", type=int, default=50)
    parser.add_argument("--points", type=int, default=100, help="per spiral")
    parser.add_argument("--rounds", type=int, default=3, help="the median counts")
    parser.add_argument("--binary", type=Path, help="the built example `spirals`")
    parser.add_argument("--record", action="store_true")
    return parser.parse_args()


def build():
    """Builds the example and returns its path."""
    command = ["cargo", "build", "--release", "--locked", "--package", "backstay-trainer", "--example", "spirals",
               "--message-format=json-render-diagnostics"]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if built.returncode:
        sys.exit("trainer: cargo failed")
    found = [message["executable"] for message in map(json.loads, built.stdout.splitlines()) if message.get("executable")]
    return Path(found[-1])


def ours(program, options):
    """One run of the built-in trainer."""
    command = [program, "--units", options.units, "--threads", options.threads, "--pool", options.pool, "--points", options.points]
    done = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


class PyTorch:
    """The same algorithm, the pool in one batch."""

    OUTPUT_EPOCHS, CANDIDATE_EPOCHS, PATIENCE, RATE, SCALE = 1000, 600, 30, 0.01, 0.1

    def __init__(self, torch, options):
        self.torch, self.pool = torch, options.pool
        torch.manual_seed(42)
        torch.set_num_threads(options.threads)
        t = torch.linspace(0, 4 * math.pi, options.points, dtype=torch.float64)
        points = [torch.stack((t * torch.cos(t + o), t * torch.sin(t + o)), 1) for o in (0, math.pi)]
        self.features = (torch.cat(points) / (4 * math.pi)).float()
        self.targets = torch.eye(2).repeat_interleave(options.points, 0)
        self.classes = self.targets.argmax(1)
        self.weights = torch.randn(2, 2) * self.SCALE
        self.bias = torch.randn(2) * self.SCALE

    def output_phase(self):
        """Full-batch steps on the mean squared error; the accuracy of each epoch is noted, as ours is."""
        torch = self.torch
        weights, bias = self.weights.requires_grad_(), self.bias.requires_grad_()
        optimizer = torch.optim.Adam([weights, bias], lr=self.RATE, foreach=True)
        for _ in range(self.OUTPUT_EPOCHS):
            optimizer.zero_grad(set_to_none=True)
            outputs = torch.addmm(bias, self.features, weights)
            loss = torch.nn.functional.mse_loss(outputs, self.targets)
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                loss.item(), (outputs.argmax(1) == self.classes).float().mean().item()
        self.weights, self.bias = weights.detach(), bias.detach()
        return self.OUTPUT_EPOCHS

    def candidate_phase(self):
        """Climbs the correlation with all candidates at once, then adds the best."""
        torch = self.torch
        with torch.no_grad():
            residual = torch.addmm(self.bias, self.features, self.weights) - self.targets
            residual -= residual.mean(0)
            goal = (residual / residual.norm(dim=0)).T.contiguous()
        width = self.features.shape[1]
        weights = (torch.randn(width, self.pool) * self.SCALE).requires_grad_()
        bias = (torch.randn(self.pool) * self.SCALE).requires_grad_()
        optimizer = torch.optim.Adam([weights, bias], lr=self.RATE, foreach=True)
        best = torch.full((self.pool,), -1.0)
        best_weights, best_bias = weights.detach().clone(), bias.detach().clone()
        stale = torch.zeros(self.pool)
        epochs = 0
        while epochs < self.CANDIDATE_EPOCHS:
            epochs += 1
            optimizer.zero_grad(set_to_none=True)
            values = torch.tanh(torch.addmm(bias, self.features, weights))
            centered = values - values.mean(0)
            size = ((goal @ centered) / centered.norm(dim=0)).abs().amax(0)
            with torch.no_grad():
                gain = size > best
                best = torch.where(gain, size, best)
                best_weights = torch.where(gain, weights, best_weights)
                best_bias = torch.where(gain, bias, best_bias)
                stale = torch.where(gain, 0.0, stale + 1)
                if (stale >= self.PATIENCE).all():
                    break
            (-size.sum()).backward()
            optimizer.step()
        with torch.no_grad():
            winner = best.argmax()
            unit = torch.tanh(self.features @ best_weights[:, winner] + best_bias[winner])
            self.features = torch.cat((self.features, unit[:, None]), 1)
            self.weights = torch.cat((self.weights, torch.randn(1, 2) * self.SCALE))
        return epochs

    def accuracy(self):
        outputs = self.torch.addmm(self.bias, self.features, self.weights)
        return (outputs.argmax(1) == self.classes).float().mean().item()

    def run(self, units):
        """Trains to `units` hidden units and tells the same as the example does."""
        told = {"output_epochs": 0, "output_s": 0.0, "candidate_epochs": 0, "candidate_s": 0.0}
        for unit in range(units + 1):
            for kind, phase in (("output", self.output_phase), ("candidate", self.candidate_phase)):
                if kind == "candidate" and unit == units:
                    break
                started = time.perf_counter()
                told[f"{kind}_epochs"] += phase()
                told[f"{kind}_s"] += time.perf_counter() - started
        return {**told, "hidden_units": units, "accuracy": self.accuracy()}


def figures(runs):
    """The medians of several runs: microseconds per epoch of each phase, seconds in all, accuracy."""
    median = lambda of: statistics.median(map(of, runs))
    return {
        "output": median(lambda run: run["output_s"] / run["output_epochs"] * 1e6),
        "candidate": median(lambda run: run["candidate_s"] / run["candidate_epochs"] * 1e6),
        "total": median(lambda run: run["output_s"] + run["candidate_s"]),
        "accuracy": median(lambda run: run["accuracy"]),
    }


def table(have, theirs, options, version):
    rows = [
        f"Two spirals of {options.points} points, {options.units} hidden units, a pool of {options.pool}, {options.threads} threads; "
        f"medians of {options.rounds} runs. PyTorch {version}.",
        "",
        "| | Backstay | PyTorch | ratio |",
        "|---|---:|---:|---:|",
    ]
    names = (("output", "an output epoch (µs)", 1), ("candidate", "an epoch of the pool (µs)", 1), ("total", "the whole run (s)", 3))
    for key, name, digits in names:
        rows.append(f"| {name} | {have[key]:.{digits}f} | {theirs[key]:.{digits}f} | {theirs[key] / have[key]:.1f} |")
    rows.append(f"| accuracy at the end | {have['accuracy']:.3f} | {theirs['accuracy']:.3f} | |")
    return "\n".join(rows) + "\n"


def main():
    options = arguments()
    try:
        import torch
    except ImportError:
        sys.exit("trainer: this interpreter has no `torch`; install it, or use one that has it")
    program = options.binary or build()
    have, theirs = [], []
    for _ in range(options.rounds):
        have.append(ours(program, options))
        theirs.append(PyTorch(torch, options).run(options.units))
    text = table(figures(have), figures(theirs), options, torch.__version__)
    print(text)
    if options.record:
        facts = f"`bench/trainer.py`, {report.machine()}."
        report.document(HERE / "RESULTS.md", "trainer", f"### The trainer\n\n{text}\n{facts}")


if __name__ == "__main__":
    main()
