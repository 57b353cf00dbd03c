// Part of FlashSim for RDataFrame.
#include "FlashSim/simulate/detail/BlockSampler.hxx"

#include "FlashSim/simulate/detail/ContextRows.hxx"
#include "FlashSim/simulate/detail/SampleObjects.hxx"

namespace FlashSim {

BlockSampler::BlockSampler(std::shared_ptr<FoldStore> store, std::shared_ptr<const DeclaredRanges> ranges,
                           const std::vector<std::string> &contextColumns, std::uint64_t seed, int steps)
   : fStore(std::move(store)), fRanges(std::move(ranges)), fContext(fStore, contextColumns),
     fCounted(FindCollection(fContext)), fSeed(seed), fSteps(fRanges->GetFlow().GetSteps(steps))
{
   fStore->RequestIdentity();
   if (GetContract().fLevel == EModelLevel::kEvent) {
      fStore->CountRecoEvents();
      return;
   }
   if (fCounted == contextColumns.size())
      ThrowOnScalars(GetContract());
   fStore->CountRowsOf(contextColumns[fCounted]);
}

int BlockSampler::GetNObjects(unsigned int slot)
{
   // Every object of the source is simulated: no need to sample.
   const auto &position = fStore->GetPosition(slot);
   return static_cast<int>(fContext.GetSize(fCounted, position.fEvent, static_cast<std::size_t>(position.fFoldIndex)));
}

ROOT::VecOps::RVec<short> BlockSampler::GetSourceIndex(unsigned int slot)
{
   const auto recoEvent = FindRecoEvent(slot);
   return fBlocks[slot].fObjects.GetSourceIndex(recoEvent);
}

std::size_t BlockSampler::FindRecoEvent(unsigned int slot)
{
   const auto &position = fStore->GetPosition(slot);
   auto &block = fBlocks[slot];
   if (block.fSerial != position.fSerial || block.fIndex != position.fBlock) {
      block.fSerial = 0; // not to be used if sampling throws
      SampleBlock(block, position);
      block.fSerial = position.fSerial;
      block.fIndex = position.fBlock;
   }
   return position.fRecoEvent - block.fFirstEvent * fStore->GetFoldSize();
}

void BlockSampler::SampleBlock(Block &block, const FoldStore::Position &position) const
{
   const auto &begins = fStore->GetBlockBegins();
   ContextRows rows;
   block.fFirstEvent = begins[position.fBlock];
   for (auto event = block.fFirstEvent; event < begins[position.fBlock + 1]; ++event) {
      rows.AppendFold(*fRanges, fContext, event, fStore->GetIdentity(event), fStore->GetFirstFoldIndex(event),
                      fStore->GetFoldSize());
   }
   SampleObjects(*fRanges, rows, fSeed, fSteps, block.fObjects);
}

} // namespace FlashSim
