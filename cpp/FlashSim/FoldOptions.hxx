// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FOLDOPTIONS
#define FLASHSIM_FOLDOPTIONS

#include <string>
#include <vector>

namespace FlashSim {

/// Options of an oversampled histogram: the columns that identify folds, and the sums to keep.
struct FoldOptions {
   /// Columns that together identify the GEN event, up to four, of any integer type: {"run", "luminosityBlock",
   /// "event"}, say. None: one entry is one GEN event (inline mode).
   std::vector<std::string> fEvent = {"genEvent"};
   /// Columns that identify a group of GEN events that are not independent of each other and count as one: an NLO
   /// generator's event and its counter-events, say. Up to four, of any integer type; they take the place of fEvent.
   std::vector<std::string> fGroup = {};
   /// With groups: integer column of the fold index, the number of the RECO event in its GEN event, 0 ... N-1. Ignored
   /// if fConstantFoldSize is 1.
   std::string fFoldIndex = "foldIndex";
   /// Integer column of the fold size, N of the GEN event. In inline mode, N is the size of the value's RVec without
   /// such a column.
   std::string fFoldSize = "foldSize";
   /// N of all GEN events, if not 0; fFoldSize is then ignored.
   int fConstantFoldSize = 0;
   /// Whether the RECO events of a GEN event follow one another. If not, memory grows with the number of GEN events.
   bool fContiguous = true;
   /// Whether the covariance of bins is kept: 12 bytes times the square of their number, in each thread.
   bool fCovariance = false;
   /// Whether other parts of the dataset are filled elsewhere, and the results then merged by
   /// ROOT::Detail::RDF::MergeValues(), as distributed RDataFrame does. Folds that lack RECO events are then kept.
   bool fIsPart = false;
};

} // namespace FlashSim

#endif
