// Part of FlashSim for RDataFrame.
#include "FlashSim/booking/FillColumns.hxx"

#include "FlashSim/lookahead/FoldSource.hxx"

#include <stdexcept>
#include <utility>

namespace FlashSim {
namespace {

/// Whether RDataFrame's name of an integer type (UInt_t, unsigned long, std::uint64_t, std::size_t, ...) is of an
/// unsigned one. For error messages.
bool IsUnsigned(const std::string &type)
{
   return type.rfind("U", 0) == 0 || type.find("unsigned") != std::string::npos ||
          type.find("uint") != std::string::npos || type.find("size_t") != std::string::npos;
}

} // namespace

FillColumns::FillColumns(ROOT::RDF::RNode node, std::string action, const std::vector<std::string> &values,
                         const std::string &weight, const FoldOptions &options)
   : fIsCovarianceWanted(options.fCovariance), fIsPart(options.fIsPart)
{
   fLabels.fAction = std::move(action);
   fLayout.fNValues = static_cast<unsigned int>(values.size());
   fLayout.fHasWeight = !weight.empty();
   fLayout.fAreGroups = fLabels.fAreGroups = !options.fGroup.empty();
   const auto &events = fLayout.fAreGroups ? options.fGroup : options.fEvent;
   fLayout.fNEvents = static_cast<unsigned int>(events.size());
   fLayout.fConstantFoldSize = options.fConstantFoldSize;
   fLayout.fHasFoldIndex = fLayout.fAreGroups && options.fConstantFoldSize != 1;
   const bool isInline = events.empty();
   const bool isByDefault =
       isInline && options.fFoldSize == FoldOptions{}.fFoldSize && !node.HasColumn(options.fFoldSize);
   fLayout.fHasFoldSize = options.fConstantFoldSize == 0 && !options.fFoldSize.empty() && !isByDefault;
   // A FoldSource hands out whole GEN events, in many small tasks: no GEN event has to be remembered.
   const bool areFoldsWhole = !fLayout.fAreGroups && events.size() == 1 && IsGenEventOfFoldSource(node, events.front());
   if (isInline || areFoldsWhole)
      fFoldOrder = EFoldOrder::kWhole;
   else
      fFoldOrder = options.fContiguous ? EFoldOrder::kStraddle : EFoldOrder::kScattered;

   if (options.fConstantFoldSize < 0)
      throw std::runtime_error(fLabels.fAction + ": the fold size is " + std::to_string(options.fConstantFoldSize) +
                               ". Expected how many RECO events were simulated from each GEN event, at least 1.");
   if (!isInline && !fLayout.fHasFoldSize && options.fConstantFoldSize == 0)
      throw std::runtime_error(fLabels.fAction +
                               ": neither a column with the fold size was given nor the fold size itself. Without it, "
                               "the number of RECO events that a selection has dropped is unknown.");
   if (fLayout.fAreGroups && options.fEvent != FoldOptions{}.fEvent)
      throw std::runtime_error(
          fLabels.fAction + ": both event and group were given. Groups take the place of events, and each RECO event "
                            "is an entry (groups have no inline mode); leave event out.");
   if (events.size() > EventKey::kMaxNumbers)
      throw std::runtime_error(fLabels.fAction + ": the GEN event is given by " + std::to_string(events.size()) +
                               " columns. Expected at most " + std::to_string(EventKey::kMaxNumbers) +
                               "; Define one that combines some of them.");

   for (const auto &value : values)
      Append(node, value, "Expected a column to histogram; Define one for an expression.");

   fLayout.fWeight = static_cast<unsigned int>(fNames.size());
   if (fLayout.fHasWeight)
      Append(node, weight, "Expected a column of weights; Define one for an expression.");

   fLayout.fEvent = static_cast<unsigned int>(fNames.size());
   for (const auto &event : events) {
      const auto position =
          Append(node, event,
                 fLayout.fAreGroups
                     ? "Expected the number of a group of GEN events; give its column, or columns, as group."
                     : "Expected the number of the GEN event that an entry was simulated from; give its column, or "
                       "columns, as event, or none (None in Python, {} in C++) if one entry is one GEN event.");
      fLayout.fIntegers.Add(position);
      fLabels.fEventColumns.push_back(event);
      fLabels.fAreSigned.push_back(!IsUnsigned(fTypes[position]));
   }

   fLayout.fFoldSize = static_cast<unsigned int>(fNames.size());
   if (fLayout.fHasFoldSize) {
      const auto position =
          Append(node, options.fFoldSize,
                 "Expected the number of RECO events simulated from a GEN event; give its column, or the number, as "
                 "fold_size.");
      fLabels.fFoldSize = "column '" + options.fFoldSize + "'";
      fLayout.fIntegers.Add(position);
   } else if (options.fConstantFoldSize > 0) {
      fLabels.fFoldSize = "the same for all";
   } else {
      fLabels.fFoldSize = "the size of column '" + fNames.front() + "'";
   }

   fLayout.fFoldIndex = static_cast<unsigned int>(fNames.size());
   if (fLayout.fHasFoldIndex) {
      const auto position = Append(
          node, options.fFoldIndex,
          "With groups, it tells which of the RECO events of its GEN event an entry is, from 0 to N-1, since those of "
          "the same fold index count as one; give its column as fold_index. It is not needed with fold_size=1.");
      fLayout.fIntegers.Add(position);
      fLabels.fFoldIndex = options.fFoldIndex;
   }
}

void FillColumns::CheckScalars(ColumnSet integers) const
{
   for (unsigned int column = 0; column < fNames.size(); ++column) {
      if (fLayout.fIntegers.Has(column) && !integers.Has(column))
         ThrowWrongType(column, "an integer");
   }
   if (fLayout.fNEvents == 0)
      ThrowWrongType(0,
                     "an RVec with one element for each RECO event, since one entry is one GEN event where no column "
                     "with the number of the GEN event is given");
}

std::size_t FillColumns::CheckAndCount(const ColumnView *row) const
{
   for (unsigned int column = 0; column < fNames.size(); ++column) {
      if (fLayout.fIntegers.Has(column)) {
         if (!row[column].IsInteger())
            ThrowWrongType(column, "an integer");
      } else if (!row[column].IsNumeric()) {
         ThrowWrongType(column, "a number, or an RVec of numbers");
      }
   }

   unsigned int first = 0;
   while (first < fLayout.fEvent && !row[first].IsCollection())
      ++first;
   if (first == fLayout.fEvent)
      return 1;
   for (unsigned int column = first + 1; column < fLayout.fEvent; ++column) {
      if (row[column].IsCollection() && row[column].GetSize() != row[first].GetSize())
         throw std::runtime_error(fLabels.fAction + ": in one entry, " + Describe(first) + " has " +
                                  std::to_string(row[first].GetSize()) + " elements and " + Describe(column) + " has " +
                                  std::to_string(row[column].GetSize()) + ". Expected the same size, or a number.");
   }
   return row[first].GetSize();
}

Long64_t FillColumns::GetFoldSizeOfGenEvent(const ColumnView *row, std::size_t nFills) const
{
   if (!row[0].IsCollection())
      CheckScalars(fLayout.fIntegers);
   if (!fLayout.fHasFoldSize && fLayout.fConstantFoldSize == 0) {
      if (nFills == 0)
         throw std::runtime_error(fLabels.fAction + ": in one entry, " + Describe(0) +
                                  " is empty, so that the fold size is not known. If RECO events were masked away, "
                                  "give the number of simulated ones as fold_size.");
      return static_cast<Long64_t>(nFills);
   }
   const Long64_t foldSize = fLayout.fHasFoldSize ? row[fLayout.fFoldSize].GetInteger() : fLayout.fConstantFoldSize;
   if (foldSize >= 1 && static_cast<Long64_t>(nFills) > foldSize)
      throw std::runtime_error(fLabels.fAction + ": in one entry, " + Describe(0) + " has " + std::to_string(nFills) +
                               " elements, more than the fold size of " + std::to_string(foldSize) + " (" +
                               fLabels.fFoldSize + "). Expected one element for each RECO event at most.");
   return foldSize;
}

unsigned int FillColumns::Append(ROOT::RDF::RNode &node, const std::string &column, const char *expected)
{
   // "#x", the size of x, is a name that RDataFrame understands beside those of columns.
   if (column.empty() || (column.front() != '#' && !node.HasColumn(column)))
      throw std::runtime_error(fLabels.fAction + ": there is no column '" + column + "'. " + expected);
   fNames.push_back(column);
   fTypes.push_back(node.GetColumnType(column));
   return static_cast<unsigned int>(fNames.size() - 1);
}

std::string FillColumns::Describe(unsigned int column) const
{
   return "column '" + fNames[column] + "' (" + fTypes[column] + ")";
}

void FillColumns::ThrowWrongType(unsigned int column, const char *expected) const
{
   throw std::runtime_error(fLabels.fAction + ": " + Describe(column) + " cannot be used. Expected " + expected + ".");
}

} // namespace FlashSim
