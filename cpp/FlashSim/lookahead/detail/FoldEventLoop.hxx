// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FOLDEVENTLOOP
#define FLASHSIM_FOLDEVENTLOOP

#include "FlashSim/lookahead/FoldSource.hxx"
#include "FlashSim/lookahead/FoldStore.hxx"
#include "FlashSim/lookahead/IdentityColumns.hxx"
#include "FlashSim/lookahead/RootInternals.hxx"
#include "FlashSim/lookahead/detail/EntryRecorder.hxx"
#include "FlashSim/lookahead/detail/FoldStepper.hxx"
#include "FlashSim/lookahead/detail/UpstreamUse.hxx"

#include "FlashSim/interrupts/Interruption.hxx"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace FlashSim {

/// Objects to simulate in one chunk, if the chunk size is not given: seconds of sampling against some 20 ms for
/// starting the upstream event loop again, and few enough that the GEN events fit in memory many times over.
inline constexpr double kObjectsPerChunk = 131072;
inline constexpr std::uint64_t kFirstChunk = 2000;
inline constexpr std::uint64_t kFirstRecoEvents = 65536; ///< a later stage holds all RECO events of a chunk
inline constexpr std::uint64_t kMaxGrowth = 8;

/// One event loop over the folds, with its position in the upstream dataset.
class FoldSource::EventLoop {
public:
   EventLoop(ROOT::RDF::RNode node, FoldStore &store, ROOT::RDF::RCutFlowReport &cuts, const FoldSourceOptions &options)
      : fNode(std::move(node)), fUse(fNode), fStore(store), fCuts(cuts), fOptions(options),
        fControl(fNode, GetIdentityColumnsOfFiles(fNode)),
        fNumbering(std::make_shared<RootInternals::EntryNumbering>(
            fControl, GetSource(fNode) != nullptr ? std::map<std::string, std::uint64_t>{} : options.fFirstEntries)),
        fNextEntry(fControl.GetFullRange().first),
        fIsOneChunk(RootInternals::HasRange(fNode) ||
                    RootInternals::GetSourceKind(fNode) == RootInternals::ESourceKind::kOther)
   {
      if (auto *source = GetSource(fNode); source != nullptr && !fIsOneChunk)
         fEarlier.emplace(*source);
      if (fStore.IsIdentityRequested())
         CheckIdentity(fNode, fControl.GetPartialColumns());
   }
   EventLoop(const EventLoop &) = delete;
   EventLoop &operator=(const EventLoop &) = delete;

   /// Runs the user's upstream actions over the whole dataset: otherwise they would run with the first chunk only.
   void RunUpstreamResults()
   {
      if (!RootInternals::HasPendingActions(fNode))
         return;
      const UpstreamUse::Run run(fUse);
      HearInterruptsUpstream();
      RootInternals::RunPendingActions(fNode);
   }

   /// Collects the next chunk that has events. \return false at the end of the dataset
   bool NextChunk()
   {
      fFirstRecoEvent += fNRecoEvents;
      fNRecoEvents = 0;
      if (fEarlier)
         return NextChunkOfEarlier();
      while (fNextEntry < fControl.GetFullRange().second) {
         const auto end = ChooseEnd();
         Collect({fNextEntry, end});
         fNEntriesSeen += end - fNextEntry;
         fNObjectsSeen += fStore.GetNObjects();
         fLastChunk = end - fNextEntry;
         fNextEntry = end;
         if (fNRecoEvents > 0)
            return true;
      }
      return false;
   }

   /// Records the position of the current chunk, or the end of the dataset.
   void Note(LookAheadPosition &position, bool hasEvents) const
   {
      if (fEarlier) {
         position.SetBehind(fEarlier->GetPosition(), fFirstRecoEvent, fNRecoEvents);
         return;
      }
      const auto [first, end] = fControl.GetFullRange();
      const auto inChunk = hasEvents ? fLastChunk : 0;
      position.Set(fNextEntry - inChunk - first, inChunk, end - first, fFirstRecoEvent, fNRecoEvents);
   }

   ROOT::RDF::RSampleInfo GetWholeSample(const ROOT::RDF::RSampleInfo &sample) const
   {
      return fControl.GetWholeSample(sample);
   }

