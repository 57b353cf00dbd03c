// Part of FlashSim for RDataFrame.
#include "FlashSim/lookahead/FoldSource.hxx"

#include "FlashSim/lookahead/FoldStore.hxx"
#include "FlashSim/lookahead/RootInternals.hxx"
#include "FlashSim/lookahead/detail/FoldEventLoop.hxx"
#include "FlashSim/lookahead/detail/FoldReaders.hxx"

#include "FlashSim/interrupts/Interruption.hxx"
#include "FlashSim/lookahead/IdentityColumns.hxx"
#include "FlashSim/lookahead/RunGraph.hxx"

#include <algorithm>
#include <stdexcept>

namespace FlashSim {
namespace {

bool IsOwnColumn(std::string_view column)
{
   return std::find(kFoldColumns.begin(), kFoldColumns.end(), column) != kFoldColumns.end();
}

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

FoldSource::FoldSource(ROOT::RDF::RNode node, const FoldSourceOptions &options)
   : fNode(std::move(node)), fOptions(options), fStore(std::make_shared<FoldStore>(fNode, options.fFoldSize)),
     fCuts(std::make_shared<ROOT::RDF::RCutFlowReport>())
{
   if (options.fFoldSize < 1)
      throw std::runtime_error("FlashSim: the fold size is " + std::to_string(options.fFoldSize) +
                               ": at least 1 is needed.");
   RootInternals::KeepRange(fNode);
   const bool isLaterStage = HasFolds(fNode);
   if (isLaterStage)
      CarryFolds();
   for (const auto &column : fNode.GetColumnNames()) {
      if (IsOwnColumn(column)) {
         if (isLaterStage)
            continue;
         throw std::runtime_error(
             "FlashSim: the dataframe already has a column '" + column +
             "', which FlashSim adds. Is it oversampled already, and a column of genEvent, foldIndex and foldSize "
             "missing? If not, rename the column upstream.");
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
   fColumnNames.insert(fColumnNames.end(), kFoldColumns.begin(), kFoldColumns.end());
}

void FoldSource::CarryFolds()
{
   if (fOptions.fFoldSize != 1) {
      throw std::runtime_error(
          "FlashSim: the fold size is " + std::to_string(fOptions.fFoldSize) +
          ", but the dataframe holds RECO events already (columns genEvent, foldIndex, foldSize). A "
          "later stage makes one RECO event of each: leave the fold size out, and give it to the "
          "first stage.");
   }
   const auto *earlier = GetSource(fNode);
   for (const auto &column : kFoldColumns) {
      if (earlier != nullptr && RootInternals::GetSourceColumn(fNode, column) != column) {
         throw std::runtime_error(
             "FlashSim: column '" + column +
             "' was redefined behind FlashSim, and a later stage needs it as it was: it tells which "
             "RECO event of which GEN event an entry is. Define a column of another name.");
      }
   }
   fAreFoldsWhole = earlier != nullptr && earlier->fAreFoldsWhole;
   fStore->CarryFolds();
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
   auto loop = fStepper != nullptr && fStepper->fLoop ? ContinueLoop() : StartLoop();
   fStore->Reset(fNSlots);
   fLoop = std::move(loop);
   fNextBlock = 0;
   fLoop->Note(fPosition, false);
}

std::unique_ptr<FoldSource::EventLoop> FoldSource::StartLoop()
{
   std::unique_ptr<EventLoop> loop;
   try {
      loop = std::make_unique<EventLoop>(fNode, *fStore, *fCuts, fOptions);
      loop->RunUpstreamResults();
      StartCuts();
   } catch (const UpstreamInUse &) {
      if (fOwner != nullptr)
         RootInternals::Postpone(fOwner);
      throw;
   }
   if (fOwner != nullptr)
      RootInternals::ResumePostponed(fOwner);
   return loop;
}

std::unique_ptr<FoldSource::EventLoop> FoldSource::ContinueLoop()
{
   RootInternals::ClearCuts(*fCuts); // the later stage adds those of all steps
   return std::move(fStepper->fLoop);
}

void FoldSource::StartCuts()
{
   if (auto *earlier = GetSource(fNode))
      earlier->StartCuts(); // which are upstream of this source, too
   RootInternals::Compile(fNode);
   *fCuts = RootInternals::GetCuts(fNode);
   RootInternals::ClearCuts(*fCuts);
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
      if (fStepper != nullptr && fStepper->fHasChunk)
         return {};
      const bool hasEvents = fLoop->NextChunk();
      fLoop->Note(fPosition, hasEvents);
      if (fStepper != nullptr)
         (hasEvents ? fStepper->fHasChunk : fStepper->fIsAtEnd) = true;
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
   if (fStepper != nullptr)
      fStepper->fLoop = std::move(fLoop);
   fLoop.reset();
   fStore->Reset(fNSlots);
   if (fStepper == nullptr && fOptions.fAtEnd)
      fOptions.fAtEnd();
}

std::size_t FoldSource::GetNFiles() const
{
   auto node = fNode; // RInterface::GetNFiles is not const
   return node.GetNFiles();
}

FoldSource *FoldSource::GetSource(const ROOT::RDF::RNode &node)
{
   return dynamic_cast<FoldSource *>(RootInternals::GetDataSource(node));
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
   const auto *source = dynamic_cast<const FoldSource *>(RootInternals::GetDataSource(node));
   return source != nullptr ? source->GetFoldSize() * std::max(1, GetFoldSize(*FoldSource::GetUpstream(source))) : 0;
}

bool IsGenEventOfFoldSource(const ROOT::RDF::RNode &node, const std::string &column)
{
   const auto *source = FoldSource::GetSource(node);
   return source != nullptr && source->fAreFoldsWhole && RootInternals::GetSourceColumn(node, column) == "genEvent";
}

} // namespace FlashSim
