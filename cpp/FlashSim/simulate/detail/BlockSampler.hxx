// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_BLOCKSAMPLER
#define FLASHSIM_BLOCKSAMPLER

#include "FlashSim/lookahead/FoldStore.hxx"

#include "FlashSim/Flow.hxx"
#include "FlashSim/flow/DeclaredRanges.hxx"
#include "FlashSim/simulate/ObjectTable.hxx"
#include "FlashSim/simulate/detail/GenRows.hxx"

#include <ROOT/RVec.hxx>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace FlashSim {

/// \brief Runs one flow on whole blocks of a FoldStore, and gives each RECO event its objects.
///
/// The first read in a block makes the slot sample all of it: every object of every RECO event. A flow without readers
/// is never run. Each slot holds one block; slots work in parallel.
class BlockSampler {
public:
   /// \param[in] store the current chunk
   /// \param[in] ranges the flow that samples, and the treatment of values that it does not allow
   /// \param[in] contextColumns the upstream column of each context variable, in the flow's order
   /// \param[in] seed as in Flow::Sample()
   /// \param[in] steps as in Flow::Sample()
   BlockSampler(std::shared_ptr<FoldStore> store, std::shared_ptr<const DeclaredRanges> ranges,
                const std::vector<std::string> &contextColumns, std::uint64_t seed, int steps);

   const FlowContract &GetContract() const { return fRanges->GetFlow().GetContract(); }

   /// Sets the number of slots: at least as many as call the functions below.
   void SetNSlots(unsigned int nSlots) { fBlocks.resize(nSlots); }

   /// Number of objects of the slot's current RECO event, for a flow of objects.
   int GetNObjects(unsigned int slot);

   /// Values of one target for the slot's current RECO event: a view, valid while the slot stays in the block.
   template <typename T>
   ROOT::VecOps::RVec<T> GetTarget(unsigned int slot, std::size_t target)
   {
      const auto recoEvent = FindRecoEvent(slot);
      return fBlocks[slot].fObjects.template GetTarget<T>(target, recoEvent);
   }

   /// The value of one target for the slot's current RECO event, for a flow of events.
   template <typename T>
   T GetValue(unsigned int slot, std::size_t target)
   {
      const auto recoEvent = FindRecoEvent(slot);
      return fBlocks[slot].fObjects.template GetValue<T>(target, recoEvent);
   }

   /// Index of the GEN object of each object of the RECO event.
   ROOT::VecOps::RVec<short> GetSourceIndex(unsigned int slot);

private:
   struct alignas(64) Block {
      std::uint64_t fSerial = 0; ///< of the chunk
      std::size_t fIndex = 0;
      std::size_t fFirstEvent = 0;
      ObjectTable fObjects;
   };

   /// Number of the slot's current RECO event within its block. Samples the block if needed.
   std::size_t FindRecoEvent(unsigned int slot);
   void SampleBlock(Block &block, const FoldStore::Position &position) const;

   std::shared_ptr<FoldStore> fStore;
   std::shared_ptr<const DeclaredRanges> fRanges;
   GenRows fContext;
   std::size_t fCounted; ///< the first context variable that is a collection
   std::uint64_t fSeed;
   int fSteps;
   std::vector<Block> fBlocks; ///< one for each slot
};

} // namespace FlashSim

#endif
