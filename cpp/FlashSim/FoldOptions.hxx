// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FOLDOPTIONS
#define FLASHSIM_FOLDOPTIONS

#include <string>
#include <vector>

namespace FlashSim {

/// How an oversampled histogram is filled: which RECO events were made from the same GEN event, and what is kept.
struct FoldOptions {
   /// Columns that together identify the GEN event, up to four, of any integer type: {"run", "luminosityBlock",
   /// "event"}, say. None: one entry is one GEN event (inline mode).
   std::vector<std::string> fEvent = {"genEvent"};
   /// Columns that identify a group of GEN events that are not independent of each other and count as one: an NLO
   /// generator's event and its counter-events, say. Up to four, of any integer type; they take the place of fEvent.
   std::vector<std::string> fGroup = {};
   /// With groups: column of the fold index, which of its GEN event's N RECO events an entry is, 0 ... N-1, an integer.
   /// Not looked at if fConstantFoldSize is 1.
   std::string fFoldIndex = "foldIndex";
   /// Column of the fold size, N of the GEN event, an integer. In inline mode, the size of the value's RVec if there is
   /// no such column.
   std::string fFoldSize = "foldSize";
   /// N of all GEN events, if not 0; then fFoldSize is not looked at.
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
