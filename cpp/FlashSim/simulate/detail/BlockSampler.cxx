// Part of FlashSim for RDataFrame.
#include "FlashSim/simulate/detail/BlockSampler.hxx"

#include "FlashSim/simulate/detail/ContextRows.hxx"

namespace FlashSim {

BlockSampler::BlockSampler(std::shared_ptr<FoldStore> store, std::shared_ptr<const DeclaredRanges> ranges,
                           const std::vector<std::string> &contextColumns, std::uint64_t seed, int steps)
   : fStore(std::move(store)), fRanges(std::move(ranges)), fSeed(seed), fSteps(fRanges->GetFlow().GetSteps(steps))
{
   fStore->RequestIdentity();
   bool isCounted = false;
   for (const auto &column : contextColumns) {
      fContext.push_back(fStore->Request(column));
      if (fContext.back()->IsCollection() && !isCounted) {
         fStore->CountObjectsOf(column);
         isCounted = true;
      }
   }
   if (!isCounted)
      ThrowOnScalars(GetContract());
}

int BlockSampler::GetNObjects(unsigned int slot)
{
   // The sizes of collections are those of the source: no need to sample.
   const auto place = fStore->GetPlace(fStore->GetPosition(slot).fEvent);
   for (const auto &column : fContext) {
      if (column->IsCollection())
         return static_cast<int>(column->GetSize(place));
   }
   return 0;
}

ROOT::VecOps::RVec<short> BlockSampler::GetSourceIndex(unsigned int slot)
{
   const auto [first, size] = FindEvent(slot);
   return fBlocks[slot].fColumns.GetSourceIndexView(first, size);
}

BlockSampler::Share BlockSampler::FindEvent(unsigned int slot)
{
   const auto &position = fStore->GetPosition(slot);
   auto &block = fBlocks[slot];
   if (block.fSerial != position.fSerial || block.fIndex != position.fBlock) {
      block.fSerial = 0; // not to be used if sampling throws
      SampleBlock(block, position);
      block.fSerial = position.fSerial;
      block.fIndex = position.fBlock;
   }
   const auto event = position.fEvent - block.fFirstEvent;
   const auto foldSize = static_cast<std::size_t>(position.fFoldSize);
   const auto size = (block.fOffsets[event + 1] - block.fOffsets[event]) / foldSize;
   return {block.fOffsets[event] + static_cast<std::size_t>(position.fFoldIndex) * size, size};
}

std::size_t BlockSampler::AppendContext(std::size_t event, std::vector<float> &context) const
{
   struct Column {
      const ColumnStore *fStore;
      CollectedAt fPlace;
      bool IsCollection() const { return fStore->IsCollection(); }
      std::size_t GetSize() const { return fStore->GetSize(fPlace); }
      void CopyTo(float *out, std::size_t stride) const { fStore->CopyTo(fPlace, out, stride); }
   };
   std::vector<Column> columns;
   for (const auto &store : fContext)
      columns.push_back({store.get(), fStore->GetPlace(event)});
   const auto identity = [this, event] { return fStore->GetIdentity(event).AsString(); };
   return AppendContextRows(*fRanges, columns, identity, context);
}

void BlockSampler::SampleBlock(Block &block, const FoldStore::Position &position) const
{
   const auto &begins = fStore->GetBlockBegins();
   const auto foldSize = static_cast<std::size_t>(position.fFoldSize);
   RecoRows rows;
   std::vector<float> context;
   block.fFirstEvent = begins[position.fBlock];
   block.fOffsets.assign(1, 0);
   for (auto event = block.fFirstEvent; event < begins[position.fBlock + 1]; ++event) {
      context.clear();
      const auto nObjects = AppendContext(event, context);
      rows.AppendFold(fStore->GetIdentity(event), foldSize, nObjects, context);
      block.fOffsets.push_back(rows.fNoise.size());
   }
   block.fColumns.Fill(*fRanges, rows.fContext, rows.fNoise, rows.fEventSizes, fSeed, fSteps);
}

} // namespace FlashSim
