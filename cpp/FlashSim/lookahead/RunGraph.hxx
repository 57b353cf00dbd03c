// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_RUNGRAPH
#define FLASHSIM_RUNGRAPH

#include <ROOT/RDataFrame.hxx>
#include <ROOT/RResultHandle.hxx>

#include <vector>

namespace FlashSim {

/// \brief Runs the event loop of a result, unless it has run.
///
/// As RResultPtr::GetValue(), but not a template: Python can call it without holding its global lock. A Dask worker
/// that holds the lock during an event loop does not answer its scheduler.
void RunGraph(const ROOT::RDF::RResultHandle &result);

/// \brief ROOT::RDF::RunGraphs for any graphs, those that look ahead on one another or on the same graph included.
/// \param[in] results of any graphs
/// \return the number of event loops that were run
///
/// An event loop of FlashSim runs its upstream graph, chunk by chunk, and no graph can run twice at the same time.
/// Hence results of the upstream graph itself are filled first, and event loops that need the same graph run one after
/// the other. All others run at the same time, as in ROOT. ROOT::RDF::RunGraphs itself fails for FlashSim's results if
/// ROOT uses several threads.
///
/// ~~~{.cpp}
/// auto sim = FlashSim::Simulate(gen, "jets.onnx");
/// auto pt = sim.Histo1D("Jet_pt");
/// auto genPt = gen.Histo1D("GenJet_pt");
/// FlashSim::RunGraphs({pt, genPt});
/// ~~~
unsigned int RunGraphs(const std::vector<ROOT::RDF::RResultHandle> &results);

/// Whether RunGraphs() is running.
bool AreGraphsOrdered();

/// Whether a result of the node's own graph has not run yet. Results behind a look-ahead belong to another graph.
bool IsAnythingBooked(const ROOT::RDF::RNode &node);

} // namespace FlashSim

#endif
