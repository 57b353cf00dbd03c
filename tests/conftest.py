from __future__ import annotations

import os
import shutil
import sys

import pytest
import ROOT
from hypothesis import settings

import flashsim
import tiny_flows
from gen_events import GEN_COLUMNS, snapshot
from histories import HISTORIES, after_add, after_file, filled

ROOT.gROOT.SetBatch(True)

# For classifiers and networks as small as those of tests, threads of OpenMP do little but wait for each other, and keep
# the cores busy by that: a fit of 0.3 s takes half a minute if others work, too. Read by scikit-learn and torch, later.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A first example compiles for seconds. In CI the same examples each time: a failure comes from the change, not chance.
settings.register_profile("flashsim", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("flashsim")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Marks tests that run on a cluster, before the selection by marks."""
    for item in items:
        if {"dask_client", "spark_context"} & set(item.fixturenames):
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(params=[1, 2], ids=["1 thread", "2 threads"])
def threads(request):
    """Runs a test with implicit multi-threading off and on."""
    if request.param > 1:
        ROOT.EnableImplicitMT(request.param)
    yield request.param
    ROOT.DisableImplicitMT()


@pytest.fixture
def two_threads():
    ROOT.EnableImplicitMT(2)
    yield
    ROOT.DisableImplicitMT()


@pytest.fixture
def no_directory():
    """Histograms belong to Python."""
    ROOT.TH1.AddDirectory(False)
    yield
    ROOT.TH1.AddDirectory(True)


def _history(history):
    usual = history in (filled, after_add, after_file)
    return pytest.param(history, id=history.__name__, marks=[] if usual else [pytest.mark.slow])


@pytest.fixture(params=[_history(history) for history in HISTORIES])
def prepare(request, tmp_path):
    """A function from the names of the axes to a histogram of some history, and the fills that it stands for."""
    return lambda names: request.param(names, tmp_path)


@pytest.fixture(scope="session")
def gen_files(tmp_path_factory) -> dict[str, list[str]]:
    """The first 240 shipped ttbar events: a TTree in clusters of 50, two TTrees to be chained, and an RNTuple."""
    folder = tmp_path_factory.mktemp("gen")
    source = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root")).Range(240)
    tree = snapshot(source, folder / "tree.root", GEN_COLUMNS, cluster=50)
    whole = ROOT.RDataFrame("Events", tree)
    # Not alphabetical: the order of the chain is the user's.
    first = snapshot(whole.Range(0, 110), folder / "z.root", GEN_COLUMNS, cluster=40)
    second = snapshot(whole.Range(110, 240), folder / "a.root", GEN_COLUMNS, cluster=40)
    ntuple = snapshot(whole, folder / "ntuple.root", GEN_COLUMNS, ntuple=True)
    return {"TTree": [tree], "TChain": [first, second], "RNTuple": [ntuple]}


@pytest.fixture(params=["TTree", pytest.param("TChain", marks=pytest.mark.slow), "RNTuple"])
def gen_dataset(request, gen_files) -> list[str]:
    """Files of one dataset in each of the formats; the same 240 events in the same order."""
    return gen_files[request.param]


@pytest.fixture(
    params=["TTree", *(pytest.param(name, marks=pytest.mark.slow) for name in ("TChain", "RNTuple"))],
)
def gen_dataset_or_tree(request, gen_files) -> list[str]:
    """As `gen_dataset`; the quick tests take the TTree alone."""
    return gen_files[request.param]


@pytest.fixture(scope="session")
def tiny_flow(tmp_path_factory) -> str:
    """A flow that takes pt and eta, and gives pt smeared by the noise, a count and a flag: exact and fast."""
    return tiny_flows.write_smearing_flow(tmp_path_factory.mktemp("flows") / "tiny.onnx")


@pytest.fixture(scope="session")
def dask_client():
    """A cluster of two worker processes."""
    distributed = pytest.importorskip("dask.distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="session")
def spark_context():
    """Spark in this machine, with two worker processes."""
    pyspark = pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    configuration = pyspark.SparkConf().set("spark.ui.enabled", "false").set("spark.ui.showConsoleProgress", "false")
    with pyspark.SparkContext("local[2]", conf=configuration) as context:
        context.setLogLevel("OFF")
        yield context
