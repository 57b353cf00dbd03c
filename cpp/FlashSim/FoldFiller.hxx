// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FOLDFILLER
#define FLASHSIM_FOLDFILLER

#include "FlashSim/FoldAccumulator.hxx"

#include <TH1.h>

#include <array>

namespace FlashSim {

/// \brief Fills the bins of one histogram from one thread: finds cells, keeps TH1's statistics, and leaves folds to FoldAccumulator.
/// \tparam Dimension number of axes, 1 to 3
///
/// Order of calls as for FoldAccumulator. The histogram gives axes and settings; it is only read.
template <unsigned int Dimension>
class FoldFiller {
   static_assert(Dimension >= 1 && Dimension <= 3, "ROOT's histograms have 1 to 3 axes");

public:
   using Point_t = std::array<double, Dimension>;
   using Statistics_t = std::array<double, TH1::kNstat>;

   FoldFiller(const TH1 &histogram, bool considerOverflows, bool foldsStraddleTasks, const FoldLabels &labels);

   void StartTask() { fAccumulator.StartTask(); }
   void EndTask() noexcept { fAccumulator.EndTask(); }

   /// A RECO event that fills once. \throws std::runtime_error as FoldAccumulator::StartRecoEvent() and Fill()
   void FillRecoEvent(ULong64_t event, Long64_t folds, const Point_t &point, double weight);

   /// A RECO event that fills any number of times, with FillOneOfMany().
   void StartRecoEvent(ULong64_t event, Long64_t folds) { fAccumulator.StartRecoEvent(event, folds); }
   void FillOneOfMany(const Point_t &point, double weight);

   /// A GEN event whose RECO events fill once each, with Fill().
   void StartGenEvent(Long64_t folds) { fAccumulator.StartGenEvent(folds); }
   /// \throws std::runtime_error, naming the GEN event, if the weight is not finite
   void Fill(const Point_t &point, double weight);
   void EndGenEvent() { fAccumulator.EndGenEvent(); }

   void Merge(const FoldFiller &other);
   void Finish() { fAccumulator.Finish(); }

   const FoldAccumulator &GetAccumulator() const { return fAccumulator; }

   /// Sums in the order of TH1::GetStats(), weighted with w / N.
   Statistics_t GetStatistics() const;

   /// Number of fills.
   double GetEntries() const { return fEntries; }

private:
   /// Finds the cell, and adds to the statistics.
   std::size_t Count(const Point_t &point, double weight);

   std::array<const TAxis *, Dimension> fAxes;
   bool fConsiderOverflows;
   std::string fAction;
   FoldAccumulator fAccumulator;
   Statistics_t fStatistics{};
   double fEntries = 0;
};

extern template class FoldFiller<1>;

} // namespace FlashSim

#endif
