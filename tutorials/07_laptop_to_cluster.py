"""The same analysis on a laptop and on a cluster.

You learn how to write one analysis for both, which three lines send it to a cluster, and that the results are the same:
the histogram to rounding, the RECO events bit for bit. Here the cluster is two processes of this machine; a batch
system or Spark needs one other line (below). Needs the extra: pip install "flashsim[dask]"

Writes 07_laptop_to_cluster.png, local.root, cluster_0.root, cluster_1.root, cluster_2.root, cluster_3.root.
Run it from any folder: python 07_laptop_to_cluster.py
"""

import ctypes
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import ROOT

import flashsim

try:
    from dask.distributed import Client  # (1)
except ImportError:
    sys.exit('This tutorial needs Dask: pip install "flashsim[dask]"')

FOLD_SIZE = 10
PARTITIONS = 4

# In a production, this is a list of many files. Workers open them under these names: on a cluster, give names of a
# shared file system, or URLs (root://...). No file may be in the list twice.
FILES = [flashsim.data.path("ttbar.root")]


def analyse(gen, output):
    """Books a histogram and a file of the RECO events in it, on any dataframe, local or distributed."""
    sim = gen.Filter("nGenJet >= 4").FlashSim("jets", fold_size=FOLD_SIZE, seed=1, prefix="Flash")
    selected = sim.Filter("nFlashJet >= 4 && FlashJet_pt[3] > 30", "four jets above 30 GeV")
    selected = selected.Define("ht", "Sum(FlashJet_pt)")
    histogram = selected.OversampledTH1D(("ht", ";H_{T} [GeV];events", 30, 0, 1500), "ht", covariance=True)
    lazy = ROOT.RDF.RSnapshotOptions()
    lazy.fLazy = True  # so that one event loop makes both
    written = selected.Snapshot("Events", output, ["genEvent", "foldIndex", "foldSize", "ht", "FlashJet_pt"], lazy)
    return histogram, written


def reco_events(written):
    """The columns genEvent, foldIndex and ht of the written file, in the order of the GEN events."""
    columns = written.GetValue().AsNumpy(["genEvent", "foldIndex", "ht"])
    order = np.lexsort((columns["foldIndex"], columns["genEvent"]))
    return {name: column[order] for name, column in columns.items()}


def describe(histogram):
    """Its integral; the error takes the covariance of the bins."""
    error = ctypes.c_double()
    integral = histogram.IntegralAndError(0, -1, error)
    return f"{integral:.1f} ± {error.value:.1f} events"


def compare(local, distributed):
    """Draws both histograms and their ratio."""
    centres = np.array([local.GetXaxis().GetBinCenter(b) for b in range(1, local.GetNbinsX() + 1)])
    width = local.GetXaxis().GetBinWidth(1)
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(8, 7), sharex=True, height_ratios=(3, 1), layout="constrained")
    edges = np.append(centres - width / 2, centres[-1] + width / 2)
    upper.stairs(local.values(), edges, color="#3f90da", linewidth=2, label=f"this process, fold size {FOLD_SIZE}")
    upper.errorbar(
        centres,
        distributed.values(),
        np.sqrt(distributed.variances()),
        fmt="o",
        markersize=4,
        color="black",
        label=f"two workers, {PARTITIONS} partitions",
    )
    upper.set(ylabel=f"events / {width:.0f} GeV", ylim=(0, None))
    upper.legend(frameon=False)
    with np.errstate(invalid="ignore"):
        ratio = distributed.values() / local.values()
        error = np.sqrt(local.variances()) / local.values()
    lower.stairs(1 + error, edges, baseline=1 - error, fill=True, color="#3f90da", alpha=0.3, label="error of either")
    lower.plot(centres, ratio, "o", markersize=4, color="black")
    lower.set(xlabel="$H_T$ [GeV]", ylabel="cluster / local", ylim=(0.7, 1.3), xlim=(edges[0], edges[-1]))
    lower.legend(frameon=False, loc="upper left")
    figure.savefig("07_laptop_to_cluster.png", dpi=100)


# Dask starts each worker as a Python process of its own, which imports this script; hence the guard.
if __name__ == "__main__":
    # On the laptop.
    gen = ROOT.RDataFrame("Events", FILES)
    local, local_file = analyse(gen, "local.root")
    print(f"local:   {describe(local)}")

    # On a cluster. The workers need flashsim of the same version, installed in their Python; the flow is found there,
    # or sent. Without an address, Dask starts the workers on this machine. On a batch system the client gets them from
    # the package dask-jobqueue, and all else stays:
    #
    #     cluster = dask_jobqueue.HTCondorCluster(cores=1, memory="2 GB", disk="1 GB")
    #     cluster = dask_jobqueue.SLURMCluster(queue="short", cores=1, memory="2 GB", walltime="02:00:00")
    #     cluster.scale(jobs=100)
    #     with Client(cluster) as client:
    #
    # With Spark, a context takes the place of the client:
    #
    #     with pyspark.SparkContext("spark://host:7077") as context:
    #         gen = ROOT.RDataFrame("Events", FILES, executor=context, npartitions=PARTITIONS)
    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:  # (2)
        # Each partition is a task. A few for each worker keep all of them busy until the end.
        gen = ROOT.RDataFrame("Events", FILES, executor=client, npartitions=PARTITIONS)  # (3)
        distributed, distributed_files = analyse(gen, "cluster.root")
        print(f"\ncluster: {describe(distributed)}")
        # Snapshot writes one file for each partition, in any order: cluster_0.root, ...
        events = reco_events(distributed_files)
    print(f"files: {', '.join(sorted(file.name for file in Path().glob('cluster_*.root')))}")

    # A RECO event depends on the seed, the flow and its GEN event alone: not on partitions, workers or their order. The
    # sums in a histogram differ by the order of the additions, hence by rounding.
    same = all(np.array_equal(column, events[name]) for name, column in reco_events(local_file).items())
    print(f"{len(events['ht'])} RECO events, the same bit for bit: {same}")
    for what, mine, theirs in (
        ("contents", local.values(), distributed.values()),
        ("covariance", local.covariance(), distributed.covariance()),
    ):
        print(f"largest difference of {what}, relative to the largest: {np.abs(mine - theirs).max() / mine.max():.0e}")
    compare(local, distributed)
