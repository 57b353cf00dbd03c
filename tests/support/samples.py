"""Flattened samples to fill histograms from: rows of RECO events, in memory and in files of any layout."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import ROOT

from oracle import Expected, oversampled

ROOT.gInterpreter.Declare("""
#include <ROOT/RDataFrame.hxx>
#include <ROOT/REntry.hxx>
#include <ROOT/RField.hxx>
#include <ROOT/RNTupleModel.hxx>
#include <ROOT/RNTupleWriter.hxx>
#include <TFile.h>
#include <TTree.h>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace Samples {

struct Column {
   std::string fName, fLeafType, fFieldType;
   std::uintptr_t fData;
   std::size_t fSize;
   const char *At(Long64_t row) const { return reinterpret_cast<const char *>(fData) + row * fSize; }
};

void WriteTree(const std::string &path, std::vector<Column> &columns, const std::vector<Long64_t> &clusterEnds)
{
   TFile file(path.c_str(), "recreate");
   TTree tree("Events", "");
   tree.SetAutoFlush(0);
   std::vector<double> buffers(columns.size()); // wide enough for any number
   for (std::size_t i = 0; i < columns.size(); ++i)
      tree.Branch(columns[i].fName.c_str(), &buffers[i], (columns[i].fName + "/" + columns[i].fLeafType).c_str());
   Long64_t row = 0;
   for (const auto end : clusterEnds) {
      for (; row < end; ++row) {
         for (std::size_t i = 0; i < columns.size(); ++i)
            std::memcpy(&buffers[i], columns[i].At(row), columns[i].fSize);
         tree.Fill();
      }
      tree.FlushBaskets();
   }
   tree.Write();
}

void WriteNTuple(const std::string &path, std::vector<Column> &columns, const std::vector<Long64_t> &clusterEnds)
{
   auto model = ROOT::RNTupleModel::CreateBare();
   for (const auto &column : columns)
      model->AddField(ROOT::RFieldBase::Create(column.fName, column.fFieldType).Unwrap());
   auto writer = ROOT::RNTupleWriter::Recreate(std::move(model), "Events", path);
   auto entry = writer->GetModel().CreateBareEntry();
   Long64_t row = 0;
   for (const auto end : clusterEnds) {
      for (; row < end; ++row) {
         for (const auto &column : columns)
            entry->BindRawPtr(column.fName, const_cast<void *>(static_cast<const void *>(column.At(row))));
         writer->Fill(*entry);
      }
      writer->CommitCluster();
   }
}

