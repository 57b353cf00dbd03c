// Part of FlashSim for RDataFrame.
#include "FlashSim/booking/FoldFiller.hxx"

#include <TAxis.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

namespace FlashSim {
namespace {

template <unsigned int Dimension>
std::array<BinFinder, Dimension> GetAxes(const TH1 &histogram)
{
   const std::array<const TAxis *, 3> axes{histogram.GetXaxis(), histogram.GetYaxis(), histogram.GetZaxis()};
   std::array<BinFinder, Dimension> used;
   for (unsigned int d = 0; d < Dimension; ++d)
      used[d] = BinFinder(*axes[d]);
   return used;
}

Long64_t GetInteger(const ScalarColumn &column)
{
   return column.fInteger;
}

Long64_t GetInteger(const ColumnView &column)
{
   return column.GetInteger();
}

[[noreturn]] void ThrowWeightNotFinite(const FoldLabels &labels, const std::string &event, double weight)
{
   throw std::runtime_error(labels.fAction + ": " + event + " has a weight of " + std::to_string(weight) +
                            ". Weights must be finite; drop or repair such events with a Filter or a Define.");
}

} // namespace

template <unsigned int Dimension>
FoldFiller<Dimension>::FoldFiller(const TH1 &histogram, bool considerOverflows,
                                  std::shared_ptr<const FillColumns> columns)
   : fLayout(columns->GetLayout()), fConsiderOverflows(considerOverflows), fAxes(GetAxes<Dimension>(histogram)),
     fAccumulator(static_cast<std::size_t>(histogram.GetNcells()), columns->GetFoldOrder(),
                  columns->IsCovarianceWanted(), columns->GetLabels()),
     fColumns(std::move(columns))
{
}

template <unsigned int Dimension>
template <typename Column>
inline void FoldFiller<Dimension>::StartRecoEvent(const Column *row)
{
   EventKey event;
   for (unsigned int i = 0; i < fLayout.fNEvents; ++i)
      event.fNumbers[i] = static_cast<ULong64_t>(GetInteger(row[fLayout.fEvent + i]));
   const Long64_t foldSize = fLayout.fHasFoldSize ? GetInteger(row[fLayout.fFoldSize]) : fLayout.fConstantFoldSize;
   if (fLayout.fAreGroups)
      fAccumulator.StartRecoEventOfGroup(event, foldSize,
                                         fLayout.fHasFoldIndex ? GetInteger(row[fLayout.fFoldIndex]) : 0);
   else
      fAccumulator.StartRecoEvent(event, foldSize);
}

template <unsigned int Dimension>
void FoldFiller<Dimension>::Fill(const ScalarColumn *row, ColumnSet integers)
{
   if (!integers.HasAll(fLayout.fIntegers) || fLayout.fNEvents == 0)
      fColumns->CheckScalars(integers);

   StartRecoEvent(row);
   Point_t point;
   for (unsigned int d = 0; d < Dimension; ++d)
      point[d] = row[d].fNumber;
   const double weight = fLayout.fHasWeight ? row[Dimension].fNumber : 1.;
   fAccumulator.Fill(Count(point, weight), weight);
}

template <unsigned int Dimension>
void FoldFiller<Dimension>::Fill(const ColumnView *row)
{
   const auto nFills = fColumns->CheckAndCount(row);
   if (fLayout.fNEvents == 0) {
      FillGenEvent(row, nFills);
      return;
   }
   StartRecoEvent(row);
   for (std::size_t i = 0; i < nFills; ++i) {
      const auto [point, weight] = GetPointAndWeight(row, i);
      fAccumulator.FillOneOfMany(Count(point, weight), weight);
   }
   fAccumulator.EndRecoEvent();
}

template <unsigned int Dimension>
void FoldFiller<Dimension>::FillGenEvent(const ColumnView *row, std::size_t nFills)
{
   fAccumulator.StartGenEvent(fColumns->GetFoldSizeOfGenEvent(row, nFills));
   for (std::size_t i = 0; i < nFills; ++i) {
      const auto [point, weight] = GetPointAndWeight(row, i);
      fAccumulator.Fill(Count(point, weight), weight);
   }
   fAccumulator.EndGenEvent();
}

template <unsigned int Dimension>
std::pair<typename FoldFiller<Dimension>::Point_t, double>
FoldFiller<Dimension>::GetPointAndWeight(const ColumnView *row, std::size_t element) const
{
   Point_t point;
   for (unsigned int d = 0; d < Dimension; ++d)
      point[d] = row[d].GetNumber(element);
   return {point, fLayout.fHasWeight ? row[Dimension].GetNumber(element) : 1.};
}

template <unsigned int Dimension>
inline std::size_t FoldFiller<Dimension>::Count(const Point_t &point, double weight)
{
   if (!std::isfinite(weight))
      ThrowWeightNotFinite(fColumns->GetLabels(), fAccumulator.DescribeEvent(), weight);

   int cell = 0;
   int stride = 1;
   bool isInRange = true;
   for (unsigned int d = 0; d < Dimension; ++d) {
      const int bin = fAxes[d].Find(point[d]);
      const int nBins = fAxes[d].GetNBins();
      isInRange = isInRange && bin > 0 && bin <= nBins;
      cell += stride * bin;
      stride *= nBins + 2;
   }

   ++fEntries;
   if (isInRange || fConsiderOverflows) {
      const double share = weight * fAccumulator.GetInverseFoldSize();
      fAccumulator.AddToTotal(weight);
      std::size_t moment = Statistics::kMoments;
      for (unsigned int d = 0; d < Dimension; ++d) {
         fStatistics[moment++] += share * point[d];
         fStatistics[moment++] += share * point[d] * point[d];
         for (unsigned int e = 0; e < d; ++e)
            fStatistics[moment++] += share * point[e] * point[d];
      }
   }
   return static_cast<std::size_t>(cell);
}

template <unsigned int Dimension>
void FoldFiller<Dimension>::Merge(const FoldFiller &other)
{
   fAccumulator.Merge(other.fAccumulator);
   for (std::size_t i = 0; i < fStatistics.size(); ++i)
      fStatistics[i] += other.fStatistics[i];
   fEntries += other.fEntries;
}

template <unsigned int Dimension>
Statistics_t FoldFiller<Dimension>::GetStatistics() const
{
   auto statistics = fStatistics;
   statistics[Statistics::kTotal] = fAccumulator.GetTotal();
   statistics[Statistics::kTotalVariance] = fAccumulator.GetTotalVariance();
   return statistics;
}

template class FoldFiller<1>;
template class FoldFiller<2>;
template class FoldFiller<3>;

} // namespace FlashSim
