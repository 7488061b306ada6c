"""
Whether the spread over samples says where atoms are wrong: on the validation chains, with a picture.

    python tests/benchmarks/spread.py [--limit 20] [--samples 8] [--picture docs/spread.png]

For each chain the samples of its C-alphas at T = 1. Errors are those of samples that are left out of the spread, and
those of the structure at T = 0. Printed are rank correlations (Spearman) and RMS values of tenths of the residues.
"""

import argparse

import numpy as np
import torch
from scipy.stats import spearmanr

from mdbackmap.checkpoint import load
from mdbackmap.data.known import Generator, read_chains
from mdbackmap.datafiles import VALIDATION
from mdbackmap.evaluation.plots import spread_figure
from mdbackmap.metrics.spread import spread_and_error


def measured(model, chain, n_samples):
    """Spread (S, R) without each sample, error of that sample (S, R), error (R,) at T = 0."""
    generate, known = Generator(model, chain), (chain.positions, chain.mask, chain.types)
    samples = generate(chain.beads, temperature=1.0, n_samples=n_samples)
    spread, error = spread_and_error(samples, *known)
    best = generate(chain.beads, temperature=0.0)
    return spread, error, spread_and_error(np.repeat(best, 2, axis=0), *known)[1][0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    parser.add_argument("--limit", type=int)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--picture", default="docs/spread.png")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = load("genzprot")[0]
    rows = [measured(model, chain, args.samples) for chain in read_chains(VALIDATION, args.limit)]
    by_chain = [[spearmanr(s[0], e[0]).statistic, spearmanr(s.mean(0), b).statistic] for s, e, b in rows]
    spread, error = (np.concatenate([row[k].ravel() for row in rows]) for k in (0, 1))
    best, mean = np.concatenate([row[2] for row in rows]), np.concatenate([row[0].mean(0) for row in rows])
    print(f"{len(rows)} chains, {len(best)} residues, {args.samples} samples")
    print(f"all residues: {spearmanr(spread, error).statistic:.2f}, with T = 0 {spearmanr(mean, best).statistic:.2f}")
    print("median chain: {:.2f}, with T = 0 {:.2f}".format(*np.median(by_chain, axis=0)))
    for part in np.array_split(np.argsort(spread), 10):
        print(f"spread {np.sqrt(np.mean(spread[part] ** 2)):.2f} A, error {np.sqrt(np.mean(error[part] ** 2)):.2f} A")
    spread_figure(spread, error, f"{len(rows)} validation chains").savefig(args.picture, dpi=110)


if __name__ == "__main__":
    main()