/// Defines a collection of which row i has the values from offsets[i] to offsets[i + 1].
ROOT::RDF::RNode DefineCollection(ROOT::RDF::RNode node, const std::string &name, const std::vector<double> &values,
                                  const std::vector<std::size_t> &offsets)
{
   return node.Define(
      name,
      [values, offsets](ULong64_t row) {
         return ROOT::RVecD(values.begin() + offsets[row], values.begin() + offsets[row + 1]);
      },
      {"row"});
}

} // namespace Samples
""")

_TYPES = {
    "?": ("O", "bool"),
    "b": ("B", "std::int8_t"),
    "B": ("b", "std::uint8_t"),
    "h": ("S", "std::int16_t"),
    "H": ("s", "std::uint16_t"),
    "i": ("I", "std::int32_t"),
    "I": ("i", "std::uint32_t"),
    "l": ("L", "std::int64_t"),
    "L": ("l", "std::uint64_t"),
    "f": ("F", "float"),
    "d": ("D", "double"),
}

Rows = dict[str, np.ndarray]


def make_rows(n_gen: int = 200, seed: int = 1, fold_size: int | None = None) -> Rows:
    """RECO events around their GEN event in x, y and z, also beyond axes from 0 to 10; some weights are negative."""
    rng = np.random.default_rng(seed)
    n = np.full(n_gen, fold_size) if fold_size else rng.integers(1, 7, n_gen)
    gen = np.repeat(np.arange(n_gen), n)
    n_rows = len(gen)
    true = rng.uniform(-1, 11, (3, n_gen))
    rows = {
        "genEvent": (1_000_000_007 * np.arange(n_gen, dtype=np.uint64) % 1_000_003)[gen] + np.uint64(2**63),
        "foldSize": n[gen].astype(np.int32),
        "reco": np.arange(n_rows, dtype=np.uint64),
        "w": rng.normal(1, 1, n_gen)[gen] * rng.choice([1.0, 0.8], n_rows),
    }
    for name, of_axis in zip("xyz", true, strict=True):
        rows[name] = of_axis[gen] + rng.normal(0, 1.0, n_rows)
    return rows


def select(rows: Rows, keep) -> Rows:
    """The rows of a mask or in the order of an index."""
    return {name: np.ascontiguousarray(values[keep]) for name, values in rows.items()}


def together(*samples: Rows) -> Rows:
    """Samples of different GEN events as one."""
    shifted = [{**rows, "genEvent": rows["genEvent"] + np.uint64(2**32 * i)} for i, rows in enumerate(samples)]
    return {name: np.concatenate([rows[name] for rows in shifted]) for name in samples[0]}


def scaled(rows: Rows, factor: float) -> Rows:
    return {**rows, "w": factor * rows["w"]}


def expected(rows: Rows, names: str | Sequence[str], edges, *, weights: str | None = "w") -> Expected:
    """Expected histogram of the columns `names`, such as "xy" with edges of two axes."""
    values = [rows[name] for name in names]
    w = rows[weights] if weights else np.ones(len(values[0]))
    one_axis = np.ndim(edges[0]) == 0
    return oversampled(rows["genEvent"], rows["reco"], rows["foldSize"], values[0] if one_axis else values, w, edges)


def write(path: Path, rows: Rows, *, ntuple: bool = False, cluster_ends: Sequence[int] | int | None = None) -> str:
    """Writes the rows as the dataset Events. Clusters end at the given rows, or all have this many rows."""
    n_rows = len(next(iter(rows.values())))
    if cluster_ends is None or isinstance(cluster_ends, int):
        cluster_ends = list(range(cluster_ends or n_rows, n_rows, cluster_ends or n_rows))
    ends = ROOT.std.vector["Long64_t"]([int(end) for end in (*cluster_ends, n_rows)])
    rows = {name: np.ascontiguousarray(values) for name, values in rows.items()}
    columns = ROOT.std.vector["Samples::Column"]()
    for name, values in rows.items():
        columns.push_back(ROOT.Samples.Column(name, *_TYPES[values.dtype.char], values.ctypes.data, values.itemsize))
    (ROOT.Samples.WriteNTuple if ntuple else ROOT.Samples.WriteTree)(str(path), columns, ends)
    return str(path)


def write_files(folder: Path, rows: Rows, *, files: int, ntuple: bool = False, cluster: int | None = None) -> list[str]:
    """The rows cut into files with no regard to GEN events."""
    cuts = np.array_split(np.arange(len(rows["x"])), files)
    return [
        write(folder / f"part{i}.root", select(rows, part), ntuple=ntuple, cluster_ends=cluster)
        for i, part in enumerate(cuts)
    ]


def define_collection(node, name: str, values, sizes):
    """A column of collections; the dataframe has a column `row`, the number of the row."""
    offsets = np.r_[0, np.cumsum(sizes)]
    return ROOT.Samples.DefineCollection(
        ROOT.RDF.AsRNode(node), name, ROOT.std.vector["double"](values), ROOT.std.vector["std::size_t"](offsets)
    )


@contextmanager
def implicit_multi_threading(threads: int = 2):
    """Threads of ROOT for a part of a test; one thread means no multi-threading."""
    if threads > 1:
        ROOT.EnableImplicitMT(threads)
    try:
        yield
    finally:
        ROOT.DisableImplicitMT()
