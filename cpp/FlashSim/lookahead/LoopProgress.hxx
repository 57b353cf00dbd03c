// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_LOOPPROGRESS
#define FLASHSIM_LOOPPROGRESS

#include <ROOT/RDataFrame.hxx>
#include <ROOT/RResultPtr.hxx>

#include <atomic>
#include <memory>

namespace FlashSim {

class LookAheadPosition;

/// \brief Progress of the next event loop of a dataframe, for another thread.
///
/// `ROOT::RDF::Experimental::AddProgressBar` prints; this class counts, for displays in Python.
///
/// *Laziness*: books a `Count` on the node. *Threads*: all but the constructor may be called while the loop runs.
///
/// ~~~{.cpp}
/// FlashSim::LoopProgress progress(sim);
/// auto loop = std::async([&] { return *histogram; });
/// while (!progress.HasEnded())
///    std::cout << progress.GetNDone() << " of " << progress.GetNTotal() << " GEN events\n";
/// ~~~
class LoopProgress {
public:
   /// \param[in] node of the dataframe, behind FlashSim or not
   explicit LoopProgress(ROOT::RDF::RNode node);

   /// Entries that the event loop has processed: RECO events behind FlashSim.
   ULong64_t GetNEvents() const;

   /// Finished entries of the dataset: GEN events behind FlashSim, else GetNEvents().
   ULong64_t GetNDone() const;

   /// Entries of the dataset, 0 as long as they are not known; behind FlashSim, before the first chunk.
   ULong64_t GetNTotal() const;

   /// \brief Counts GetNTotal() before the loop starts, unless the node is behind FlashSim. Opens the files.
   void FindTotal();

   /// Whether the event loop has ended, also by an error.
   bool HasEnded() const { return fCount.IsReady(); }

   /// Ends the event loop with a std::runtime_error at one of its next entries.
   void Stop();

private:
   struct State;

   ROOT::RDF::RNode fNode;
   const LookAheadPosition *fLookAhead = nullptr; // lives as long as the node
   ROOT::RDF::RResultPtr<ULong64_t> fCount;
   std::shared_ptr<State> fState; // the dataframe keeps the callback, and may live longer
   std::atomic<ULong64_t> fTotal{0};
};

} // namespace FlashSim

#endif
