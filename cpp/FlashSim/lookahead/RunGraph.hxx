// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_RUNGRAPH
#define FLASHSIM_RUNGRAPH

#include <ROOT/RDataFrame.hxx>
#include <ROOT/RResultHandle.hxx>

#include <vector>

namespace FlashSim {

/// \brief Runs the event loop of a result, unless it has run.
///
/// As RResultPtr::GetValue() would. This is a function without a template, which Python can call without holding its
/// global lock: a Dask worker whose lock is held during an event loop does not answer its scheduler any more.
void RunGraph(const ROOT::RDF::RResultHandle &result);

/// \brief ROOT::RDF::RunGraphs for any graphs, those that look ahead on one another or on the same graph included.
/// \param[in] results of any graphs
/// \return the number of event loops that were run
///
/// An event loop of FlashSim runs the graph that it was made from, chunk by chunk, and no graph can run twice at the same
/// time. Hence results of that graph itself are filled first, and event loops that need the same graph follow one
/// another. All others run at the same time, as ROOT has them. ROOT::RDF::RunGraphs itself refuses FlashSim's results if
/// ROOT uses several threads.
///
/// ~~~{.cpp}
/// auto sim = FlashSim::Simulate(gen, "jets.onnx");
/// auto pt = sim.Histo1D("Jet_pt");
/// auto genPt = gen.Histo1D("GenJet_pt");
/// FlashSim::RunGraphs({pt, genPt});
/// ~~~
unsigned int RunGraphs(const std::vector<ROOT::RDF::RResultHandle> &results);

/// Whether RunGraphs() is at work.
bool AreGraphsOrdered();

/// Whether a result that has not run yet is booked on the node's own graph, of which a look-ahead's is none.
bool IsAnythingBooked(const ROOT::RDF::RNode &node);

} // namespace FlashSim

#endif
