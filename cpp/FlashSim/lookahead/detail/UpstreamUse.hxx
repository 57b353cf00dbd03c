// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_UPSTREAMUSE
#define FLASHSIM_UPSTREAMUSE

#include "FlashSim/lookahead/RootInternals.hxx"

#include <stdexcept>

namespace FlashSim {

/// The upstream graph is running already.
class UpstreamInUse : public std::runtime_error {
public:
   UpstreamInUse();
};

/// \brief Use of an upstream graph by a look-ahead, from the start of its event loop to the end.
///
/// Uses may be nested: a callback of the outer event loop, called between two chunks, asks for a result of another
/// look-ahead on the same graph, and its loop ends before the outer one continues. Other combinations would run a graph
/// twice at the same time, and are refused. All methods may be called in any thread.
class UpstreamUse {
public:
   /// \throws UpstreamInUse if the graph is running
   explicit UpstreamUse(const ROOT::RDF::RNode &node);
   ~UpstreamUse();
   UpstreamUse(const UpstreamUse &) = delete;
   UpstreamUse &operator=(const UpstreamUse &) = delete;

   /// The graph runs during the lifetime of this object.
   class Run {
   public:
      /// \throws UpstreamInUse if an event loop that began later has not ended
      explicit Run(UpstreamUse &use);
      ~Run();
      Run(const Run &) = delete;
      Run &operator=(const Run &) = delete;

   private:
      UpstreamUse &fUse;
   };

private:
   RootInternals::Graph fGraph;
   int fNRuns = 0;
};

} // namespace FlashSim

#endif
