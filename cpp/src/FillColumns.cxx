// Part of FlashSim for RDataFrame.
#include "FlashSim/FillColumns.hxx"

#include <stdexcept>
#include <utility>

namespace FlashSim {
namespace {

void RequireColumn(ROOT::RDF::RNode &node, const std::string &action, const std::string &column, const char *remedy)
{
   // "#x", the size of x, is a name that RDataFrame understands beside those of columns.
   if (column.empty() || (column.front() != '#' && !node.HasColumn(column)))
      throw std::runtime_error(action + ": there is no column '" + column + "'. " + remedy);
}

} // namespace

FillColumns::FillColumns(ROOT::RDF::RNode node, std::string action, const std::vector<std::string> &values,
                         const std::string &weight, FoldColumns folds)
   : fFolds(std::move(folds)), fNValues(values.size()), fHasWeight(!weight.empty()), fHasEvent(!fFolds.fEvent.empty())
{
   fLabels.fAction = std::move(action);
   if (fFolds.fConstantFolds < 0)
      throw std::runtime_error(fLabels.fAction + ": the number of folds is " + std::to_string(fFolds.fConstantFolds) +
                               ". Expected how many RECO events were simulated from each GEN event, at least 1.");
   const bool isFoldsDefault = fFolds.fFolds == FoldColumns{}.fFolds;
   if (fFolds.fConstantFolds > 0 || (!fHasEvent && isFoldsDefault && !node.HasColumn(fFolds.fFolds)))
      fFolds.fFolds.clear();
   fHasFolds = !fFolds.fFolds.empty();
   if (fHasEvent && !fHasFolds && fFolds.fConstantFolds == 0)
      throw std::runtime_error(fLabels.fAction +
                               ": neither a column with the number of folds was given nor the number itself. Without, "
                               "it is not known how many RECO events a selection has dropped.");

   for (const auto &value : values) {
      RequireColumn(node, fLabels.fAction, value,
                    "Expected the name of a column to histogram; Define one for an expression.");
      fNames.push_back(value);
   }
   if (fHasWeight) {
      RequireColumn(node, fLabels.fAction, weight,
                    "Expected the name of a column of weights; Define one for an expression.");
      fNames.push_back(weight);
   }
   fEventColumn = fNames.size();
   if (fHasEvent) {
      RequireColumn(node, fLabels.fAction, fFolds.fEvent,
                    "Expected the number of the GEN event that an entry was simulated from; give its column as event, or "
                    "none (None in Python, \"\" in C++) if one entry is one GEN event.");
      fNames.push_back(fFolds.fEvent);
      fLabels.fEvent = "column '" + fFolds.fEvent + "'";
   }
   fFoldsColumn = fNames.size();
   if (fHasFolds) {
      RequireColumn(node, fLabels.fAction, fFolds.fFolds,
                    "Expected the number of RECO events simulated from a GEN event; give its column, or the number, as "
                    "folds.");
      fNames.push_back(fFolds.fFolds);
      fLabels.fFolds = "column '" + fFolds.fFolds + "'";
   } else if (fFolds.fConstantFolds > 0) {
      fLabels.fFolds = "the same number for all";
   } else {
      fLabels.fFolds = "the size of column '" + fNames.front() + "'";
   }
   for (const auto &name : fNames)
      fTypes.push_back(node.GetColumnType(name));
}

std::size_t FillColumns::GetNFills(Row_t row) const
{
   bool isKnown = false;
   std::size_t first = 0;
   for (std::size_t column = 0; column < fEventColumn; ++column) {
      if (!row[column].IsNumeric())
         ThrowWrongType(column, "a number, or an RVec of numbers");
      if (!row[column].IsCollection())
         continue;
      if (isKnown && row[column].GetSize() != row[first].GetSize())
         throw std::runtime_error(fLabels.fAction + ": in one entry, " + Describe(first) + " has " +
                                  std::to_string(row[first].GetSize()) + " elements and " + Describe(column) + " has " +
                                  std::to_string(row[column].GetSize()) + ". Expected as many, or a number.");
      if (!isKnown)
         first = column;
      isKnown = true;
   }
   return row[first].GetSize();
}

Long64_t FillColumns::GetFoldsOfGenEvent(Row_t row, std::size_t nFills) const
{
   if (!row[0].IsCollection())
      ThrowWrongType(0, "an RVec with one element for each RECO event, since one entry is one GEN event where no column "
                        "with the number of the GEN event is given");
   if (!fHasFolds && fFolds.fConstantFolds == 0) {
      if (nFills == 0)
         throw std::runtime_error(fLabels.fAction + ": in one entry, " + Describe(0) +
                                  " is empty, so that the number of folds is not known. If RECO events were masked "
                                  "away, give the number that were simulated as folds.");
      return static_cast<Long64_t>(nFills);
   }
   const Long64_t folds = GetFolds(row);
   if (folds >= 1 && static_cast<Long64_t>(nFills) > folds)
      throw std::runtime_error(fLabels.fAction + ": in one entry, " + Describe(0) + " has " + std::to_string(nFills) +
                               " elements, more than the " + std::to_string(folds) + " folds (" + fLabels.fFolds +
                               "). Expected one element for each RECO event at most.");
   return folds;
}

std::string FillColumns::Describe(std::size_t column) const
{
   return "column '" + fNames[column] + "' (" + fTypes[column] + ")";
}

void FillColumns::ThrowWrongType(std::size_t column, const char *expected) const
{
   throw std::runtime_error(fLabels.fAction + ": " + Describe(column) + " cannot be used. Expected " + expected + ".");
}

} // namespace FlashSim
