#!/usr/bin/env python3
"""Compares `aam` with a plain PyTorch program of the same architecture, in one run.

    python3 benches/peer/compare.py --data DIR --peer torch_peer.py --python PYTHON [--only WORD]

DIR contains studies (table.biom, metadata.tsv, unifrac-unweighted.npy); PYTHON has torch, h5py and
numpy. Both use two threads, 32-bit floats and the sizes of the preset `base`. The two run
alternately, three times each; the Markdown table shows medians and their ratios. The load average
shows what else runs on the machine.
"""
import argparse, json, os, pathlib, re, resource, statistics, subprocess, sys, tempfile, time

COLUMN = {"ecam-infants": "day_of_life", "glen-canyon-small": "sample_pH", "glen-canyon-soil": "sample_pH", "fish-mackerel": "day"}
SIZES = ["--preset", "base", "--dropout", "0.1", "--test-size", "0.1"]
# As in the PyTorch program, embeddings come from masked ASVs, in the pass that predicts them.
ATTENTION = ["--pooling", "attention"]
SAME_WORK = ATTENTION + ["--compatibility", "masked-embeddings"]
NOTE = re.compile(r"updates, the median took ([\d.]+) ms; ([\d.]+) samples a second")

# The encoder alone: a training step on distinct ASVs.
ENCODER = """
import sys, time, statistics, torch, torch.nn.functional as F
sys.path.insert(0, sys.argv[1]); from torch_peer import Stack, Pool
torch.set_num_threads(2)
class Encoder(torch.nn.Module):
    def __init__(s, d=128):
        super().__init__()
        s.token, s.place = torch.nn.Embedding(7, d), torch.nn.Embedding(151, d)
        s.stack, s.out = Stack(d, 4, 4, sys.argv[2] == "checkpoint"), torch.nn.Linear(d, 7)
    def forward(s, x):
        return s.out(s.stack(s.token(x) + s.place.weight[: x.shape[1]]))
m = Encoder(); opt = torch.optim.AdamW(m.parameters(), 1e-4); times = []
for k in range(4):
    x = torch.randint(1, 5, (256, 151)); mask = torch.rand(x.shape) < 0.15
    t = time.perf_counter()
    loss = F.cross_entropy(m(x.masked_fill(mask, 6))[mask], x[mask])
    opt.zero_grad(); loss.backward(); opt.step(); times.append(time.perf_counter() - t)
print(256 / statistics.median(times[1:]))
"""


