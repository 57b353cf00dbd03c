// Part of FlashSim for RDataFrame.
#include "FlashSim/lookahead/FoldStore.hxx"

#include "FlashSim/lookahead/IdentityColumns.hxx"

#include <TError.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <stdexcept>
#include <unordered_map>

namespace FlashSim {

FoldStore::FoldStore(ROOT::RDF::RNode node, int foldSize) : fNode(std::move(node)), fFoldSize(foldSize) {}

std::shared_ptr<ColumnStore> FoldStore::Request(const std::string &column)
{
   auto &store = fColumns[column];
   if (!store) {
      if (fSerial > 0)
         throw std::logic_error("FlashSim: column '" + column + "' was requested after the event loop had started.");
      store = MakeColumnStore(fNode.GetColumnType(column), column);
   }
   return store;
}

void FoldStore::CarryFolds()
{
   std::vector<std::shared_ptr<ColumnStore>> columns;
   for (const auto &name : kFoldColumns) {
      columns.push_back(Request(name));
      if (!columns.back()->IsInteger() || columns.back()->IsCollection()) {
         throw std::runtime_error(
             "FlashSim: column '" + name + "' has type '" + fNode.GetColumnType(name) +
             "', but identifies RECO events and must be an integer. If the dataframe does not come "
             "from FlashSim, rename the column upstream.");
      }
   }
   fFolds = std::move(columns);
}

void FoldStore::CountRowsOf(const std::string &column)
{
   fRowColumns.push_back(Request(column));
}

void FoldStore::RequestIdentity()
{
   if (!fIdentity.empty())
      return;
   fIsIdentityRequested = true;
   const auto &names = kIdentityColumns;
   if (!std::all_of(names.begin(), names.end(), [this](const auto &name) { return fNode.HasColumn(name); }))
      return;
   std::vector<std::shared_ptr<ColumnStore>> columns;
   for (const auto &name : names) {
      columns.push_back(Request(name));
      if (!columns.back()->IsInteger() || columns.back()->IsCollection()) {
         throw std::runtime_error("FlashSim: column '" + name + "' has type '" + fNode.GetColumnType(name) +
                                  "', but identifies events and must be an integer. Redefine it, or rename it upstream "
                                  "to have events identified by their entry number.");
      }
   }
   fIdentity = std::move(columns);
}

void FoldStore::Reset(unsigned int nSlots)
{
   fSerial = 0;
   fEvents.clear();
   fSamples.clear();
   fNObjects = 0;
   fBlockBegins.clear();
   fPositions.assign(nSlots, Position{});
   for (auto &position : fPositions)
      position.fFoldSize = fFoldSize;
   for (auto &column : fColumns)
      column.second->SetNReadSlots(nSlots);
}

void FoldStore::Clear(unsigned int nUpstreamSlots)
{
   for (auto &column : fColumns)
      column.second->Clear(nUpstreamSlots);
}

std::vector<std::shared_ptr<void>> FoldStore::Book()
{
   std::vector<std::shared_ptr<void>> handles;
   for (auto &column : fColumns)
      handles.push_back(column.second->Book(fNode, column.first));
   return handles;
}

void FoldStore::Arrange(const std::vector<CollectedEntries> &entries, std::size_t blockSize)
{
   // Unique in a process: it identifies the chunk of a kept value, also in another event loop.
   static std::atomic<std::uint64_t> nChunks{0};
   fSerial = ++nChunks;
   fEvents.clear();
   fSamples.clear();
   std::unordered_map<std::string, std::uint32_t> samples;
   for (std::size_t slot = 0; slot < entries.size(); ++slot) {
      auto start = entries[slot].fSamples.begin();
      std::uint32_t sample = 0;
      for (std::size_t i = 0; i < entries[slot].fNumbers.size(); ++i) {
         for (; start != entries[slot].fSamples.end() && start->fFirst <= i; ++start) {
            const auto [found, isNew] =
                samples.try_emplace(start->fSample.AsString(), static_cast<std::uint32_t>(fSamples.size()));
            if (isNew)
               fSamples.push_back(start->fSample);
            sample = found->second;
         }
         const CollectedAt place{static_cast<std::uint32_t>(slot), static_cast<std::uint32_t>(i)};
         fEvents.push_back({entries[slot].fNumbers[i], place, sample});
      }
   }
   std::sort(fEvents.begin(), fEvents.end(), [](const Event &a, const Event &b) { return a.fNumber < b.fNumber; });

   if (fFolds.empty())
      TellOfGroups();
   CutBlocks(blockSize);
}

void FoldStore::CutBlocks(std::size_t blockSize)
{
   const auto foldSize = static_cast<std::size_t>(fFoldSize);
   fNObjects = 0;
   fBlockBegins.clear();
   // RECO events take the place of rows where no network runs.
   const bool countsRecoEvents = fCountsRecoEvents || fRowColumns.empty();
   std::vector<std::size_t> rows(fRowColumns.size()); // in this block, of each network that runs on objects
   std::size_t recoEvents = 0;                        // in this block
   std::size_t mostRows = blockSize;
   for (std::size_t event = 0; event < fEvents.size(); ++event) {
      const bool isNextSample = event > 0 && fEvents[event].fSample != fEvents[event - 1].fSample;
      // A fold stays in one block.
      const bool isNextFold = event == 0 || fFolds.empty() || GetGenEvent(event) != GetGenEvent(event - 1);
      if ((mostRows >= blockSize && isNextFold) || isNextSample) {
         fBlockBegins.push_back(event);
         rows.assign(rows.size(), 0);
         recoEvents = 0;
         mostRows = 0;
      }
      if (countsRecoEvents) {
         recoEvents += foldSize;
         mostRows = recoEvents;
         fNObjects += foldSize;
      }
      for (std::size_t network = 0; network < rows.size(); ++network) {
         const auto added = fRowColumns[network]->GetSize(fEvents[event].fPlace) * foldSize;
         rows[network] += added;
         mostRows = std::max(mostRows, rows[network]);
         fNObjects += added;
      }
   }
   fBlockBegins.push_back(fEvents.size());
}

void FoldStore::Seek(unsigned int slot, std::uint64_t entryInChunk)
{
   auto &position = fPositions[slot];
   const auto foldSize = static_cast<std::uint64_t>(fFoldSize);
   position.fEvent = entryInChunk / foldSize;
   position.fRecoEvent = entryInChunk;
   if (fFolds.empty()) {
      position.fFoldIndex = static_cast<int>(entryInChunk % foldSize);
      position.fGenEvent = fEvents[position.fEvent].fNumber;
   } else {
      const auto place = GetPlace(position.fEvent);
      position.fFoldIndex = static_cast<int>(fFolds[kFoldIndex]->GetInteger(place));
      position.fFoldSize = static_cast<int>(fFolds[kFoldSize]->GetInteger(place));
      position.fGenEvent = fFolds[kGenEvent]->GetInteger(place);
   }
   const bool isInBlock = position.fSerial == fSerial && position.fEvent >= fBlockBegins[position.fBlock] &&
                          position.fEvent < fBlockBegins[position.fBlock + 1];
   if (isInBlock)
      return;
   position.fSerial = fSerial;
   const auto next = std::upper_bound(fBlockBegins.begin(), fBlockBegins.end(), position.fEvent);
   position.fBlock = static_cast<std::size_t>(next - fBlockBegins.begin()) - 1;
}

void FoldStore::TellOfGroups() const
{
   static std::atomic<bool> isSaid{false};
   if (fIdentity.empty() || isSaid)
      return;
   const auto areSame = [this](const auto &a, const auto &b) {
      // Event numbers first: they differ most.
      return std::all_of(fIdentity.rbegin(), fIdentity.rend(), [&](const auto &column) {
         return column->GetInteger(a.fPlace) == column->GetInteger(b.fPlace);
      });
   };
   const auto pair = std::adjacent_find(fEvents.begin(), fEvents.end(), areSame);
   if (pair == fEvents.end() || isSaid.exchange(true))
      return;
   const auto number = [&](std::size_t column) { return std::to_string(fIdentity[column]->GetInteger(pair->fPlace)); };
   const std::string first = std::to_string(pair->fNumber);
   const std::string second = std::to_string((pair + 1)->fNumber);
   // Not ::Warning(): ROOT 6.40 turns it into a Python warning without taking Python's lock, and crashes where a loop
   // runs without the lock.
   ::Info("FlashSim",
          "the GEN events %s and %s (genEvent) have the same run %s, luminosityBlock %s and event %s, and so the "
          "same random numbers. If they belong together, as an NLO generator's event and its counter-events, book "
          "histograms with group=(\"run\", \"luminosityBlock\", \"event\") (fGroup in C++); if not, give each a "
          "number of its own. There may be more; this note is printed once.",
          first.c_str(), second.c_str(), number(0).c_str(), number(1).c_str(), number(2).c_str());
}

EventIdentity FoldStore::GetIdentity(std::size_t event) const
{
   EventIdentity identity;
   if (fIdentity.empty()) {
      identity.fEvent = GetGenEvent(event);
      identity.fIsEntryNumber = true;
      return identity;
   }
   const auto place = GetPlace(event);
   const auto run = fIdentity[0]->GetInteger(place);
   const auto luminosityBlock = fIdentity[1]->GetInteger(place);
   identity.fEvent = fIdentity[2]->GetInteger(place);
   constexpr std::uint64_t kLargest = std::numeric_limits<std::uint32_t>::max();
   if (run > kLargest || luminosityBlock > kLargest) {
      throw std::runtime_error("FlashSim: run " + std::to_string(run) + ", luminosityBlock " +
                               std::to_string(luminosityBlock) + " of event " + std::to_string(identity.fEvent) +
                               ": both must lie between 0 and 4294967295.");
   }
   identity.fRun = static_cast<std::uint32_t>(run);
   identity.fLuminosityBlock = static_cast<std::uint32_t>(luminosityBlock);
   return identity;
}

} // namespace FlashSim
