// Part of FlashSim for RDataFrame.
#include "FlashSim/lookahead/detail/UpstreamUse.hxx"

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

namespace FlashSim {
namespace {

/// Guards the uses of all graphs, each in the order in which they have begun.
std::mutex gMutex;

std::map<RootInternals::Graph, std::vector<UpstreamUse *>> &GetUses()
{
   static std::map<RootInternals::Graph, std::vector<UpstreamUse *>> uses;
   return uses;
}

} // namespace

UpstreamInUse::UpstreamInUse()
   : std::runtime_error(
         "FlashSim: a result was asked for while the dataframe that FlashSim was called on was in use by another event "
         "loop, as in a callback of OnPartialResult. FlashSim runs that dataframe itself, and cannot at the same time. "
         "Ask for the result before the other event loop starts, or when it has ended.")
{
}

UpstreamUse::UpstreamUse(const ROOT::RDF::RNode &node) : fGraph(RootInternals::GetGraph(node))
{
   const std::lock_guard<std::mutex> lock(gMutex);
   auto &uses = GetUses()[fGraph];
   if (std::any_of(uses.begin(), uses.end(), [](const auto *use) { return use->fNRuns > 0; }) ||
       RootInternals::IsRunning(node))
      throw UpstreamInUse();
   uses.push_back(this);
}

UpstreamUse::~UpstreamUse()
{
   const std::lock_guard<std::mutex> lock(gMutex);
   const auto found = GetUses().find(fGraph);
   auto &uses = found->second;
   uses.erase(std::find(uses.begin(), uses.end(), this));
   if (uses.empty())
      GetUses().erase(found);
}

UpstreamUse::Run::Run(UpstreamUse &use) : fUse(use)
{
   const std::lock_guard<std::mutex> lock(gMutex);
   if (GetUses()[fUse.fGraph].back() != &fUse)
      throw UpstreamInUse();
   ++fUse.fNRuns;
}

UpstreamUse::Run::~Run()
{
   const std::lock_guard<std::mutex> lock(gMutex);
   --fUse.fNRuns;
}

} // namespace FlashSim
