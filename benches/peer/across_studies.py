#!/usr/bin/env python3
"""AUC of irritable bowel syndrome in a study left out, by models of genera: classical ones, DEBIAS-M and MGM.

    pip install torch transformers h5py pandas scikit-learn
    pip download --no-deps microformer-mgm==0.5.8 && unzip microformer_mgm-0.5.8-*.whl -d mgm
    python3 benches/peer/across_studies.py --data DIR --mgm mgm/mgm/resources --studies agp hugerth mars

DIR/metaibs-NAME contains table.biom, metadata.tsv (sample-id, study, host_disease) and taxonomy.tsv.gz. One
table of several studies is split by its column `study`. The output is a Markdown table.

MGM (Zhang et al., microformer-mgm 0.5.8): a sample is a sentence of its genera in order of standardised
abundance. `MGM frozen` is a logistic regression on the mean of the last hidden states. `MGM fine-tuned` has
the package's learning rate, warm-up and batch size, and keeps the epoch that is best on a tenth of the
training samples; the package allows 1000 epochs with a patience of 10, here there are --epochs.

DEBIAS-M (Austin et al., Nature Microbiology 2025; written anew after debias-m 0.0.2, which needs an old
PyTorch Lightning): a factor 2^w for each genus and study, learned with a logistic regression on shares and a
penalty on the distances between the mean compositions of the studies. Samples of the study left out take
part in the penalty, but their labels are not seen.
"""
import argparse, pathlib, pickle, warnings

import h5py, numpy as np, pandas as pd, scipy.sparse as sparse, torch, torch.nn.functional as F
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import roc_auc_score
from transformers import GPT2Config, GPT2ForSequenceClassification, GPT2Model

warnings.filterwarnings("ignore")
UNKNOWN = "unknown"


def read_study(folder):
    """Reads of each sample by genus `[samples, genera]`, whether it has the disease, and its study."""
    with h5py.File(folder / "table.biom") as f:
        matrix = f["sample/matrix"]
        samples, asvs = (f[f"{axis}/ids"].asstr()[:] for axis in ("sample", "observation"))
        shape = len(samples), len(asvs)
        counts = sparse.csr_matrix((matrix["data"][:], matrix["indices"][:], matrix["indptr"][:]), shape=shape)
    taxa = pd.read_csv(folder / "taxonomy.tsv.gz", sep="\t", index_col=0)["Taxon"].reindex(asvs).fillna("")
    genus, names = pd.factorize(taxa.str.extract(r"(g__[A-Za-z0-9_]+)")[0].fillna(UNKNOWN))
    of_genus = sparse.csr_matrix((np.ones(len(genus)), (np.arange(len(genus)), genus)))
    reads = pd.DataFrame((counts @ of_genus).toarray(), index=samples, columns=names)
    metadata = pd.read_csv(folder / "metadata.tsv", sep="\t", dtype=str, index_col=0).reindex(samples)
    known = metadata["host_disease"].isin(["IBS", "Healthy"])
    return reads[known], metadata.loc[known, "host_disease"] == "IBS", metadata.loc[known, "study"]


