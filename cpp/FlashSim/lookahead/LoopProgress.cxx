// Part of FlashSim for RDataFrame.
#include "FlashSim/lookahead/LoopProgress.hxx"

#include "FlashSim/lookahead/FoldSource.hxx"
#include "FlashSim/lookahead/LookAheadPosition.hxx"
#include "FlashSim/lookahead/RootInternals.hxx"

#include <stdexcept>
#include <vector>

namespace FlashSim {

struct LoopProgress::State {
   struct alignas(64) Counter { // a cache line for each slot
      std::atomic<ULong64_t> fEvents{0};
   };
   explicit State(unsigned int nSlots) : fCounters(nSlots) {}

   std::vector<Counter> fCounters;
   std::atomic<bool> fIsStopped{false};
};

LoopProgress::LoopProgress(ROOT::RDF::RNode node)
   : fNode(std::move(node)), fCount(fNode.Count()), fState(std::make_shared<State>(RootInternals::GetNSlots(fNode)))
{
   if (const auto *source = dynamic_cast<const FoldSource *>(RootInternals::GetDataSource(fNode)))
      fLookAhead = &source->GetPosition();
   fCount.OnPartialResultSlot(1, [state = fState](unsigned int slot, ULong64_t &) {
      auto &events = state->fCounters[slot].fEvents; // which this thread alone changes
      events.store(events.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      if (state->fIsStopped.load(std::memory_order_relaxed))
         throw std::runtime_error("FlashSim: the event loop was stopped.");
   });
}

ULong64_t LoopProgress::GetNEvents() const
{
   ULong64_t sum = 0;
   for (const auto &counter : fState->fCounters)
      sum += counter.fEvents.load(std::memory_order_relaxed);
   return sum;
}

void LoopProgress::Stop()
{
   fState->fIsStopped = true;
}

ULong64_t LoopProgress::GetNDone() const
{
   return fLookAhead != nullptr ? fLookAhead->GetDone(GetNEvents()) : GetNEvents();
}

ULong64_t LoopProgress::GetNTotal() const
{
   return fLookAhead != nullptr ? fLookAhead->GetTotal() : fTotal.load();
}

void LoopProgress::FindTotal()
{
   if (fLookAhead != nullptr || RootInternals::GetSourceKind(fNode) == RootInternals::ESourceKind::kOther)
      return;
   const auto range = RootInternals::EntryRangeControl(fNode).GetFullRange();
   fTotal = range.second - range.first;
}

} // namespace FlashSim
