// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_ENTRYRECORDER
#define FLASHSIM_ENTRYRECORDER

#include "FlashSim/lookahead/FoldStore.hxx"
#include "FlashSim/lookahead/RootInternals.hxx"

#include <ROOT/RDF/RActionImpl.hxx>
#include <TTreeReader.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace FlashSim {

/// The action that records the global entry number and the sample of each event that passes.
class EntryRecorder : public ROOT::Detail::RDF::RActionImpl<EntryRecorder> {
public:
   using Result_t = std::vector<CollectedEntries>;

   /// \param[in] entries one element for each slot, empty
   /// \param[in] numbering of the upstream dataset
   /// \param[in] control of the upstream graph, which must live as long as the action
   EntryRecorder(std::shared_ptr<Result_t> entries, std::shared_ptr<const RootInternals::EntryNumbering> numbering,
                 const RootInternals::EntryRangeControl &control)
      : fEntries(std::move(entries)), fNumbering(std::move(numbering)), fControl(&control), fTasks(fEntries->size())
   {
   }
   EntryRecorder(EntryRecorder &&) = default;
   EntryRecorder(const EntryRecorder &) = delete;

   std::shared_ptr<Result_t> GetResultPtr() const { return fEntries; }
   std::string GetActionName() const { return "FlashSim look-ahead"; }
   void Initialize() {}
   void InitTask(TTreeReader *reader, unsigned int slot)
   {
      fTasks[slot].fReader = reader;
      fTasks[slot].fOffset = fNumbering->GetOffset(reader);
   }

   /// RDataFrame calls this at the first entry of each file and of each task, whether it passes or not.
   ROOT::RDF::SampleCallback_t GetSampleCallback() final
   {
      return [entries = fEntries, control = fControl](unsigned int slot, const ROOT::RDF::RSampleInfo &sample) {
         control->CheckColumnTypes(slot);
         auto &own = (*entries)[slot];
         own.fSamples.push_back({own.fNumbers.size(), sample});
      };
   }

   void Exec(unsigned int slot, ULong64_t rdfentry)
   {
      const auto &task = fTasks[slot];
      const auto entry =
          task.fReader != nullptr ? static_cast<std::uint64_t>(task.fReader->GetCurrentEntry()) : rdfentry;
      (*fEntries)[slot].fNumbers.push_back(task.fOffset + entry);
   }
   void Finalize() {}

private:
   struct Task {
      TTreeReader *fReader = nullptr; // given in multi-threaded loops over a TTree
      std::uint64_t fOffset = 0;
   };
   std::shared_ptr<Result_t> fEntries;
   std::shared_ptr<const RootInternals::EntryNumbering> fNumbering;
   const RootInternals::EntryRangeControl *fControl;
   std::vector<Task> fTasks;
};

} // namespace FlashSim

#endif
