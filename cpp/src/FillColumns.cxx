// Part of FlashSim for RDataFrame.
#include "FlashSim/FillColumns.hxx"

#include "FlashSim/FoldSource.hxx"

#include <stdexcept>
#include <utility>

namespace FlashSim {

FillColumns::FillColumns(ROOT::RDF::RNode node, std::string action, const std::vector<std::string> &values,
                         const std::string &weight, const FoldColumns &folds)
{
   fLabels.fAction = std::move(action);
   fLayout.fNValues = static_cast<unsigned int>(values.size());
   fLayout.fHasWeight = !weight.empty();
   fLayout.fHasEvent = !folds.fEvent.empty();
   fLayout.fConstantFolds = folds.fConstantFolds;
   const bool isByDefault = !fLayout.fHasEvent && folds.fFolds == FoldColumns{}.fFolds && !node.HasColumn(folds.fFolds);
   fLayout.fHasFolds = folds.fConstantFolds == 0 && !folds.fFolds.empty() && !isByDefault;
   // A FoldSource hands out whole GEN events, in many small tasks of which nothing has to be remembered.
   const bool areFoldsWhole = folds.fEvent == "genEvent" && ReadsFoldSource(node);
   fFoldsStraddleTasks = fLayout.fHasEvent && folds.fFoldsStraddleTasks && !areFoldsWhole;

   if (folds.fConstantFolds < 0)
      throw std::runtime_error(fLabels.fAction + ": the number of folds is " + std::to_string(folds.fConstantFolds) +
                               ". Expected how many RECO events were simulated from each GEN event, at least 1.");
   if (fLayout.fHasEvent && !fLayout.fHasFolds && folds.fConstantFolds == 0)
      throw std::runtime_error(fLabels.fAction +
                               ": neither a column with the number of folds was given nor the number itself. Without, "
                               "it is not known how many RECO events a selection has dropped.");

   for (const auto &value : values)
      Append(node, value, "Expected a column to histogram; Define one for an expression.");

   fLayout.fWeight = static_cast<unsigned int>(fNames.size());
   if (fLayout.fHasWeight)
      Append(node, weight, "Expected a column of weights; Define one for an expression.");

   fLayout.fEvent = static_cast<unsigned int>(fNames.size());
   if (fLayout.fHasEvent) {
      Append(node, folds.fEvent,
             "Expected the number of the GEN event that an entry was simulated from; give its column as event, or none "
             "(None in Python, \"\" in C++) if one entry is one GEN event.");
      fLabels.fEvent = "column '" + folds.fEvent + "'";
      fLayout.fIntegers |= 1U << fLayout.fEvent;
   }

   fLayout.fFolds = static_cast<unsigned int>(fNames.size());
   if (fLayout.fHasFolds) {
      Append(
          node, folds.fFolds,
          "Expected the number of RECO events simulated from a GEN event; give its column, or the number, as folds.");
      fLabels.fFolds = "column '" + folds.fFolds + "'";
      fLayout.fIntegers |= 1U << fLayout.fFolds;
   } else if (folds.fConstantFolds > 0) {
      fLabels.fFolds = "the same number for all";
   } else {
      fLabels.fFolds = "the size of column '" + fNames.front() + "'";
   }
}

void FillColumns::CheckScalars(unsigned int areIntegers) const
{
   for (unsigned int column = 0; column < fNames.size(); ++column) {
      if ((fLayout.fIntegers & ~areIntegers) >> column & 1U)
         ThrowWrongType(column, "an integer");
   }
   if (!fLayout.fHasEvent)
      ThrowWrongType(0,
                     "an RVec with one element for each RECO event, since one entry is one GEN event where no column "
                     "with the number of the GEN event is given");
}

std::size_t FillColumns::CheckAndCount(const ColumnView *row) const
{
   for (unsigned int column = 0; column < fNames.size(); ++column) {
      if (fLayout.fIntegers >> column & 1U) {
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
                                  std::to_string(row[column].GetSize()) + ". Expected as many, or a number.");
   }
   return row[first].GetSize();
}

Long64_t FillColumns::GetFoldsOfGenEvent(const ColumnView *row, std::size_t nFills) const
{
   if (!row[0].IsCollection())
      CheckScalars(fLayout.fIntegers);
   if (!fLayout.fHasFolds && fLayout.fConstantFolds == 0) {
      if (nFills == 0)
         throw std::runtime_error(fLabels.fAction + ": in one entry, " + Describe(0) +
                                  " is empty, so that the number of folds is not known. If RECO events were masked "
                                  "away, give the number that were simulated as folds.");
      return static_cast<Long64_t>(nFills);
   }
   const Long64_t folds = fLayout.fHasFolds ? row[fLayout.fFolds].GetInteger() : fLayout.fConstantFolds;
   if (folds >= 1 && static_cast<Long64_t>(nFills) > folds)
      throw std::runtime_error(fLabels.fAction + ": in one entry, " + Describe(0) + " has " + std::to_string(nFills) +
                               " elements, more than the " + std::to_string(folds) + " folds (" + fLabels.fFolds +
                               "). Expected one element for each RECO event at most.");
   return folds;
}

void FillColumns::Append(ROOT::RDF::RNode &node, const std::string &column, const char *expected)
{
   // "#x", the size of x, is a name that RDataFrame understands beside those of columns.
   if (column.empty() || (column.front() != '#' && !node.HasColumn(column)))
      throw std::runtime_error(fLabels.fAction + ": there is no column '" + column + "'. " + expected);
   fNames.push_back(column);
   fTypes.push_back(node.GetColumnType(column));
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
