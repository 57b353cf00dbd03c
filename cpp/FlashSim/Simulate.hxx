// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_SIMULATE
#define FLASHSIM_SIMULATE

#include "FlashSim/Flow.hxx"
#include "FlashSim/flow/DeclaredRanges.hxx"

#include <ROOT/RDataFrame.hxx>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace FlashSim {

/// Options of a single flow.
struct FlowOptions {
   /// Sources of context variables: a column, an RDataFrame expression or a number, by variable.
   std::map<std::string, std::string> fContext;
   int fSteps = 0;      ///< ODE steps; 0: the flow's default
   std::string fPrefix; ///< put before the names of its RECO columns
};

/// Options of the simulation. The defaults give one RECO event for each GEN event.
struct SimulateOptions {
   int fFoldSize = 1;       ///< RECO events per GEN event, at least 1
   std::uint64_t fSeed = 0; ///< another seed gives other RECO events
   int fSteps = 0;          ///< ODE steps of the continuous flows; 0: each flow's default
   std::string fPrefix;     ///< put before the names of the RECO columns: "Flash" gives FlashJet_pt and nFlashJet
   /// \brief Sources of context variables, if not the column <source>_<variable>.
   ///
   /// A column, an RDataFrame expression or a number. The key is the variable's name, or "<flow>.<variable>", which is
   /// needed where several flows have a variable of that name.
   std::map<std::string, std::string> fContext;
   /// \brief Options of single flows, by name.
   ///
   /// An option is given for all flows (fSteps, fPrefix) or for single ones, not in both ways. With a prefix for one of
   /// them, two flows may make the same collection.
   std::map<std::string, FlowOptions> fFlows;
   /// Treatment of context and sample values that a flow's contract does not allow. Clipped values are counted, see
   /// Flow::GetClipCounts(), and their number is printed at the end of the event loop.
   EOutOfRange fOutOfRange = EOutOfRange::kError;
   /// Hides the dataframe's collections that have the names of the flows' collections: nJet, Jet_..., and indices into
   /// them such as Muon_jetIdx. For Simulate() alone.
   bool fReplace = false;
   std::uint64_t fChunkSize = 0; ///< see FoldSourceOptions; no influence on the result
   std::size_t fBlockSize = 0;   ///< see FoldSourceOptions; 0: its default; no influence on the result
   std::map<std::string, std::uint64_t> fFirstEntries; ///< see FoldSourceOptions; for parts of a dataset
   /// DefineFolds() only: whether all files of the dataset are checked for the columns that identify events, at once.
   bool fCheckFiles = true;
};

/// \brief Simulates RECO events from the GEN events of a dataframe: N entries for each of its events, N the fold size.
///
/// For each flow the resulting dataframe has the columns, with C the flow's collection and S its source:
///
/// | column | type | meaning |
/// | --- | --- | --- |
/// | `nC` | `int` | number of objects |
/// | `C_<target>` | `RVec` of the target's type | a value for each object, sorted as the flow says (jets: by pt) |
/// | `C_<S>Idx` | `RVec<short>` | index of its GEN object, e.g. Jet_genJetIdx |
///
/// or, for a flow of events (FlowContract::fLevel), `C_<target>` alone, a number of the target's type; and, beside all
/// upstream columns, `foldIndex`, `genEvent` and `foldSize` (see FoldSource).
///
/// *Random numbers* depend on the seed, the flow's name and the identity of the GEN event alone: (run, luminosityBlock,
/// event) when the dataset has these columns as integers, else the entry number. A RECO event is the same bit for bit
/// in any file, order, partition and number of threads. Two events of one identity get the same noise.
///
/// *Laziness*: lazy; a flow runs only if one of its columns is read. *Threads*: slots sample in parallel.
///
/// *Stages*: on a node whose entries are RECO events already (the result of Simulate(), with any Define and Filter
/// behind it, or a file of it), each of them gets the objects of these flows, conditioned on its own columns. The
/// folds, `genEvent`, `foldIndex` and `foldSize`, stay those of the first stage, and so does fFoldSize: leave it 1.
///
/// \param[in] node any dataframe node
/// \param[in] flows no two with the same name, or with the same collection and prefix
/// \param[in] options fold size, seed, sources of the context and others
/// \return a dataframe whose entries are RECO events
/// \throws std::runtime_error naming the column, flow or option that does not fit. During the event loop: collections
///         of different length, NaN or infinity in the context, samples that stay NaN, context or samples out of range,
///         files of which only some have the columns that identify an event.
///
/// ~~~{.cpp}
/// auto flow = std::make_shared<FlashSim::Flow>("jets.onnx");
/// FlashSim::SimulateOptions options;
/// options.fFoldSize = 10;
/// auto sim = FlashSim::Simulate(ROOT::RDataFrame("Events", "gen.root").Filter("nGenJet >= 2"), {flow}, options);
/// auto pt = sim.Filter("nJet >= 2").Histo1D("Jet_pt");
/// ~~~
ROOT::RDF::RNode Simulate(ROOT::RDF::RNode node, const std::vector<std::shared_ptr<const Flow>> &flows,
                          const SimulateOptions &options = {});

/// Simulate() with one flow: an ONNX file, or the name of a shipped one such as "jets" (see FindFlow()).
ROOT::RDF::RNode Simulate(ROOT::RDF::RNode node, const std::string &flow, const SimulateOptions &options = {});

/// \brief Adds N RECO samples of each GEN event to the same entry, without look-ahead: the inline mode.
///
/// For graphs that must stay one graph. The new columns are `nC` (`int`, per RECO event) and, indexed
/// [fold index][object], `C_<target>` (`RVec<RVec<T>>`) and `C_<S>Idx` (`RVec<RVec<short>>`); for a flow of events,
/// indexed [fold index], `C_<target>` (`RVec<T>`). Where entries are RECO events already, the samples are their own.
/// The flow is run for one event at a time, which costs several times more per object than Simulate() unless N is
/// large. The RECO events equal those of Simulate() bit for bit.
///
/// \throws std::runtime_error as Simulate(), and if the dataset has no (run, luminosityBlock, event) while ROOT runs
///         several threads, since entries then have no lasting number (root-project/root #12190). Files that
///         differ in these columns are found at once: all files are opened, if there are several.
///
/// ~~~{.cpp}
/// auto node = FlashSim::DefineFolds(ROOT::RDataFrame("Events", "gen.root"), flow, options);
/// auto leading = node.Define("leading", "Map(Jet_pt, [](const auto &pt) { return pt.empty() ? 0.f : pt[0]; })");
/// ~~~
ROOT::RDF::RNode DefineFolds(ROOT::RDF::RNode node, std::shared_ptr<const Flow> flow,
                             const SimulateOptions &options = {});

} // namespace FlashSim

#endif
