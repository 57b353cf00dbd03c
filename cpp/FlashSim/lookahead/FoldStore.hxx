// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FOLDSTORE
#define FLASHSIM_FOLDSTORE

#include "FlashSim/events/EventIdentity.hxx"
#include "FlashSim/lookahead/ColumnStore.hxx"

#include <ROOT/RDF/RSampleInfo.hxx>
#include <RtypesCore.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace FlashSim {

/// The entries that one upstream slot has collected, in its order.
struct CollectedEntries {
   struct SampleStart {
      std::size_t fFirst; ///< position of the first entry of the sample, or of a part of it
      ROOT::RDF::RSampleInfo fSample;
   };
   std::vector<std::uint64_t> fNumbers; ///< global entry numbers
   std::vector<SampleStart> fSamples;   ///< ascending
};

/// \brief The chunk of GEN events that is being oversampled: FoldSource collects it, and flows sample from it.
///
/// Upstream events are GEN events, or RECO events of an earlier stage (CarryFolds()).
///
/// Filled by FoldSource in the main thread; read by all slots in parallel while no chunk is being collected. Each slot
/// has a position, (GEN event, fold index), set by Seek().
class FoldStore {
public:
   /// Position of a slot. On a cache line of its own.
   struct alignas(64) Position {
      std::size_t fEvent = 0;     ///< upstream event within the chunk
      std::size_t fRecoEvent = 0; ///< RECO event within the chunk
      std::size_t fBlock = 0;     ///< block of upstream events within the chunk
      std::uint64_t fSerial = 0;  ///< number of the chunk in the event loop, from 1; 0 before the first
      ULong64_t fGenEvent = 0;    ///< the column genEvent
      int fFoldIndex = 0;         ///< the column foldIndex
      int fFoldSize = 0;          ///< the column foldSize
   };

   FoldStore(ROOT::RDF::RNode node, int foldSize);

   /// The store of an upstream column, made at the first request. ROOT requests columns outside of event loops only,
   /// hence no lock.
   /// \throws std::runtime_error if the column cannot be collected, or is new while a chunk is held that lacks it
   std::shared_ptr<ColumnStore> Request(const std::string &column);

   /// \brief Takes genEvent, foldIndex and foldSize from the upstream columns of these names: each upstream event becomes
   /// one RECO event, of the same fold. Needs a fold size of 1.
   /// \throws std::runtime_error if one of them does not hold integers
   void CarryFolds();

   /// RECO events made of one upstream event.
   std::size_t GetFoldSize() const { return static_cast<std::size_t>(fFoldSize); }

   /// Fold index of the first RECO event made of an upstream event.
   std::size_t GetFirstFoldIndex(std::size_t event) const
   {
      return fFolds.empty() ? 0 : fFolds[kFoldIndex]->GetInteger(GetPlace(event));
   }

   /// \brief Notes a network that runs on the objects of this column: it is given as many rows for each RECO event.
   ///
   /// Blocks are cut by the rows of the network that has most of them.
   void CountRowsOf(const std::string &column);

   /// Notes a network that is given one row for each RECO event.
   void CountRecoEvents() { fCountsRecoEvents = true; }

   /// Requests run, luminosityBlock and event, if the dataset has all three as integers.
   void RequestIdentity();
   bool IsIdentityRequested() const { return fIsIdentityRequested; }

   /// Makes room for `nSlots` downstream slots, without positions, and drops the last chunk.
   void Reset(unsigned int nSlots);

   /// Empties the columns. \param[in] nUpstreamSlots slots of the upstream event loop
   void Clear(unsigned int nUpstreamSlots);

   /// Books the collection of all requested columns; it lasts as long as the handles.
   std::vector<std::shared_ptr<void>> Book();

   /// \brief Ends the collection of a chunk.
   /// \param[in] entries entries of the values of each upstream slot
   /// \param[in] blockSize rows in one block, of the network that has most; a block ends where a sample does, too
   void Arrange(const std::vector<CollectedEntries> &entries, std::size_t blockSize);

   std::size_t GetNEvents() const { return fEvents.size(); }
   std::size_t GetNObjects() const { return fNObjects; }

   /// The first GEN event of each block, and the number of GEN events at the end.
   const std::vector<std::size_t> &GetBlockBegins() const { return fBlockBegins; }

   /// Number of the sample that a GEN event comes from, of those in the chunk.
   std::size_t GetSampleNumber(std::size_t event) const { return fEvents[event].fSample; }
   const ROOT::RDF::RSampleInfo &GetSample(std::size_t number) const { return fSamples[number]; }

   void Seek(unsigned int slot, std::uint64_t entryInChunk);
   Position &GetPosition(unsigned int slot) { return fPositions[slot]; }

   CollectedAt GetPlace(std::size_t event) const { return fEvents[event].fPlace; }
   EventIdentity GetIdentity(std::size_t event) const;

private:
   struct Event {
      std::uint64_t fNumber; ///< of its entry, in the whole dataset
      CollectedAt fPlace;
      std::uint32_t fSample; ///< position in fSamples
   };

   void CutBlocks(std::size_t blockSize);

   /// Number of the GEN event that an upstream event is or was made from.
   std::uint64_t GetGenEvent(std::size_t event) const
   {
      return fFolds.empty() ? fEvents[event].fNumber : fFolds[kGenEvent]->GetInteger(GetPlace(event));
   }

   /// Prints a note, once in a process, if consecutive GEN events have the same identity.
   void TellOfGroups() const;

   ROOT::RDF::RNode fNode;
   int fFoldSize;
   std::map<std::string, std::shared_ptr<ColumnStore>> fColumns;
   std::vector<std::shared_ptr<ColumnStore>> fRowColumns; ///< one for each network that runs on objects
   bool fCountsRecoEvents = false;
   bool fIsIdentityRequested = false;
   std::vector<std::shared_ptr<ColumnStore>> fIdentity; ///< run, luminosityBlock, event; or empty
   enum { kFoldIndex, kGenEvent, kFoldSize };           // as kFoldColumns
   std::vector<std::shared_ptr<ColumnStore>> fFolds;    ///< these columns of an earlier stage; or empty

   std::uint64_t fSerial = 0;
   std::vector<Event> fEvents; ///< in input order
   std::vector<ROOT::RDF::RSampleInfo> fSamples;
   std::size_t fNObjects = 0;
   std::vector<std::size_t> fBlockBegins;
   std::vector<Position> fPositions;
};

} // namespace FlashSim

#endif
