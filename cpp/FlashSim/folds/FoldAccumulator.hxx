// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FOLDACCUMULATOR
#define FLASHSIM_FOLDACCUMULATOR

#include "FlashSim/folds/EventKey.hxx"
#include "FlashSim/folds/FoldLabels.hxx"
#include "FlashSim/folds/FoldPart.hxx"
#include "FlashSim/folds/FoldTable.hxx"
#include "FlashSim/folds/OpenFolds.hxx"
#include "FlashSim/folds/PairSums.hxx"
#include "FlashSim/folds/SeenEvents.hxx"

#include <RtypesCore.h>

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

namespace FlashSim {

/// RECO events of a GEN event that may lie apart from the others.
enum class EFoldOrder {
   kWhole,     ///< none: they follow one another within a task
   kStraddle,  ///< they follow one another, but may be split between tasks
   kScattered, ///< all: they may lie anywhere
};

/// \brief Sums weights by fold, for variances that include the correlation of fills from the same GEN event.
///
/// GEN event j is simulated N_j times; fill i of it has the weight w_ji, and its RECO event l adds x_jlb to cell b in
/// total. Per GEN event and cell
///
///     A_jb = sum_l x_jlb / N_j        R_jb = sum_l (x_jlb / N_j)^2
///
/// and in the sums over GEN events, for each cell,
///
///     content         sum_j A_jb
///     variance        sum_j A_jb^2
///     naive variance  sum_j sum_i (w_ji / N_j)^2
///     limit variance  sum_j (A_jb^2 - R_jb) N_j / (N_j - 1)
///     fold variance   sum_j N_j (N_j R_jb - A_jb^2) / (N_j - 1)
///
/// and, if wanted, the same for pairs of cells (PairSums). The variance is that of a sum over independent GEN events.
/// With a fold size of n it would be the limit variance (an unbiased estimate of the variance for N -> infinity) plus
/// the fold variance (the spread between the RECO events of one GEN event) divided by n. Both need two RECO events: a
/// GEN event with N = 1 makes them NaN in the cells that it fills. RECO events that a selection has dropped count in
/// N_j. The naive variance is that of TH1::Fill; it differs from sum_j R_jb where a RECO event fills a cell more than
/// once.
///
/// *Groups of GEN events* that are not independent of each other, each simulated N_g times, are one unit: g in the
/// place of j, with x_glb the sum of x_jlb over the GEN events j of the group. (RECO events of the same l may share
/// random numbers; those of different l do not.)
///
/// Cells are numbers from 0 to nCells - 1; their bins and axes are not known here. A GEN event costs time proportional
/// to the cells that it fills, or to their square with covariance. Memory: 40 bytes per cell.
///
/// *Order of calls*: StartTask(), then for each RECO event StartRecoEvent() and its fills (one Fill(), or any number of
/// FillOneOfMany() and EndRecoEvent()), EndTask(); any number of tasks; at the end Merge() of other accumulators,
/// Finish(), and the getters.
///
/// *Order of RECO events* (EFoldOrder): where folds may be split between tasks, the first and the last fold of each
/// task are parked, in memory that grows with the number of tasks, and Finish() joins those of the same GEN event; its
/// key must then be unique in the dataset. A GEN event that reappears elsewhere is an error; SeenEvents finds it,
/// within limits described there. Where RECO events are scattered, all folds are parked, in memory that grows with the
/// number of GEN events, some 400 bytes each.
///
/// *Threads*: one accumulator for each thread.
///
/// Source: arXiv:2402.13684 (oversampling), root-project/root #16740 (the request).
class FoldAccumulator {
public:
   /// Sums over GEN events, for one cell.
   struct Sums {
      double fContent = 0;
      double fVariance = 0;
      double fNaiveVariance = 0;
      double fLimitVariance = 0;
      double fFoldVariance = 0;

      Sums &operator+=(const Sums &other);
   };

   /// \pre with covariance, nCells <= PairSums::kMaxCells
   FoldAccumulator(std::size_t nCells, EFoldOrder order, bool withCovariance, FoldLabels labels);

   void StartTask();

   /// Ends the last fold of the task. \throws std::bad_alloc
   void EndTask();

   /// \brief Starts the next RECO event.
   /// \param[in] event the GEN event that it was made from
   /// \param[in] foldSize N of this GEN event
   /// \throws std::runtime_error, naming the GEN event, if `foldSize` is below 1 or not the same in all of the GEN
   /// event, if there are more RECO events than that, or if the GEN event was already complete
   void StartRecoEvent(const EventKey &event, Long64_t foldSize)
   {
      if (!fInFold || event != fFold.fEvent)
         StartNextFold(event, foldSize);
      if (foldSize != fFold.fFoldSize)
         fLabels.ThrowFoldSizesDiffer(fFold.fEvent, fFold.fFoldSize, foldSize);
      if (++fFold.fRecoEvents > foldSize)
         fLabels.ThrowTooManyRecoEvents(fFold.fEvent, foldSize);
   }

