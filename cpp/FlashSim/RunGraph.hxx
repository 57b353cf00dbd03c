// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_RUNGRAPH
#define FLASHSIM_RUNGRAPH

#include <ROOT/RResultHandle.hxx>

namespace FlashSim {

/// \brief Runs the event loop of a result, unless it has run.
///
/// As RResultPtr::GetValue() would. This is a function without a template, which Python can call without holding its
/// global lock: a Dask worker whose lock is held during an event loop does not answer its scheduler any more.
void RunGraph(const ROOT::RDF::RResultHandle &result);

} // namespace FlashSim

#endif