class Mgm:
    """The published weights, and the sentences of samples."""

    def __init__(self, resources, reads, longest=512):
        self.config = resources / "general_model/config.json"
        self.weights = torch.load(resources / "general_model/pytorch_model.bin", map_location="cpu", weights_only=True)
        vocabulary = self.vocabulary(resources / "MicroTokenizer.pkl")
        usual = pd.read_csv(resources / "phylogeny.csv", index_col=0)
        shares = reads.reindex(columns=usual.index).fillna(0)
        shares = shares.div(shares.sum(axis=1).clip(lower=1), axis=0)
        standardised = ((shares - usual["mean"]) / usual["std"]).values
        tokens = np.array([vocabulary[genus] for genus in usual.index])
        sentences = []
        for share, z in zip(shares.values, standardised):
            present = np.flatnonzero(share)
            words = tokens[present[np.argsort(-z[present], kind="stable")]]
            sentences.append([vocabulary["<bos>"], *words, vocabulary["<eos>"]][:longest])
        width = max(map(len, sentences))
        self.ids = torch.tensor([s + [vocabulary["<pad>"]] * (width - len(s)) for s in sentences])
        self.mask = (self.ids != vocabulary["<pad>"]).long()

    @staticmethod
    def vocabulary(path):
        """The ids of the tokens, read from the pickle without the package's classes."""

        class Anything(dict):
            def __init__(self, *arguments, **options):
                pass

            def __setstate__(self, state):
                self.__dict__.update(state)

        class Reader(pickle.Unpickler):
            def find_class(self, module, name):
                return {"OrderedDict": dict, "dict": dict, "list": list}.get(name, Anything)

        with open(path, "rb") as f:
            return Reader(f).load().__dict__["vocab"]

    def inputs(self, rows):
        longest = self.mask[rows].sum(1).max()
        return {"input_ids": self.ids[rows, :longest], "attention_mask": self.mask[rows, :longest]}

    @torch.no_grad()
    def features(self):
        """The mean of the last hidden states, `[samples, width]`."""
        model = GPT2Model(GPT2Config.from_json_file(self.config)).eval()
        prefix = "transformer."
        weights = {k.removeprefix(prefix): v for k, v in self.weights.items() if k.startswith(prefix)}
        loaded = model.load_state_dict(weights, strict=False)
        assert not loaded.missing_keys, loaded
        means = []
        for rows in torch.arange(len(self.ids)).split(64):
            inputs = self.inputs(rows)
            mask = inputs["attention_mask"][..., None]
            means.append((model(**inputs).last_hidden_state * mask).sum(1) / mask.sum(1))
        return torch.cat(means).numpy()

    def fine_tuned(self, y, train, test, epochs, batch=64, rate=1e-3, warm_up=100):
        """The log-odds of the `test` samples."""
        torch.manual_seed(1)
        random = np.random.default_rng(1)
        config = GPT2Config.from_json_file(self.config)
        config.num_labels = 2
        model = GPT2ForSequenceClassification(config)
        model.load_state_dict(self.weights, strict=False)
        labels = torch.tensor(y.astype(int))
        held_back, train = np.split(random.permutation(train), [len(train) // 10])
        optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=1e-3)
        total, step, best = epochs * -(-len(train) // batch), 0, None

        @torch.no_grad()
        def logits(rows):
            model.eval()
            parts = np.array_split(rows, -(-len(rows) // batch))
            return torch.cat([model(**self.inputs(part)).logits for part in parts])

        for _ in range(epochs):
            model.train()
            shuffled = random.permutation(train)
            by_length = shuffled[np.argsort(self.mask[shuffled].sum(1).numpy(), kind="stable")]
            batches = np.array_split(by_length, -(-len(train) // batch))
            for rows in (batches[place] for place in random.permutation(len(batches))):
                step += 1
                decay = (total - step) / max(total - warm_up, 1)
                optimizer.param_groups[0]["lr"] = rate * min(step / warm_up, decay)
                optimizer.zero_grad()
                model(**self.inputs(rows), labels=labels[rows]).loss.backward()
                optimizer.step()
            loss = F.cross_entropy(logits(held_back), labels[held_back]).item()
            if best is None or loss < best[0]:
                best = loss, logits(test)
        return (best[1][:, 1] - best[1][:, 0]).numpy()


def debias_m(shares, y, study, train, test, rate=0.005, most_steps=1000, patience=10):
    """The probabilities of the `test` samples, and the shares of all samples with the factors applied."""
    torch.manual_seed(1)
    x, labels = torch.tensor(shares, dtype=torch.float32), torch.tensor(y.astype(int))
    of, names = pd.factorize(study)
    of, studies = torch.tensor(of), len(names)
    strength = 1e4 / (studies * (studies - 1) / 2 * x.shape[1])
    factors = torch.zeros(studies, x.shape[1], requires_grad=True)
    linear = torch.nn.Linear(x.shape[1], 2)
    start = LogisticRegression(max_iter=2500).fit(shares[train], y[train])
    with torch.no_grad():
        linear.weight.copy_(torch.tensor(np.vstack([-start.coef_, start.coef_]) / 2))
        linear.bias.copy_(torch.tensor(np.concatenate([-start.intercept_, start.intercept_]) / 2))
    optimizer = torch.optim.Adam([factors, *linear.parameters()], lr=rate)
    corrected = lambda rows: F.normalize(2 ** factors[of[rows]] * x[rows], p=1)
    probabilities = lambda rows: F.softmax(linear(corrected(rows)), dim=1)
    best, waited = np.inf, 0
    for _ in range(most_steps):
        # The package takes the cross-entropy of probabilities as if they were logits.
        loss = F.cross_entropy(probabilities(train), labels[train], reduction="sum")
        means = torch.stack([(2 ** factors[s] * x[of == s]).mean(0) for s in range(studies)])
        means = F.normalize(means, p=1)
        loss = (loss + strength * sum(F.pairwise_distance(means, mean).sum() for mean in means)) / len(train)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        waited = 0 if loss.item() < best - 1e-4 else waited + 1
        best = min(best, loss.item())
        if waited > patience:
            break
    with torch.no_grad():
        return probabilities(test)[:, 1].numpy(), corrected(np.arange(len(x))).numpy()


def logistic(x, y, train, test):
    """Log-odds of the `test` samples; inner folds choose the penalty."""
    z = (x - x[train].mean(0)) / (x[train].std(0) + 1e-6)
    model = LogisticRegressionCV(Cs=np.logspace(-5, 1, 7), cv=3, scoring="neg_log_loss", max_iter=300)
    return model.fit(z[train], y[train]).decision_function(z[test])


def forest(x, y, train, test):
    model = RandomForestClassifier(500, n_jobs=2, random_state=1)
    return model.fit(x[train], y[train]).predict_proba(x[test])[:, 1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--mgm", type=pathlib.Path, required=True)
    parser.add_argument("--studies", nargs="+", required=True)
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(2)
    reads, y, study = zip(*(read_study(options.data / f"metaibs-{name}") for name in options.studies))
    reads, y, study = pd.concat(reads).fillna(0), np.concatenate(y), np.concatenate(study)
    mgm = Mgm(options.mgm, reads)
    features = mgm.features()
    shares = reads.div(reads.sum(axis=1), axis=0)
    logs = np.log(shares.values + 1e-4)
    logs -= logs.mean(1, keepdims=True)
    centred = logs - pd.DataFrame(logs).groupby(study).transform("mean").values
    shares = shares.drop(columns=UNKNOWN, errors="ignore").values
    methods = "logistic", "logistic, centred by study", "forest", "DEBIAS-M", "DEBIAS-M, forest", "MGM frozen", "MGM fine-tuned"
    print("| left out | samples |", " | ".join(methods), "|")
    print("|---" * (2 + len(methods)) + "|")
    for name in pd.unique(study):
        test, train = np.flatnonzero(study == name), np.flatnonzero(study != name)
        direct, corrected = debias_m(shares, y, study, train, test)
        scores = [
            logistic(logs, y, train, test),
            logistic(centred, y, train, test),
            forest(shares, y, train, test),
            direct,
            forest(corrected, y, train, test),
            logistic(features, y, train, test),
            mgm.fine_tuned(y, train, test, options.epochs),
        ]
        areas = (f"{roc_auc_score(y[test], score):.3f}" for score in scores)
        print(f"| {name} | {len(test)} |", " | ".join(areas), "|", flush=True)


if __name__ == "__main__":
    main()
