// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FOLDFILLER
#define FLASHSIM_FOLDFILLER

#include "FlashSim/FillColumns.hxx"
#include "FlashSim/FoldAccumulator.hxx"

#include <TH1.h>

#include <array>
#include <cstddef>
#include <memory>

class TAxis;

namespace FlashSim {

/// \brief Fills one histogram from one thread: reads columns, finds bins, keeps TH1's statistics, leaves folds to FoldAccumulator.
/// \tparam Dimension number of axes, 1 to 3
template <unsigned int Dimension>
class FoldFiller {
   static_assert(Dimension >= 1 && Dimension <= 3, "ROOT's histograms have 1 to 3 axes");

public:
   using Statistics_t = std::array<double, TH1::kNstat>;

   /// \param[in] histogram gives the axes; it is only read, and must live as long
   /// \param[in] considerOverflows whether under- and overflow count in the statistics
   /// \param[in] columns what will fill
   FoldFiller(const TH1 &histogram, bool considerOverflows, std::shared_ptr<const FillColumns> columns);

   void StartTask() { fAccumulator.StartTask(); }
   void EndTask() noexcept { fAccumulator.EndTask(); }

   /// \brief Fills with one entry.
   /// \throws std::runtime_error as FoldAccumulator::StartRecoEvent() and FillColumns do, or if a weight is not finite
   void Fill(FillColumns::Row_t row);

   void Merge(const FoldFiller &other);

   /// \throws std::runtime_error as FoldAccumulator::Finish()
   void Finish() { fAccumulator.Finish(); }

   const FoldAccumulator &GetAccumulator() const { return fAccumulator; }

   /// Sums in the order of TH1::GetStats(), weighted with w / N.
   Statistics_t GetStatistics() const;

   /// Number of fills.
   double GetEntries() const { return fEntries; }

private:
   void FillGenEvent(FillColumns::Row_t row);

   /// Finds the cell, and adds to the statistics.
   std::size_t Count(FillColumns::Row_t row, std::size_t element, double weight);

   std::array<const TAxis *, Dimension> fAxes;
   bool fConsiderOverflows;
   std::shared_ptr<const FillColumns> fColumns;
   FoldAccumulator fAccumulator;
   Statistics_t fStatistics{};
   double fEntries = 0;
};

extern template class FoldFiller<1>;

} // namespace FlashSim

#endif
