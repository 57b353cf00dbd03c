// Part of FlashSim for RDataFrame.
#include "FlashSim/lookahead/FoldSource.hxx"

#include "FlashSim/lookahead/FoldStore.hxx"
#include "FlashSim/lookahead/RootInternals.hxx"
#include "FlashSim/lookahead/detail/EntryRecorder.hxx"
#include "FlashSim/lookahead/detail/UpstreamUse.hxx"

#include "FlashSim/interrupts/Interruption.hxx"
#include "FlashSim/lookahead/IdentityColumns.hxx"
#include "FlashSim/lookahead/RunGraph.hxx"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace FlashSim {
namespace {

/// Objects to simulate in one chunk, if the chunk size is not given: seconds of sampling against some 20 ms for
/// starting the upstream event loop again, and few enough that the GEN events fit in memory many times over.
constexpr double kObjectsPerChunk = 131072;
constexpr std::uint64_t kFirstChunk = 2000;
constexpr std::uint64_t kMaxGrowth = 8;

constexpr std::array<const char *, 3> kOwnColumns{"foldIndex", "genEvent", "foldSize"};

bool IsOwnColumn(std::string_view column)
{
   return std::find(kOwnColumns.begin(), kOwnColumns.end(), column) != kOwnColumns.end();
}

/// Reads an upstream column, or one of the new ones, at the slot's position.
class FoldColumnReader final : public ROOT::Detail::RDF::RColumnReaderBase {
public:
   FoldColumnReader(std::shared_ptr<FoldStore> store, std::shared_ptr<ColumnStore> column, unsigned int slot)
      : fStore(std::move(store)), fColumn(std::move(column)), fSlot(slot)
   {
   }

private:
   void *GetImpl(Long64_t) final
   {
      return fColumn->GetValue(fSlot, fStore->GetPlace(fStore->GetPosition(fSlot).fEvent));
   }
   std::shared_ptr<FoldStore> fStore;
   std::shared_ptr<ColumnStore> fColumn;
   unsigned int fSlot;
};

template <typename T>
class PositionReader final : public ROOT::Detail::RDF::RColumnReaderBase {
public:
   PositionReader(std::shared_ptr<FoldStore> store, T FoldStore::Position::*member, unsigned int slot)
      : fStore(std::move(store)), fMember(member), fSlot(slot)
   {
   }

private:
   void *GetImpl(Long64_t) final { return &(fStore->GetPosition(fSlot).*fMember); }
   std::shared_ptr<FoldStore> fStore;
   T FoldStore::Position::*fMember;
   unsigned int fSlot;
};

/// Replaces a reader that cannot be made; see FoldSource::GetColumnReaders.
class RefusedReader final : public ROOT::Detail::RDF::RColumnReaderBase {
public:
   explicit RefusedReader(std::string reason) : fReason(std::move(reason)) {}

private:
   void *GetImpl(Long64_t) final { throw std::runtime_error(fReason); }
   std::string fReason;
};

/// `long` and `long long` are different types of the same numbers: an RNTuple uses the first, a TTree the second.
bool AreSameNumbers(const std::type_info &a, const std::type_info &b)
{
   const auto areBoth = [&a, &b](const std::type_info &first, const std::type_info &second) {
      return (a == first && b == second) || (a == second && b == first);
   };
   static_assert(sizeof(long) == sizeof(long long));
   return areBoth(typeid(long), typeid(long long)) || areBoth(typeid(unsigned long), typeid(unsigned long long)) ||
          areBoth(typeid(ROOT::RVec<long>), typeid(ROOT::RVec<long long>)) ||
          areBoth(typeid(ROOT::RVec<unsigned long>), typeid(ROOT::RVec<unsigned long long>));
}

void CheckType(std::string_view column, const std::type_info &asked, const std::type_info &actual,
               const std::string &typeName)
{
   if (asked == actual || AreSameNumbers(asked, actual))
      return;
   throw std::runtime_error("FlashSim: column '" + std::string(column) +
                            "' was requested with another type than its own, which is '" + typeName + "'.");
}

[[noreturn]] void ThrowSelfNested()
{
   throw std::runtime_error(
       "FlashSim: a result was asked for inside the event loop that fills it, as in a callback of OnPartialResult. "
       "ROOT cannot run a graph inside of itself, and all results of this event loop are lost. Book them again, and "
       "ask when the event loop has ended, or let the callback keep its argument.");
}

} // namespace

