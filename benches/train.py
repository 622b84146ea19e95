#!/usr/bin/env python3
"""Time and memory of `aam train` as samples double, compared with a scikit-learn Random Forest pipeline.

    python3 benches/train.py [--aam PROGRAM] [--python PYTHON] [--samples 250,500,…] [--folder DIR]

The tables are simulated in DIR and kept. `aam train` runs with its defaults: five folds, all members, and
a final model of all samples. The pipeline (PYTHON has h5py, numpy and scikit-learn) reads the same table
and fits 500 trees on relative abundances for each of the same folds and for all samples. Both use two
threads and run one after the other; the output is a Markdown table.
"""
import argparse, os, pathlib, shutil, subprocess, sys, time

PIPELINE = """
import csv, h5py, numpy, pathlib, sys
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import r2_score
study, folds = map(pathlib.Path, sys.argv[1:])
with h5py.File(study / "table.biom") as f:
    ids = [i.decode() for i in f["sample/ids"][:]]
    m = f["sample/matrix"]
    pointers, indices, counts = m["indptr"][:], m["indices"][:], m["data"][:]
    x = numpy.zeros((len(ids), len(f["observation/ids"])), numpy.float32)
for row in range(len(ids)):
    own = slice(pointers[row], pointers[row + 1])
    x[row, indices[own]] = counts[own]
x /= x.sum(1, keepdims=True)
with open(study / "metadata.tsv") as f:
    rows = [list(r.values())[:1] + [r["ph"]] for r in csv.DictReader(f, delimiter="\\t")]
    of = {sample: float(ph) for sample, ph in rows if not sample.startswith("#")}
y = numpy.array([of[i] for i in ids])
place, predicted = {i: n for n, i in enumerate(ids)}, numpy.zeros(len(ids))
forest = lambda: RandomForestRegressor(500, n_jobs=2, random_state=0)
for fold in sorted(folds.glob("fold-*/samples_val.txt")):
    held = [place[i] for i in fold.read_text().split()]
    train = numpy.setdiff1d(numpy.arange(len(ids)), held)
    predicted[held] = forest().fit(x[train], y[train]).predict(x[held])
forest().fit(x, y)
print(r2_score(y, predicted))
"""


def run(command):
    """Returns the output, CPU seconds, wall-clock seconds and peak memory in MB of a command."""
    started = time.perf_counter()
    child = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(map(str, command))[:500]} failed:\n{output[-2000:]}")
    return output, usage.ru_utime + usage.ru_stime, time.perf_counter() - started, usage.ru_maxrss / 1000


def evaluation(path):
    """Returns the metrics of a run by name."""
    header, *lines = [line.split("\t") for line in path.read_text().splitlines()]
    return {line[header.index("metric")]: line[header.index("model")] for line in lines}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--aam", default="target/release/aam")
    parser.add_argument("--python", default="python3")
    parser.add_argument("--samples", default="250,500,1000,2000,4000")
    parser.add_argument("--asvs", type=int, default=3000)
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("target/bench-train"))
    a = parser.parse_args()
    a.folder.mkdir(parents=True, exist_ok=True)
    print("| samples | program | CPU s | wall s | MB | R² |\n|---|---|---|---|---|---|")
    for samples in a.samples.split(","):
        study, out = a.folder / samples, a.folder / f"run-{samples}"
        if not (study / "table.biom").exists():
            run([a.aam, "simulate", "--samples", samples, "--asvs", a.asvs, "--output-dir", study, "--overwrite"])
        shutil.rmtree(out, ignore_errors=True)
        _, *ours = run([a.aam, "train", "--table", study / "table.biom", "--metadata", study / "metadata.tsv",
                        "--metadata-column", "ph", "--threads", "2", "--output-dir", out])
        text, *theirs = run([a.python, "-c", PIPELINE, study, out])
        for name, figures, score in ("aam", ours, evaluation(out / "evaluation.tsv")["r2"]), ("forest", theirs, text.split()[-1]):
            print("| {} | {} | {:.1f} | {:.1f} | {:.0f} | {:.3f} |".format(samples, name, *figures, float(score)), flush=True)


main()
