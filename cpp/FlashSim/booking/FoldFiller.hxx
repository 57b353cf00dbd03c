// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FOLDFILLER
#define FLASHSIM_FOLDFILLER

#include "FlashSim/booking/BinFinder.hxx"
#include "FlashSim/booking/FillColumns.hxx"
#include "FlashSim/folds/FoldAccumulator.hxx"
#include "FlashSim/histograms/Statistics.hxx"

#include <TH1.h>

#include <array>
#include <cstddef>
#include <memory>
#include <utility>

namespace FlashSim {

/// \brief Fills one histogram from one thread: reads columns, finds bins, keeps TH1's statistics.
///
/// FoldAccumulator handles the folds. Aligned to cache lines: the fillers of two threads, which change with each entry,
/// share none.
/// \tparam Dimension number of axes, 1 to 3
template <unsigned int Dimension>
class alignas(64) FoldFiller {
   static_assert(Dimension >= 1 && Dimension <= 3, "ROOT's histograms have 1 to 3 axes");

public:
   /// \param[in] histogram source of the axes; it is only read, and must live as long
   /// \param[in] considerOverflows whether under- and overflow count in the statistics
   /// \param[in] columns that fill
   FoldFiller(const TH1 &histogram, bool considerOverflows, std::shared_ptr<const FillColumns> columns);

   void StartTask() { fAccumulator.StartTask(); }
   void EndTask() { fAccumulator.EndTask(); }

   /// \brief Fills with one entry.
   /// \param[in] row the columns
   /// \throws std::runtime_error as FoldAccumulator::StartRecoEvent() and FillColumns do, or if a weight is not finite
   void Fill(const ColumnView *row);

   /// \brief The same for an entry that holds numbers only, faster.
   /// \param[in] row the columns
   /// \param[in] integers columns that hold integers
   void Fill(const ScalarColumn *row, ColumnSet integers);

   void Merge(const FoldFiller &other);

   /// \throws std::runtime_error as FoldAccumulator::Finish()
   void Finish() { fAccumulator.Finish(); }

   /// As FoldAccumulator::FinishPart().
   OpenFolds FinishPart() { return fAccumulator.FinishPart(); }

   const FoldAccumulator &GetAccumulator() const { return fAccumulator; }

   Statistics_t GetStatistics() const;

   /// Number of fills.
   double GetEntries() const { return fEntries; }

private:
   using Point_t = std::array<double, Dimension>;

   template <typename Column>
   void StartRecoEvent(const Column *row);
   void FillGenEvent(const ColumnView *row, std::size_t nFills);
   std::pair<Point_t, double> GetPointAndWeight(const ColumnView *row, std::size_t element) const;

   /// Finds the cell, and adds to the statistics.
   std::size_t Count(const Point_t &point, double weight);

   FillColumns::Layout fLayout;
   bool fConsiderOverflows;
   std::array<BinFinder, Dimension> fAxes;
   double fEntries = 0;
   Statistics_t fStatistics{};
   FoldAccumulator fAccumulator;
   std::shared_ptr<const FillColumns> fColumns;
};

extern template class FoldFiller<1>;
extern template class FoldFiller<2>;
extern template class FoldFiller<3>;

} // namespace FlashSim

#endif
