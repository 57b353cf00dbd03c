// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FILLCOLUMNS
#define FLASHSIM_FILLCOLUMNS

#include "FlashSim/ColumnView.hxx"
#include "FlashSim/FoldAccumulator.hxx"

#include <ROOT/RDF/RInterface.hxx>
#include <RtypesCore.h>

#include <cstddef>
#include <string>
#include <vector>

namespace FlashSim {

/// Where an action finds which RECO events were made from the same GEN event.
struct FoldColumns {
   /// Number of the GEN event, an integer column; empty: one entry is one GEN event (inline mode).
   std::string fEvent = "genEvent";
   /// N of the GEN event, an integer column. In inline mode, the size of the value's RVec if there is no such column.
   std::string fFolds = "nFolds";
   /// N of all GEN events, if not 0; then fFolds is not looked at.
   int fConstantFolds = 0;
   /// Whether the entries of a GEN event may be split between tasks: true for files, false for a FoldSource.
   bool fFoldsStraddleTasks = true;
};

/// \brief The columns that fill an oversampled histogram, and what they mean: values, weight, event and folds.
///
/// Checks what can be wrong with them, and says so in the name of the histogram. Only read while the event loop runs.
class FillColumns {
public:
   /// The columns of one entry, in the order of GetNames().
   using Row_t = const ColumnView *;

   /// \param[in] node what the columns are read from
   /// \param[in] action names the histogram in errors
   /// \param[in] values columns to histogram, one for each axis
   /// \param[in] weight column, or empty for weights of 1
   /// \param[in] folds where folds are found
   /// \throws std::runtime_error naming a column that does not exist, or if the number of folds cannot be known
   FillColumns(ROOT::RDF::RNode node, std::string action, const std::vector<std::string> &values,
               const std::string &weight, FoldColumns folds);

   /// Values, then weight, event and folds, as far as there are.
   const std::vector<std::string> &GetNames() const { return fNames; }

   const FoldLabels &GetLabels() const { return fLabels; }
   bool HasEvent() const { return fHasEvent; }
   bool DoFoldsStraddleTasks() const { return fHasEvent && fFolds.fFoldsStraddleTasks; }

   double GetWeight(Row_t row, std::size_t element) const
   {
      return fHasWeight ? row[fNValues].GetNumber(element) : 1.;
   }

   /// \throws std::runtime_error if the column holds no integer. \pre HasEvent()
   ULong64_t GetEvent(Row_t row) const { return static_cast<ULong64_t>(GetInteger(row, fEventColumn)); }

   /// N of the GEN event. \pre HasEvent(). \throws std::runtime_error if the column holds no integer
   Long64_t GetFolds(Row_t row) const
   {
      return fHasFolds ? GetInteger(row, fFoldsColumn) : fFolds.fConstantFolds;
   }

   /// Whether this is one fill of the histogram, not a collection of fills.
   bool IsOneFill(Row_t row) const
   {
      for (std::size_t i = 0; i < fEventColumn; ++i) {
         if (row[i].IsCollection() || !row[i].IsNumeric())
            return false;
      }
      return true;
   }

   /// \brief The number of fills: the size of all collections among values and weight.
   /// \throws std::runtime_error if they differ, or are not numbers. \pre !IsOneFill()
   std::size_t GetNFills(Row_t row) const;

   /// \brief In inline mode, N of the GEN event.
   /// \throws std::runtime_error if the first value is no collection, or N is not known or less than the fills
   Long64_t GetFoldsOfGenEvent(Row_t row, std::size_t nFills) const;

private:
   Long64_t GetInteger(Row_t row, std::size_t column) const
   {
      if (!row[column].IsInteger())
         ThrowWrongType(column, "an integer");
      return row[column].GetInteger();
   }

   std::string Describe(std::size_t column) const;
   [[noreturn]] void ThrowWrongType(std::size_t column, const char *expected) const;

   FoldColumns fFolds;
   FoldLabels fLabels;
   std::size_t fNValues;
   bool fHasWeight, fHasEvent, fHasFolds;
   std::size_t fEventColumn, fFoldsColumn; ///< where they are, if they are
   std::vector<std::string> fNames;
   std::vector<std::string> fTypes;
};

} // namespace FlashSim

#endif
