// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FOLDACCUMULATOR
#define FLASHSIM_FOLDACCUMULATOR

#include <RtypesCore.h>

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace FlashSim {

/// How error messages name what they complain about.
struct FoldLabels {
   std::string fAction; ///< what is filled, as in `FlashSim: OversampledTH1D 'mjj'`
   std::string fEvent;  ///< where the number of the GEN event comes from; empty if events have none
   std::string fFolds;  ///< where the number of folds comes from
};

/// \brief Sums weights by fold, so that variances know which fills are correlated because they share a GEN event.
///
/// GEN event j is simulated N_j times; fill i of it has the weight w_ji, and x_jlb is what its RECO event l adds to
/// cell b in total. Per GEN event and cell
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
/// The variance is that of a sum over independent GEN events. With n folds it would be the limit variance (an unbiased
/// estimate of what remains for N -> infinity) plus the fold variance (the spread between the folds of one GEN event)
/// divided by n. Both need two folds: a GEN event with N = 1 makes them NaN in the cells that it fills. RECO events
/// that a selection has dropped count in N_j. The naive variance is what TH1::Fill would claim; it differs from sum_j
/// R_jb where a RECO event fills a cell more than once.
///
/// Cells are numbers from 0 to nCells - 1; what they mean (bins of how many axes) is not known here. A GEN event costs
/// time proportional to the cells that it fills. Memory: 40 bytes per cell.
///
/// *Order of calls*: StartTask(), then for each RECO event StartRecoEvent() and its fills (one Fill(), or any number of
/// FillOneOfMany() and EndRecoEvent()), EndTask(); as many tasks as one likes; at the end Merge() of other
/// accumulators, Finish(), and the getters.
///
/// The RECO events of a GEN event must follow one another. If they may be split between tasks (`foldsStraddleTasks`),
/// the first and the last fold of each task are kept aside, in memory that grows with the number of tasks, and Finish()
/// joins those of the same GEN event; its number must then be unique in the dataset.
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

   FoldAccumulator(std::size_t nCells, bool foldsStraddleTasks, FoldLabels labels);

   void StartTask();

   /// Ends the last fold of the task. Throws nothing: RDataFrame calls it from a destructor.
   void EndTask() noexcept;

   /// \brief Starts the next RECO event.
   /// \param[in] event number of the GEN event that it was made from
   /// \param[in] folds N of this GEN event
   /// \throws std::runtime_error, naming the GEN event, if `folds` is below 1 or not the same in all of the GEN event,
   /// or if there are more RECO events than that
   void StartRecoEvent(ULong64_t event, Long64_t folds)
   {
      if (!fInFold || event != fFold.fEvent)
         StartNextFold(event, folds);
      if (folds != fFold.fFolds)
         ThrowFoldsDiffer(folds);
      if (++fFold.fRecoEvents > folds)
         ThrowTooManyRecoEvents();
   }

   /// Starts a GEN event that has no number; EndGenEvent() ends it. \throws std::runtime_error if `folds` is below 1
   void StartGenEvent(Long64_t folds);
   void EndGenEvent() { EndFold(); }

   /// Fill by a RECO event that fills this cell just once.
   void Fill(std::size_t cell, double weight)
   {
      Weights &weights = GetWeights(cell);
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
   double GetInverseFolds() const { return fInverseFolds; }

   /// Names the current GEN event in error messages.
   std::string DescribeEvent() const;

   /// Adds all that the other one holds, kept-aside folds included. \pre as many cells
   void Merge(const FoldAccumulator &other);

   /// \brief Joins the folds that were kept aside.
   /// \throws std::runtime_error, naming the GEN event, if the parts do not agree on N or have more than N RECO events
   void Finish();

   std::size_t GetNCells() const { return fSums.size(); }
   const Sums &GetSums(std::size_t cell) const { return fSums[cell]; }

   /// sum_j sum_i w_ji / N_j over what AddToTotal() was given.
   double GetTotal() const { return fTotal; }

   /// sum_j (sum_i w_ji / N_j)^2: the variance of GetTotal(), correlations between cells included.
   double GetTotalVariance() const { return fTotalVariance; }

   /// GEN events that filled at least once.
   ULong64_t GetNGenEvents() const { return fNGenEvents; }

private:
   static constexpr std::size_t kNoCell = std::numeric_limits<std::size_t>::max();

   /// What a fold has filled into a cell; not yet divided by N.
   struct Weights {
      std::size_t fCell = kNoCell;
      double fSum = 0;      ///< sum_i w_ji
      double fRecoSum2 = 0; ///< sum_l x_jlb^2
      double fFillSum2 = 0; ///< sum_i w_ji^2
   };

   /// What one RECO event adds to a cell.
   struct RecoCell {
      std::size_t fCell;
      double fWeight, fFillWeight2;
   };

   /// Up to so many cells of a RECO event are searched one by one, more are sorted.
   static constexpr std::size_t kFewCells = 32;

   static constexpr std::size_t kHashFactor = 0x9E3779B1; ///< odd, near the golden ratio of 2^32: spreads neighbours

   /// What is known of a fold beside its cells.
   struct Fold {
      ULong64_t fEvent = 0;
      Long64_t fFolds = 0;
      Long64_t fRecoEvents = 0; ///< seen so far
      double fTotal = 0;
   };

   /// A fold, or a part of it, that was kept aside.
   struct Part {
      Fold fFold;
      std::vector<Weights> fWeights;
   };

   /// The weights of the current fold in this cell: in a hash table, so that they stay in the cache however many cells
   /// there are.
   Weights &GetWeights(std::size_t cell)
   {
      std::size_t place = (cell * kHashFactor) & fPlaceMask;
      while (fTable[place].fCell != cell) {
         if (fTable[place].fCell == kNoCell)
            return Insert(cell, place);
         place = (place + 1) & fPlaceMask;
      }
      return fTable[place];
   }
   Weights &Insert(std::size_t cell, std::size_t place);

   /// Calls `use` with all weights of the fold, and forgets them.
   template <typename Use>
   void TakeWeights(Use use)
   {
      for (const auto place : fPlaces) {
         use(fTable[place]);
         fTable[place] = Weights{};
      }
      fPlaces.clear();
   }

   void StartNextFold(ULong64_t event, Long64_t folds);
   void StartFold(ULong64_t event, Long64_t folds);
   void EndFold();
   void AddFoldToSums();
   void KeepAside();
   [[noreturn]] void ThrowFoldsBelowOne(Long64_t folds) const;
   [[noreturn]] void ThrowFoldsDiffer(Long64_t folds) const;
   [[noreturn]] void ThrowTooManyRecoEvents() const;

   FoldLabels fLabels;
   bool fFoldsStraddleTasks;

   std::vector<Sums> fSums;
   std::vector<Weights> fTable;      ///< hash table of the current fold, at most half full; its size is a power of 2
   std::vector<std::size_t> fPlaces; ///< used places of the table, in the order of first fills
   std::size_t fPlaceMask;           ///< size of the table - 1
   std::vector<RecoCell> fRecoCells; ///< of the current RECO event; a cell may appear again if there are many
   Fold fFold;
   double fInverseFolds = 0;
   bool fInFold = false;
   bool fIsFirstFold = true; ///< of the task

   std::vector<Part> fParts;
   double fTotal = 0;
   double fTotalVariance = 0;
   ULong64_t fNGenEvents = 0;
};

} // namespace FlashSim

#endif
