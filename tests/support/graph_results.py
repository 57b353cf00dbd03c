"""Results of RDataFrame graphs, of every kind: their booking, and their content as plain numbers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import ROOT

import flashsim  # noqa: F401

ROOT.gInterpreter.Declare("""
#include <ROOT/RDF/RActionImpl.hxx>
#include <ROOT/RDataFrame.hxx>
#include <THnBase.h>
#include <memory>
#include <string>
#include <vector>

namespace GraphResults {

/// An action of a user's own.
template <typename T>
class Collect : public ROOT::Detail::RDF::RActionImpl<Collect<T>> {
public:
   using Result_t = std::vector<T>;
   explicit Collect(unsigned int nSlots) : fSlots(nSlots), fResult(std::make_shared<Result_t>()) {}
   Collect(Collect &&) = default;
   std::shared_ptr<Result_t> GetResultPtr() const { return fResult; }
   std::string GetActionName() const { return "Collect"; }
   void Initialize() {}
   void InitTask(TTreeReader *, unsigned int) {}
   void Exec(unsigned int slot, const T &value) { fSlots[slot].push_back(value); }
   void Finalize()
   {
      for (const auto &values : fSlots)
         fResult->insert(fResult->end(), values.begin(), values.end());
   }

private:
   std::vector<Result_t> fSlots;
   std::shared_ptr<Result_t> fResult;
};

using ROOT::RDF::RNode;
using ROOT::RDF::RResultPtr;
RResultPtr<std::vector<float>> BookCollect(RNode node, const std::string &column)
{
   return node.Book<float>(Collect<float>(node.GetNSlots()), {column});
}
RResultPtr<double> BookMean(RNode node, const std::string &column) { return node.Mean<float>(column); }
RResultPtr<int> BookReduce(RNode node, const std::string &column)
{
   return node.Reduce([](int a, int b) { return a + b; }, column, 0);
}
RResultPtr<double> BookAggregate(RNode node, const std::string &column)
{
   return node.Aggregate([](double sum, float value) { return sum + value; }, [](double a, double b) { return a + b; },
                         column, 0.);
}

std::vector<double> GetContents(const THnBase &histogram)
{
   std::vector<double> contents;
   for (Long64_t i = 0; i < histogram.GetNbins(); ++i)
      contents.push_back(histogram.GetBinContent(i));
   return contents;
}

} // namespace GraphResults
""")

INTEGER, NUMBER, COLLECTION = "integer", "number", "collection"
"""Kinds of columns: Int_t, Float_t, ROOT::RVecF."""


@dataclass(frozen=True)
class Kind:
    """A kind of result: `book(node, column)` gives a handle, `get(handle)` its content."""

    book: Callable[[Any, str], Any]
    get: Callable[[Any], Any]
    takes: tuple[str, ...] = (INTEGER, NUMBER)
    """Possible kinds of its column; () for a result without a column, or one that needs variations."""
    is_compiled: bool = False
    """Whether RDataFrame has nothing to compile just in time, if the column is not defined by an expression."""
    keeps_order: bool = False
    """Whether it holds rows, whose order several threads change."""
    needs_one_thread: bool = False
    needs_variations: bool = False
    stops_the_loop: bool = False
    """Whether it asks RDataFrame to stop the loop; ROOT 6.40 counts it twice behind a Range, which asks too, and ends
    the loop for others as well."""


def _number(handle) -> float | int:
    return handle.GetValue()


def _statistic(handle) -> list:
    statistic = handle.GetValue()
    return [statistic.GetN(), statistic.GetMean(), statistic.GetRMS(), statistic.GetMin(), statistic.GetMax()]


def _histogram(handle) -> dict:
    histogram = handle.GetValue()
    cells = range(histogram.GetNcells())
    return {
        "entries": histogram.GetEntries(),
        "contents": np.array([histogram.GetBinContent(i) for i in cells]),
        "errors": np.array([histogram.GetBinError(i) for i in cells]),
        "mean": histogram.GetMean(),
    }


def _sparse(handle) -> dict:
    histogram = handle.GetValue()
    return {"entries": histogram.GetEntries(), "contents": np.array(ROOT.GraphResults.GetContents(histogram))}


def _graph(handle) -> np.ndarray:
    graph = handle.GetValue()
    return np.array([[graph.GetPointX(i), graph.GetPointY(i)] for i in range(graph.GetN())]).reshape(-1, 2)


def _rows(handle) -> np.ndarray:
    return np.asarray(list(handle.GetValue()), dtype=float)


def _report(handle) -> dict:
    return {str(cut.GetName()): (int(cut.GetPass()), int(cut.GetAll())) for cut in handle.GetValue()}


def _collections(handle) -> list:
    (values,) = handle.GetValue().values()
    return [np.array(value, dtype=float) for value in values]


def _displayed(handle) -> list[str]:
    lines = str(handle.GetValue().AsString()).splitlines()
    return [line.split("|", 2)[2] for line in lines if line.startswith("|")]  # without the number of the row


def _varied(get: Callable) -> Callable:
    def values(handle):
        # A variation is taken out one at a time: `get` asks a handle for its value.
        class One:
            def __init__(self, name):
                self.name = name

            def GetValue(self):
                return handle[self.name]

        return {str(name): get(One(name)) for name in handle.GetKeys()}

    return values


def _book_snapshot(ntuple: bool) -> Callable:
    def book(node, column):
        path = next(_paths)
        options = ROOT.RDF.RSnapshotOptions()
        options.fOutputFormat = getattr(ROOT.RDF.ESnapshotOutputFormat, "kRNTuple" if ntuple else "kTTree")
        options.fLazy = True
        return path, node.Snapshot("Events", str(path), [column], options)

    return book


def _written(handle) -> np.ndarray:
    path, result = handle
    result.GetValue()
    rows = ROOT.RDataFrame("Events", str(path))
    (values,) = rows.AsNumpy().values()
    return np.asarray(values, dtype=float)


_paths = (Path(f"snapshot{i}.root") for i in itertools.count())  # in the working folder

_AXIS = (12, -3.0, 57.0)
_vary = ROOT.RDF.Experimental.VariationsFor


def _oversampled(node, column):
    model = ("oversampled", "", *_AXIS)
    if node.HasColumn("foldIndex"):
        return node.OversampledTH1D(model, column, "genWeight")
    return node.OversampledTH1D(model, column, "genWeight", event="event", fold_size=1)


KINDS = {
    "Count": Kind(lambda node, _: node.Count(), _number, (), is_compiled=True),
    "Report": Kind(lambda node, _: node.Report(), _report, (), is_compiled=True),
    "Sum": Kind(lambda node, x: node.Sum(x), _number),
    "Min": Kind(lambda node, x: node.Min(x), _number),
    "Max": Kind(lambda node, x: node.Max(x), _number),
    "Mean": Kind(lambda node, x: node.Mean(x), _number, (NUMBER, COLLECTION)),
    "compiled Mean": Kind(lambda node, x: ROOT.GraphResults.BookMean(_as_node(node), x), _number, (NUMBER,), True),
    "StdDev": Kind(lambda node, x: node.StdDev(x), _number, (NUMBER,)),
    "Stats": Kind(lambda node, x: node.Stats(x), _statistic, (NUMBER,)),
    "Histo1D": Kind(lambda node, x: node.Histo1D(("h", "", *_AXIS), x), _histogram, (NUMBER, COLLECTION)),
    "weighted Histo1D": Kind(lambda node, x: node.Histo1D(("h", "", *_AXIS), x, "genWeight"), _histogram, (NUMBER,)),
    "Histo2D": Kind(lambda node, x: node.Histo2D(("h", "", *_AXIS, 4, 0, 8), x, "quality"), _histogram, (NUMBER,)),
    "Profile1D": Kind(lambda node, x: node.Profile1D(("h", "", *_AXIS), x, "quality"), _histogram, (NUMBER,)),
    "Graph": Kind(lambda node, x: node.Graph("genWeight", x), _graph, (NUMBER,), keeps_order=True),
    "HistoND": Kind(
        lambda node, x: node.HistoND(("h", "", 2, [12, 4], [-3.0, 0.0], [57.0, 8.0]), [x, "quality"]),
        _sparse, (NUMBER,)),
    "Take": Kind(lambda node, x: node.Take["float"](x), _rows, (NUMBER,), True, True),
    "AsNumpy": Kind(lambda node, x: node.AsNumpy([x], lazy=True), _collections, (COLLECTION,), True, True),
    "Display": Kind(lambda node, x: node.Display([x], 4), _displayed, needs_one_thread=True, stops_the_loop=True),
    "Snapshot to a TTree": Kind(_book_snapshot(False), _written, (NUMBER,), True, True),
    "Snapshot to an RNTuple": Kind(_book_snapshot(True), _written, (NUMBER,), True, True),
    "Reduce": Kind(lambda node, x: ROOT.GraphResults.BookReduce(_as_node(node), x), _number, (INTEGER,), True),
    "Aggregate": Kind(lambda node, x: ROOT.GraphResults.BookAggregate(_as_node(node), x), _number, (NUMBER,), True),
    "Book": Kind(lambda node, x: ROOT.GraphResults.BookCollect(_as_node(node), x), _rows, (NUMBER,), True, True),
    "OversampledTH1D": Kind(_oversampled, _histogram, (NUMBER,)),
    "varied Sum": Kind(lambda node, x: _vary(node.Sum(x)), _varied(_number), (NUMBER,), needs_variations=True),
    "varied Histo1D": Kind(lambda node, x: _vary(node.Histo1D(("h", "", *_AXIS), x)), _varied(_histogram),
                           (NUMBER, COLLECTION), needs_variations=True),
}  # fmt: skip


def _as_node(node):
    return ROOT.RDF.AsRNode(node)


def value_of(kind: str, handle, *, threads: int) -> Any:
    """Content of the result, after its event loop; rows in ascending order if several threads made them."""
    value = KINDS[kind].get(handle)
    if threads > 1 and KINDS[kind].keeps_order:
        value = sorted(map(list, value)) if np.ndim(value[0] if len(value) else 0) else np.sort(value)
    return value


def check_equal(value, expected, *, threads: int, label: str) -> None:
    """Integers and texts are the same; sums of floats to rounding, which the order of the threads changes."""
    if isinstance(expected, dict):
        assert value.keys() == expected.keys(), label
        for name, part in expected.items():
            check_equal(value[name], part, threads=threads, label=f"{label}, {name}")
    elif isinstance(expected, (list, tuple)):
        assert len(value) == len(expected), label
        for i, part in enumerate(expected):
            check_equal(value[i], part, threads=threads, label=f"{label}, {i}")
    elif isinstance(expected, (int, str)):
        assert value == expected, label
    else:
        np.testing.assert_allclose(value, expected, rtol=1e-9 if threads > 1 else 1e-12, atol=1e-12, err_msg=label)