   /// Downstream entry number of the chunk's first RECO event.
   std::uint64_t GetFirstRecoEvent() const { return fFirstRecoEvent; }

private:
   bool NextChunkOfEarlier()
   {
      while (!fEarlier->IsAtEnd()) {
         Collect(fControl.GetFullRange());
         if (fNRecoEvents > 0)
            return true;
      }
      return false;
   }

   std::uint64_t ChooseEnd() const
   {
      const auto last = fControl.GetFullRange().second;
      if (fIsOneChunk || last - fNextEntry == 0)
         return last;
      if (fOptions.fChunkSize > 0)
         return last - fNextEntry > fOptions.fChunkSize ? fNextEntry + fOptions.fChunkSize : last;

      const auto foldSize = static_cast<std::uint64_t>(fOptions.fFoldSize);
      auto size = std::max<std::uint64_t>(1, std::min(kFirstChunk, kFirstRecoEvents / foldSize));
      if (fNEntriesSeen > 0) {
         const double objectsPerEntry = static_cast<double>(fNObjectsSeen + 1) / static_cast<double>(fNEntriesSeen);
         const double wanted =
             std::min(kObjectsPerChunk / objectsPerEntry, static_cast<double>(kMaxGrowth * fLastChunk));
         size = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
      }
      if (last - fNextEntry <= size)
         return last;
      // Whole clusters where the chunk spans some; a cluster that is read in pieces has no small last piece.
      const auto &ends = fControl.GetClusterEnds();
      const auto wantedEnd = fNextEntry + size;
      const auto after = std::upper_bound(ends.begin(), ends.end(), wantedEnd);
      if (after != ends.begin() && *(after - 1) > fNextEntry)
         return *(after - 1);
      return after != ends.end() && *after - wantedEnd < size / 4 ? *after : wantedEnd;
   }

   void Collect(RootInternals::EntryRange range)
   {
      // Between two chunks the upstream graph is as the user left it: a callback may ask for results of it.
      struct RangeRestored {
         RootInternals::EntryRangeControl &fControl;
         ~RangeRestored() { fControl.Restore(); }
      };
      const auto nSlots = RootInternals::GetNSlots(fNode);
      fStore.Clear(nSlots);
      auto entries = std::make_shared<EntryRecorder::Result_t>(nSlots);
      RunUpstreamResults(); // such a callback may have booked some and not run them
      {
         const UpstreamUse::Run run(fUse);
         std::optional<Stepper::Step> step;
         if (fEarlier)
            step.emplace(*fEarlier);
         const RangeRestored restored{fControl};
         fControl.Restrict(range);
         HearInterruptsUpstream();
         // The handles end with the chunk: actions that stay booked would be run by other event loops.
         const auto handles = fStore.Book();
         auto result = fNode.Book<ULong64_t>(EntryRecorder(entries, fNumbering, fControl), {"rdfentry_"});
         result.GetValue();
         RootInternals::AddCuts(fCuts, RootInternals::GetCuts(fNode)); // each event loop counts anew
      }
      fStore.Arrange(*entries, fOptions.fBlockSize);
      fNRecoEvents = fStore.GetNEvents() * static_cast<std::uint64_t>(fOptions.fFoldSize);
   }

   void HearInterruptsUpstream()
   {
      constexpr std::uint64_t kEntriesBetweenLooks = 512;
      RootInternals::OnEntries(fNode, kEntriesBetweenLooks, ThrowIfInterrupted);
   }

   InterruptionGuard fInterruption;
   ROOT::RDF::RNode fNode;
   UpstreamUse fUse;
   FoldStore &fStore;
   ROOT::RDF::RCutFlowReport &fCuts;
   FoldSourceOptions fOptions;
   RootInternals::EntryRangeControl fControl;
   std::shared_ptr<const RootInternals::EntryNumbering> fNumbering;
   std::uint64_t fNextEntry;
   bool fIsOneChunk;
   std::optional<Stepper> fEarlier; ///< the look-ahead of an earlier stage
   std::uint64_t fFirstRecoEvent = 0;
   std::uint64_t fNRecoEvents = 0; ///< of the chunk
   std::uint64_t fNEntriesSeen = 0;
   std::uint64_t fNObjectsSeen = 0;
   std::uint64_t fLastChunk = 0;
};

} // namespace FlashSim

#endif