def run(command, threads=2):
    """Returns the output, seconds and peak memory in GB of a command."""
    env = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
    started = time.perf_counter()
    child = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{output[-2000:]}")
    return output, time.perf_counter() - started, usage.ru_maxrss * 1024 / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--peer", type=pathlib.Path, required=True)
    parser.add_argument("--python", default="python3")
    parser.add_argument("--aam", default="target/release/aam")
    parser.add_argument("--only", default="", help="only rows whose name contains this")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one step of PyTorch without warm-up, and two batches to predict")
    a = parser.parse_args()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="aam-peer-"))
    aam = [a.aam]

    def study(name):
        folder = a.data / name
        return ["--table", folder / "table.biom", "--threads", "2"], folder

    def pretrain(name, batch, limit, steps, extra):
        table, folder = study(name)
        command = aam + ["pretrain"] + table + ["--unifrac-matrix", folder / "unifrac-unweighted.npy", "--unifrac-ids", folder / "unifrac-sample-ids.txt"]
        command += SIZES + extra + ["--asv-sampling", "random", "--batch-size", batch, "--token-limit", limit, "--max-steps", steps]
        output, _, peak = run(command + ["--output-dir", scratch / "run", "--overwrite"])
        return float(NOTE.findall(output)[-1][1]), peak

    def train(name, batch, limit, steps, extra):
        table, folder = study(name)
        command = aam + ["train"] + table + ["--metadata", folder / "metadata.tsv", "--metadata-column", COLUMN[name]]
        command += SIZES + extra + ["--asv-sampling", "random", "--batch-size", batch, "--token-limit", limit, "--max-steps", steps]
        output, _, peak = run(command + ["--output-dir", scratch / "run", "--overwrite"])
        return float(NOTE.findall(output)[-1][1]), peak

    def whole(name):
        folder = a.data / name
        return ["--unifrac-matrix", folder / "unifrac-unweighted.npy", "--unifrac-ids", folder / "unifrac-sample-ids.txt", "--unifrac-weight", "1", "--count-weight", "1"]

    def encoder():
        table, folder = study("ecam-infants")
        command = aam + ["pretrain"] + table + ["--unifrac-metric", "bray-curtis", "--preset", "base", "--pooling", "abundance", "--dropout", "0.1", "--test-size", "0.1"]
        command += ["--nucleotide-steps", "6", "--nucleotide-batch-size", "256", "--max-steps", "1"]
        output, _, peak = run(command + ["--output-dir", scratch / "run", "--overwrite"])
        return float(NOTE.findall(output)[0][1]), peak

    def predict(name):
        table, folder = study(name)
        model = scratch / f"model-{name}"
        if not model.exists():
            command = aam + ["train"] + table + ["--metadata", folder / "metadata.tsv", "--metadata-column", COLUMN[name]]
            run(command + SIZES + ATTENTION + ["--batch-size", "8", "--token-limit", "256", "--max-steps", "1", "--output-dir", model])
        command = aam + ["predict"] + table + ["--model", model / "checkpoints/best", "--output", scratch / "predictions.tsv", "--overwrite"]
        output, seconds, peak = run(command)
        rows = sum(1 for _ in open(scratch / "predictions.tsv")) - 1
        return rows / seconds, peak

    def peer(name, mode, batch, limit, steps):
        steps = (2 if mode == "predict" else 1) if a.quick else steps
        command = [a.python, a.peer, "--data", a.data / name, "--mode", mode, "--batch", batch, "--token-limit", limit, "--steps", steps, "--warmup", 0 if a.quick else 1]
        output, _, _ = run(command)
        found = json.loads(output.strip().splitlines()[-1])
        return found["samples_per_s"], found["peak_gb"]

    def peer_encoder(checkpoint):
        output, _, peak = run([a.python, "-c", ENCODER, a.peer.parent, checkpoint])
        return float(output.split()[-1]), peak

    rows = []
    for name in ["ecam-infants", "glen-canyon-small"]:
        for batch, steps in [(8, 3), (32, 2)]:
            rows.append((f"pretrain step, batch {batch}, limit 256, {name}", lambda n=name, b=batch: pretrain(n, b, 256, 4, SAME_WORK), lambda n=name, b=batch, s=steps: peer(n, "pretrain", b, 256, s)))
            rows.append((f"the same, embeddings of unmasked ASVs (our default), batch {batch}, {name}", lambda n=name, b=batch: pretrain(n, b, 256, 4, ATTENTION), None))
        rows.append((f"fine-tune step, whole model, batch 32, {name}", lambda n=name: train(n, 32, 256, 4, ATTENTION + whole(n)), lambda n=name: peer(n, "train", 32, 256, 2)))
        rows.append((f"fine-tune step, base frozen, batch 32, {name}", lambda n=name: train(n, 32, 256, 40, ATTENTION + whole(n) + ["--freeze-base"]), lambda n=name: peer(n, "frozen", 32, 256, 2)))
        rows.append((f"the same, abundance pooling (our default), {name}", lambda n=name: train(n, 32, 256, 400, ["--freeze-base", "--pooling", "abundance"]), None))
    for name in ["ecam-infants", "fish-mackerel"]:
        rows.append((f"predict, whole table, {name}", lambda n=name: predict(n), lambda n=name: peer(n, "predict", 32, 256, 0)))
    rows.append(("encoder alone, no repeats, training step of 256 ASVs", encoder, lambda: peer_encoder("checkpoint")))
    rows.append(("the same, PyTorch without recomputation", encoder, lambda: peer_encoder("keep")))
    for batch, limit in [(8, 256), (32, 256), (32, 1024)]:
        other = (lambda b=batch, l=limit: peer("glen-canyon-soil", "pretrain", b, l, 1)) if limit == 1024 else None
        rows.append((f"pretrain step, batch {batch}, limit {limit}, glen-canyon-soil", lambda b=batch, l=limit: pretrain("glen-canyon-soil", b, l, 2, SAME_WORK), other))

    print(f"load before: {os.getloadavg()[0]:.1f}\n")
    print("| work | `aam`, samples/s | PyTorch | ratio | `aam`, GB | PyTorch |\n|---|---|---|---|---|---|")
    last = None
    for name, ours, theirs in rows:
        if a.only not in name:
            continue
        mine, other = [], []
        for _ in range(a.repeats):
            mine.append(ours())
            if theirs:
                other.append(theirs())
        speed, peak = (statistics.median(column) for column in zip(*mine))
        if other:
            last = tuple(statistics.median(column) for column in zip(*other))
        rate, memory = last if last else (float("nan"), float("nan"))
        print(f"| {name} | {speed:.2f} | {rate:.3f} | {speed / rate:.1f} | {peak:.2f} | {memory:.2f} |", flush=True)
    print(f"\nload after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
