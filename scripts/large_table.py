"""Writes a BIOM 2.1 table of N samples with about 300 ASVs each, of 10 N ASVs, and metadata.

Needs numpy and h5py:

    python large_table.py N DIRECTORY
"""
import sys
import time

import h5py
import numpy as np

n, folder = int(sys.argv[1]), sys.argv[2]
m, per = 10 * n, 300
rng = np.random.default_rng(1)
t = time.time()
indptr = np.zeros(n + 1, np.int64)
blocks = []
step = 10_000
for start in range(0, n, step):
    rows = min(step, n - start)
    # Half of a sample's ASVs are common, half are rare.
    draw = rng.random((rows, per + 20)) ** np.where(np.arange(per + 20) % 2, 1.0, 6.0)
    f = np.sort((draw * m).astype(np.int32), axis=1)
    keep = np.ones(f.shape, bool)
    keep[:, 1:] = f[:, 1:] != f[:, :-1]
    blocks.append(f[keep])
    indptr[start + 1 : start + rows + 1] = keep.sum(1)
indptr = np.cumsum(indptr)
indices = np.concatenate(blocks); del blocks
nnz = len(indices)
counts = np.minimum(np.exp(rng.normal(1.5, 1.5, nnz).astype(np.float32)) + 1, 1e6).astype(np.int32)
letters = np.frombuffer(b"ACGT", np.uint8)
with h5py.File(f"{folder}/{n}.biom", "w") as h:
    h.attrs["format-version"] = [2, 1]; h.attrs["type"] = "OTU table"; h.attrs["id"] = "No Table ID"
    h.attrs["format-url"] = "http://biom-format.org"; h.attrs["generated-by"] = "large_table.py"
    h.attrs["creation-date"] = "2026-01-01T00:00:00"; h.attrs["shape"] = [m, n]; h.attrs["nnz"] = nnz
    def ids(name, size, block):
        d = h.create_dataset(name, (size,), dtype=h5py.string_dtype(), compression="gzip", compression_opts=1)
        for s in range(0, size, 200_000):
            d[s : min(s + 200_000, size)] = block(s, min(s + 200_000, size))
    def seqs(a, b):
        x = letters[rng.integers(0, 4, (b - a, 150), dtype=np.uint8)]
        return np.frombuffer(x.tobytes(), "S150").astype(object)
    ids("observation/ids", m, seqs)
    ids("sample/ids", n, lambda a, b: np.array([b"s%d" % i for i in range(a, b)], object))
    def matrix(group, data, indices, indptr):
        kw = dict(compression="gzip", compression_opts=1, chunks=(1 << 16,))
        d = h.create_dataset(f"{group}/matrix/data", (nnz,), dtype="f8", **kw)
        for s in range(0, nnz, 1 << 24): d[s : s + (1 << 24)] = data[s : s + (1 << 24)]
        h.create_dataset(f"{group}/matrix/indices", data=indices, dtype="i4", **kw)
        h.create_dataset(f"{group}/matrix/indptr", data=indptr.astype(np.int32), dtype="i4")
    matrix("sample", counts, indices, indptr)
    print(n, "by sample", nnz, round(time.time() - t), flush=True)
    order = np.argsort(indices, kind="stable")
    sample = np.repeat(np.arange(n, dtype=np.int32), np.diff(indptr))[order]
    cptr = np.zeros(m + 1, np.int64); np.cumsum(np.bincount(indices, minlength=m), out=cptr[1:])
    matrix("observation", counts[order], sample, cptr)
with open(f"{folder}/{n}.tsv", "w") as f:
    f.write("sample-id\tage\n")
    age = rng.normal(50, 10, n)
    f.writelines(f"s{i}\t{a:.2f}\n" for i, a in enumerate(age))
print(n, "nonzero", nnz, "seconds", round(time.time() - t), flush=True)