   /// \brief The same if GEN events come in groups.
   /// \param[in] group the group of GEN events
   /// \param[in] foldSize N of each of them
   /// \param[in] foldIndex position of the RECO event among those of its GEN event, from 0 to N-1
   /// \throws std::runtime_error, naming the group, if `foldSize` is below 1 or not the same in all of it, if there is
   /// no such `foldIndex`, or if the group was already complete
   void StartRecoEventOfGroup(const EventKey &group, Long64_t foldSize, Long64_t foldIndex)
   {
      if (!fInFold || group != fFold.fEvent)
         StartNextFold(group, foldSize);
      if (foldSize != fFold.fFoldSize)
         fLabels.ThrowFoldSizesDiffer(fFold.fEvent, fFold.fFoldSize, foldSize);
      if (foldIndex < 0 || foldIndex >= foldSize)
         fLabels.ThrowNoSuchFoldIndex(fFold.fEvent, foldSize, foldIndex);
      ++fFold.fRecoEvents;
      fFirstKey = static_cast<std::size_t>(foldIndex) * fSums.size();
   }

   /// Starts a GEN event that has no number; EndGenEvent() ends it. \throws std::runtime_error if `foldSize` is below 1
   void StartGenEvent(Long64_t foldSize);
   void EndGenEvent();

   /// Fill by a RECO event that fills this cell only once.
   void Fill(std::size_t cell, double weight)
   {
      // The sums of the cell are needed at the end of the fold: with many cells they are not in the cache.
      __builtin_prefetch(&fSums[cell], 1);
      CellWeights &weights = fTable.Get(fFirstKey + cell);
      weights.fSum += weight;
      weights.fRecoSum2 += weight * weight;
      weights.fFillSum2 += weight * weight;
   }

   /// One of any number of fills by the same RECO event; EndRecoEvent() is to follow the last.
   void FillOneOfMany(std::size_t cell, double weight)
   {
      if (fRecoCells.size() <= kFewCells) {
         for (auto &filled : fRecoCells) {
            if (filled.fCell == cell) {
               filled.fWeight += weight;
               filled.fFillWeight2 += weight * weight;
               return;
            }
         }
      }
      fRecoCells.push_back({cell, weight, weight * weight});
   }
   void EndRecoEvent();

   /// Adds to the total weight of the fold, of which GetTotal() and GetTotalVariance() give the sum over GEN events.
   void AddToTotal(double weight) { fFold.fTotal += weight; }

   /// 1 / N of the current fold.
   double GetInverseFoldSize() const { return fInverseFoldSize; }

   /// Names the current GEN event in error messages.
   std::string DescribeEvent() const { return fLabels.Describe(fFold.fEvent); }

   /// Adds the content of the other one, parked folds included. \pre as many cells, and covariance for both or none
   void Merge(const FoldAccumulator &other);

   /// \brief Joins the folds that were parked.
   /// \throws std::runtime_error, naming the GEN event, if the parts do not agree on N or have more than N RECO events,
   /// or if a part of a GEN event was taken as complete
   void Finish() { FinishParked(nullptr); }

   /// As Finish(), if other parts of the dataset are filled elsewhere. \return the folds that may have RECO events
   /// there
   OpenFolds FinishPart();

   std::size_t GetNCells() const { return fSums.size(); }
   const Sums &GetSums(std::size_t cell) const { return fSums[cell]; }

   /// Exist only on request.
   const PairSums &GetPairSums() const { return fPairs; }

   /// sum_j sum_i w_ji / N_j over the weights of AddToTotal().
   double GetTotal() const { return fTotal; }

   /// sum_j (sum_i w_ji / N_j)^2: the variance of GetTotal(), correlations between cells included.
   double GetTotalVariance() const { return fTotalVariance; }

   /// GEN events that filled at least once.
   ULong64_t GetNGenEvents() const { return fNGenEvents; }

private:
   /// Contribution of one RECO event to a cell.
   struct RecoCell {
      std::size_t fCell;
      double fWeight, fFillWeight2;
   };

   /// Largest number of cells of a RECO event that are searched one by one; more are sorted.
   static constexpr std::size_t kFewCells = 32;

   /// A fold, or a part of it, that waits for the rest.
   struct ParkedFold : FoldPart {
      Long64_t fOtherFoldSize = 0; ///< N of another part, if it differs
   };
   using ParkedFolds_t = std::unordered_map<EventKey, ParkedFold, EventKey::Hash>;

   void StartNextFold(const EventKey &event, Long64_t foldSize);
   void StartFold(const EventKey &event, Long64_t foldSize);
   void EndFold();
   void AddFoldToSums();
   void AddPairsToSums();
   /// Whether the fold may have other parts elsewhere.
   bool MayBeParked() const
   {
      return fOrder == EFoldOrder::kScattered || (fOrder == EFoldOrder::kStraddle && fIsFirstFold);
   }
   void Park();
   void Join(ParkedFold &&part);
   void Unpark(const ParkedFold &parked);
   void JoinRecoCells();
   void JoinGenEventsOfGroup();
   void FinishParked(OpenFolds *open);

   FoldLabels fLabels;
   EFoldOrder fOrder;

   std::vector<Sums> fSums;
   PairSums fPairs;
   FoldTable fTable;                 ///< of the current fold; of a group, with the cells of each RECO event apart
   std::size_t fFirstKey = 0;        ///< key of cell 0 in the table: of a group, fold index * nCells
   std::vector<RecoCell> fRecoCells; ///< of the current RECO event; a cell may appear again if there are many
   Fold fFold;
   double fInverseFoldSize = 0;
   bool fInFold = false;
   bool fIsFirstFold = true; ///< of the task

   ParkedFolds_t fParked;
   SeenEvents fAdded; ///< GEN events that went into the sums
   bool fIsAnyAddedTwice = false;
   double fTotal = 0;
   double fTotalVariance = 0;
   ULong64_t fNGenEvents = 0;
};

} // namespace FlashSim

#endif
