// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FILLCOLUMNS
#define FLASHSIM_FILLCOLUMNS

#include "FlashSim/FoldOptions.hxx"
#include "FlashSim/booking/ColumnSet.hxx"
#include "FlashSim/booking/ColumnView.hxx"
#include "FlashSim/folds/FoldAccumulator.hxx"

#include <ROOT/RDF/RInterface.hxx>
#include <RtypesCore.h>

#include <cstddef>
#include <string>
#include <vector>

namespace FlashSim {

/// \brief The columns that fill an oversampled histogram, and their meaning: values, weight, event (or group), fold
/// size and, with groups, fold index.
///
/// Checks the columns; its errors name the histogram. Only read while the event loop runs.
class FillColumns {
public:
   /// Meaning of the columns: values first, then weight, event, fold size and fold index, as far as they exist.
   struct Layout {
      unsigned int fNValues;
      bool fHasWeight, fHasFoldSize, fHasFoldIndex;
      bool fAreGroups;                                     ///< whether the event columns identify groups of GEN events
      unsigned int fNEvents;                               ///< columns that identify the GEN event; 0: inline mode
      unsigned int fWeight, fEvent, fFoldSize, fFoldIndex; ///< positions
      ColumnSet fIntegers;                                 ///< columns that must be integers
      Long64_t fConstantFoldSize; ///< if there is no column of fold sizes; 0: in inline mode, the number of fills
   };

   /// \param[in] node source of the columns
   /// \param[in] action names the histogram in errors
   /// \param[in] values columns to histogram, one for each axis
   /// \param[in] weight column, or empty for weights of 1
   /// \param[in] options columns of the folds
   /// \throws std::runtime_error naming a column that does not exist, if the fold size cannot be known, or if
   /// there are too many event columns
   FillColumns(ROOT::RDF::RNode node, std::string action, const std::vector<std::string> &values,
               const std::string &weight, const FoldOptions &options);

   const Layout &GetLayout() const { return fLayout; }
   const std::vector<std::string> &GetNames() const { return fNames; }
   /// Types as RDataFrame names them.
   const std::vector<std::string> &GetTypes() const { return fTypes; }
   const FoldLabels &GetLabels() const { return fLabels; }
   EFoldOrder GetFoldOrder() const { return fFoldOrder; }
   bool IsCovarianceWanted() const { return fIsCovarianceWanted; }
   bool IsPart() const { return fIsPart; }

   /// \brief Checks an entry of numbers only.
   /// \param[in] integers columns that hold integers
   /// \throws std::runtime_error in inline mode, which needs an RVec, or if event or fold size hold no integers
   void CheckScalars(ColumnSet integers) const;

   /// \brief Checks an entry, and counts its fills.
   /// \param[in] row the columns
   /// \return the size of all collections among values and weight, or 1 if there are none
   /// \throws std::runtime_error if sizes differ, columns hold no numbers, or event or fold size hold no integers
   std::size_t CheckAndCount(const ColumnView *row) const;

   /// \brief In inline mode, N of the GEN event.
   /// \throws std::runtime_error if the value is no collection, or N is not known or less than the fills
   Long64_t GetFoldSizeOfGenEvent(const ColumnView *row, std::size_t nFills) const;

private:
   unsigned int Append(ROOT::RDF::RNode &node, const std::string &column, const char *expected);
   std::string Describe(unsigned int column) const;
   [[noreturn]] void ThrowWrongType(unsigned int column, const char *expected) const;

   FoldLabels fLabels;
   Layout fLayout;
   EFoldOrder fFoldOrder;
   bool fIsCovarianceWanted;
   bool fIsPart;
   std::vector<std::string> fNames;
   std::vector<std::string> fTypes;
};

} // namespace FlashSim

#endif