/// One event loop over the folds, with its position in the upstream dataset.
class FoldSource::EventLoop {
public:
   EventLoop(ROOT::RDF::RNode node, FoldStore &store, ROOT::RDF::RCutFlowReport &cuts, const FoldSourceOptions &options)
      : fNode(std::move(node)), fUse(fNode), fStore(store), fCuts(cuts), fOptions(options),
        fControl(fNode, GetIdentityColumnsOfFiles(fNode)),
        fNumbering(std::make_shared<RootInternals::EntryNumbering>(fControl, options.fFirstEntries)),
        fNextEntry(fControl.GetFullRange().first),
        fIsOneChunk(RootInternals::HasRange(fNode) ||
                    RootInternals::GetSourceKind(fNode) == RootInternals::ESourceKind::kOther)
   {
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

   /// Sets the numbers of all cuts to 0. To be called when the upstream graph is compiled.
   void StartCuts()
   {
      fCuts = RootInternals::GetCuts(fNode);
      RootInternals::ClearCuts(fCuts);
   }

   /// Collects the next chunk that has events. \return false at the end of the dataset
   bool NextChunk()
   {
      fFirstRecoEvent += fStore.GetNEvents() * static_cast<std::uint64_t>(fOptions.fFoldSize);
      while (fNextEntry < fControl.GetFullRange().second) {
         const auto end = ChooseEnd();
         Collect({fNextEntry, end});
         fNEntriesSeen += end - fNextEntry;
         fNObjectsSeen += fStore.GetNObjects();
         fLastChunk = end - fNextEntry;
         fNextEntry = end;
         if (fStore.GetNEvents() > 0)
            return true;
      }
      return false;
   }

   /// Records the position of the current chunk, or the end of the dataset.
   void Note(LookAheadPosition &position, bool hasEvents) const
   {
      const auto [first, end] = fControl.GetFullRange();
      const auto inChunk = hasEvents ? fLastChunk : 0;
      position.Set(fNextEntry - inChunk - first, inChunk, end - first, fFirstRecoEvent,
                   hasEvents ? fStore.GetNEvents() * static_cast<std::uint64_t>(fOptions.fFoldSize) : 0);
   }

   ROOT::RDF::RSampleInfo GetWholeSample(const ROOT::RDF::RSampleInfo &sample) const
   {
      return fControl.GetWholeSample(sample);
   }

   /// Downstream entry number of the chunk's first RECO event.
   std::uint64_t GetFirstRecoEvent() const { return fFirstRecoEvent; }

private:
   std::uint64_t ChooseEnd() const
   {
      const auto last = fControl.GetFullRange().second;
      if (fIsOneChunk || last - fNextEntry == 0)
         return last;
      if (fOptions.fChunkSize > 0)
         return last - fNextEntry > fOptions.fChunkSize ? fNextEntry + fOptions.fChunkSize : last;

      std::uint64_t size = kFirstChunk;
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
   std::uint64_t fFirstRecoEvent = 0;
   std::uint64_t fNEntriesSeen = 0;
   std::uint64_t fNObjectsSeen = 0;
   std::uint64_t fLastChunk = 0;
};

FoldSource::FoldSource(ROOT::RDF::RNode node, const FoldSourceOptions &options)
   : fNode(std::move(node)), fOptions(options), fStore(std::make_shared<FoldStore>(fNode, options.fFoldSize)),
     fCuts(std::make_shared<ROOT::RDF::RCutFlowReport>())
{
   if (options.fFoldSize < 1)
      throw std::runtime_error("FlashSim: the fold size is " + std::to_string(options.fFoldSize) +
                               ": at least 1 is needed.");
   RootInternals::KeepRange(fNode);
   if (RootInternals::GetSourceKind(fNode) == RootInternals::ESourceKind::kFolds)
      RootInternals::EntryRangeControl{fNode}; // says why not
   for (const auto &column : fNode.GetColumnNames()) {
      if (IsOwnColumn(column)) {
         throw std::runtime_error(
             "FlashSim: the dataframe already has a column '" + column +
             "', which FlashSim adds. Is it oversampled already? If not, rename the column upstream.");
      }
      if (options.fHiddenColumns.count(column) != 0)
         continue;
      fColumnNames.push_back(column);
      // RDataFrame lists a friend's column as "friend.column" and knows it as "column" too; of a data source it wants
      // all names.
      const auto shortName = column.substr(column.rfind('.') + 1);
      if (shortName != column && fNode.HasColumn(shortName))
         fColumnNames.push_back(shortName);
   }
   fColumnNames.insert(fColumnNames.end(), kOwnColumns.begin(), kOwnColumns.end());
}

FoldSource::~FoldSource() = default;

void FoldSource::SetNSlots(unsigned int nSlots)
{
   RDataSource::SetNSlots(nSlots);
   fSlots.resize(nSlots);
   fStore->Reset(nSlots);
}

bool FoldSource::HasColumn(std::string_view column) const
{
   return std::find(fColumnNames.begin(), fColumnNames.end(), column) != fColumnNames.end();
}

std::string FoldSource::GetTypeName(std::string_view column) const
{
   if (column == "genEvent")
      return "ULong64_t";
   if (IsOwnColumn(column))
      return "int";
   auto found = fTypeNames.find(column);
   if (found == fTypeNames.end()) {
      auto node = fNode; // RInterface::GetColumnType is not const
      found = fTypeNames.emplace(column, node.GetColumnType(column)).first;
   }
   return found->second;
}

std::unique_ptr<ROOT::Detail::RDF::RColumnReaderBase>
FoldSource::GetColumnReaders(unsigned int slot, std::string_view column, const std::type_info &type)
{
   // RDataFrame calls this from just-in-time compiled code, where an exception would end the process. The reason is
   // kept, to be thrown when the event loop starts.
   try {
      return MakeReader(slot, column, type);
   } catch (const std::exception &error) {
      fRefusal = error.what();
      return std::make_unique<RefusedReader>(fRefusal);
   }
}

std::unique_ptr<ROOT::Detail::RDF::RColumnReaderBase> FoldSource::MakeReader(unsigned int slot, std::string_view column,
                                                                             const std::type_info &type)
{
   if (column == "genEvent") {
      CheckType(column, type, typeid(ULong64_t), "ULong64_t");
      return std::make_unique<PositionReader<ULong64_t>>(fStore, &FoldStore::Position::fGenEvent, slot);
   }
   if (IsOwnColumn(column)) {
      CheckType(column, type, typeid(int), "int");
      const auto member = column == "foldIndex" ? &FoldStore::Position::fFoldIndex : &FoldStore::Position::fFoldSize;
      return std::make_unique<PositionReader<int>>(fStore, member, slot);
   }
   const std::string name(column);
   if (const auto variations = RootInternals::GetVariations(fNode, name); !variations.empty()) {
      throw std::runtime_error(
          "FlashSim: column '" + name + "' is varied upstream ('" + variations.front() +
          "', ...), and a systematic variation does not cross FlashSim. Call Vary on the result of "
          "FlashSim instead, or read the column before it is varied.");
   }
   auto store = fStore->Request(name);
   CheckType(column, type, store->GetTypeId(), GetTypeName(column));
   store->SetNReadSlots(fNSlots);
   return std::make_unique<FoldColumnReader>(fStore, std::move(store), slot);
}

void FoldSource::Initialize()
{
   if (!fRefusal.empty()) {
      // Thrown once: other results of the same dataframe may be fine.
      const auto refusal = std::move(fRefusal);
      fRefusal.clear();
      throw std::runtime_error(refusal);
   }
   if (fOwner != nullptr && RootInternals::RunsBesideOthers(fOwner) && !AreGraphsOrdered()) {
      RootInternals::Postpone(fOwner);
      throw std::runtime_error(
          "FlashSim: ROOT::RDF::RunGraphs runs graphs at the same time, and the event loop of FlashSim runs another "
          "graph, the one that it was called on. Call FlashSim::RunGraphs, which runs them one after the other; in "
          "Python, ROOT.RDF.RunGraphs does so after `import flashsim`.");
   }
   if (fLoop) {
      // ROOT runs a graph inside of itself. It has restarted the actions: the outer event loop fails, too.
      if (!fIsLost.exchange(true) && fOwner != nullptr)
         fSetAside = RootInternals::SetRunningAside(fOwner);
      ThrowSelfNested();
   }
   std::unique_ptr<EventLoop> loop;
   try {
      loop = std::make_unique<EventLoop>(fNode, *fStore, *fCuts, fOptions);
      loop->RunUpstreamResults();
      loop->StartCuts();
   } catch (const UpstreamInUse &) {
      if (fOwner != nullptr)
         RootInternals::Postpone(fOwner);
      throw;
   }
   if (fOwner != nullptr)
      RootInternals::ResumePostponed(fOwner);
   fStore->Reset(fNSlots);
   fLoop = std::move(loop);
   fNextBlock = 0;
   fLoop->Note(fPosition, false);
}

void FoldSource::RunFinalChecks(bool) const
{
   if (fIsLost)
      ThrowSelfNested();
}

std::vector<std::pair<ULong64_t, ULong64_t>> FoldSource::GetEntryRanges()
{
   if (fIsLost)
      ThrowSelfNested();
   const auto nBlocks = [this] { return fStore->GetBlockBegins().empty() ? 0 : fStore->GetBlockBegins().size() - 1; };
   if (fNextBlock >= nBlocks()) {
      fNextBlock = 0;
      const bool hasEvents = fLoop->NextChunk();
      fLoop->Note(fPosition, hasEvents);
      if (!hasEvents)
         return {};
   }
   const auto foldSize = static_cast<std::uint64_t>(fOptions.fFoldSize);
   const auto &begins = fStore->GetBlockBegins();
   fSampleOfRanges = fStore->GetSampleNumber(begins[fNextBlock]);
   std::vector<std::pair<ULong64_t, ULong64_t>> ranges;
   // With one slot RDataFrame requests the sample once for all ranges, with several slots once for each.
   for (; fNextBlock < nBlocks(); ++fNextBlock) {
      if (fNSlots == 1 && fStore->GetSampleNumber(begins[fNextBlock]) != fSampleOfRanges)
         break;
      ranges.emplace_back(fLoop->GetFirstRecoEvent() + begins[fNextBlock] * foldSize,
                          fLoop->GetFirstRecoEvent() + begins[fNextBlock + 1] * foldSize);
   }
   return ranges;
}

void FoldSource::InitSlot(unsigned int slot, ULong64_t firstEntry)
{
   fSlots[slot].fFirstEntry = firstEntry;
}

ROOT::RDF::RSampleInfo
FoldSource::CreateSampleInfo(unsigned int slot,
                             const std::unordered_map<std::string, ROOT::RDF::Experimental::RSample *> &) const
{
   const auto foldSize = static_cast<std::uint64_t>(fOptions.fFoldSize);
   if (fStore->GetNEvents() == 0)
      return {};
   const auto sample =
       fNSlots == 1 ? fSampleOfRanges
                    : fStore->GetSampleNumber((fSlots[slot].fFirstEntry - fLoop->GetFirstRecoEvent()) / foldSize);
   return RootInternals::Multiply(fLoop->GetWholeSample(fStore->GetSample(sample)), foldSize);
}

bool FoldSource::SetEntry(unsigned int slot, ULong64_t entry)
{
   ThrowIfInterrupted();
   fStore->Seek(slot, entry - fLoop->GetFirstRecoEvent());
   return true;
}

void FoldSource::Finalize()
{
   fIsLost = false;
   fSetAside.reset();
   fLoop.reset();
   fStore->Reset(fNSlots);
   if (fOptions.fAtEnd)
      fOptions.fAtEnd();
}

std::size_t FoldSource::GetNFiles() const
{
   auto node = fNode; // RInterface::GetNFiles is not const
   return node.GetNFiles();
}

const ROOT::RDF::RNode *FoldSource::GetUpstream(const ROOT::RDF::RDataSource *source)
{
   const auto *folds = dynamic_cast<const FoldSource *>(source);
   return folds != nullptr ? &folds->fNode : nullptr;
}

ROOT::RDF::RNode MakeFolds(std::unique_ptr<FoldSource> source)
{
   auto &folds = *source;
   const ROOT::RDF::RNode head = ROOT::RDataFrame(std::move(source));
   folds.fOwner = RootInternals::GetGraph(head);
   return RootInternals::PutBehindCuts(head, folds.fNode, folds.fCuts);
}

ROOT::RDF::RNode MakeFolds(ROOT::RDF::RNode node, const FoldSourceOptions &options)
{
   return MakeFolds(std::make_unique<FoldSource>(std::move(node), options));
}

int GetFoldSize(const ROOT::RDF::RNode &node)
{
   const auto *source = dynamic_cast<const FoldSource *>(RootInternals::GetDataSource(RootInternals::GetGraph(node)));
   return source != nullptr ? source->GetFoldSize() : 0;
}

bool IsGenEventOfFoldSource(const ROOT::RDF::RNode &node, const std::string &column)
{
   return RootInternals::GetSourceKind(node) == RootInternals::ESourceKind::kFolds &&
          RootInternals::GetSourceColumn(node, column) == "genEvent";
}

} // namespace FlashSim
