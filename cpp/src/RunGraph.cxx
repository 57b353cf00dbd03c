// Part of FlashSim for RDataFrame.
#include "FlashSim/RunGraph.hxx"

#include <ROOT/RDFHelpers.hxx>

namespace FlashSim {

void RunGraph(const ROOT::RDF::RResultHandle &result)
{
   if (!result.IsReady())
      ROOT::RDF::RunGraphs({result});
}

} // namespace FlashSim
