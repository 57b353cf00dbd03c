// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_UPSTREAMUSE
#define FLASHSIM_UPSTREAMUSE

#include "FlashSim/lookahead/RootInternals.hxx"

#include <stdexcept>

namespace FlashSim {

/// The graph to look ahead on runs already.
class UpstreamInUse : public std::runtime_error {
public:
   UpstreamInUse();
};

/// \brief A look-ahead's claim on the graph that it looks ahead on, from the start of its event loop to the end.
///
/// Several may live at once, one inside the other: a callback of the outer event loop, called between two chunks, asks
/// for a result of another look-ahead on the same graph, which is done before the outer one goes on. What is not
/// nested would run a graph twice at the same time, and is refused. All methods may be called in any thread.
class UpstreamUse {
public:
   /// \throws UpstreamInUse if the graph is running
   explicit UpstreamUse(const ROOT::RDF::RNode &node);
   ~UpstreamUse();
   UpstreamUse(const UpstreamUse &) = delete;
   UpstreamUse &operator=(const UpstreamUse &) = delete;

   /// The graph runs as long as this lives.
   class Run {
   public:
      /// \throws UpstreamInUse if another event loop that has begun later is not over
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
