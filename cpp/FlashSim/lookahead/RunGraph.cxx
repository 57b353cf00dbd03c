// Part of FlashSim for RDataFrame.
#include "FlashSim/lookahead/RunGraph.hxx"

#include "FlashSim/lookahead/RootInternals.hxx"

#include "FlashSim/lookahead/FoldSource.hxx"

#include <ROOT/RDFHelpers.hxx>

#include <algorithm>
#include <atomic>
#include <set>

namespace FlashSim {
namespace {

using RootInternals::Graph;

std::atomic<int> gNOrderedRuns{0};

struct OrderedRun {
   OrderedRun() { ++gNOrderedRuns; }
   ~OrderedRun() { --gNOrderedRuns; }
};

/// An event loop to be run, and the graphs that it runs: its own, and its upstream graphs.
struct EventLoop {
   ROOT::RDF::RResultHandle fResult;
   Graph fGraph;
   std::set<Graph> fUpstream;

   explicit EventLoop(const ROOT::RDF::RResultHandle &result) : fResult(result), fGraph(RootInternals::GetGraph(result))
   {
      const auto *upstream = FoldSource::GetUpstream(RootInternals::GetDataSource(fGraph));
      while (upstream != nullptr) {
         const auto graph = RootInternals::GetGraph(*upstream);
         fUpstream.insert(graph);
         upstream = FoldSource::GetUpstream(RootInternals::GetDataSource(graph));
      }
   }

   bool Uses(Graph graph) const { return graph == fGraph || fUpstream.count(graph) != 0; }
};

/// Takes event loops out of `waiting` that may run at the same time and need none of the remaining ones.
std::vector<ROOT::RDF::RResultHandle> TakeNextLoops(std::vector<EventLoop> &waiting)
{
   std::set<Graph> inUse;
   std::vector<ROOT::RDF::RResultHandle> next;
   std::vector<EventLoop> rest;
   for (const auto &loop : waiting) {
      const bool mustWait =
          inUse.count(loop.fGraph) != 0 || std::any_of(loop.fUpstream.begin(), loop.fUpstream.end(), [&](Graph graph) {
             return inUse.count(graph) != 0 || std::any_of(waiting.begin(), waiting.end(), [graph](const auto &other) {
                       return other.fGraph == graph;
                    });
          });
      if (mustWait) {
         rest.push_back(loop);
         continue;
      }
      inUse.insert(loop.fGraph);
      inUse.insert(loop.fUpstream.begin(), loop.fUpstream.end());
      next.push_back(loop.fResult);
   }
   waiting = std::move(rest);
   return next;
}

} // namespace

void RunGraph(const ROOT::RDF::RResultHandle &result)
{
   if (!result.IsReady())
      RunGraphs({result});
}

unsigned int RunGraphs(const std::vector<ROOT::RDF::RResultHandle> &results)
{
   std::vector<EventLoop> waiting;
   bool looksAhead = false;
   for (const auto &result : results) {
      const bool isKnown =
          result == ROOT::RDF::RResultHandle{} ||
          std::any_of(waiting.begin(), waiting.end(),
                      [graph = RootInternals::GetGraph(result)](const auto &loop) { return loop.fGraph == graph; });
      if (isKnown || result.IsReady())
         continue;
      waiting.emplace_back(result);
      looksAhead = looksAhead || !waiting.back().fUpstream.empty();
   }
   if (!looksAhead)
      return ROOT::RDF::RunGraphs(results); // with its own warnings
   const OrderedRun ordered;
   unsigned int nLoops = 0;
   while (!waiting.empty())
      nLoops += ROOT::RDF::RunGraphs(TakeNextLoops(waiting));
   return nLoops;
}

bool AreGraphsOrdered()
{
   return gNOrderedRuns > 0;
}

bool IsAnythingBooked(const ROOT::RDF::RNode &node)
{
   return RootInternals::HasPendingActions(node);
}

} // namespace FlashSim
