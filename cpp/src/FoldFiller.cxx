// Part of FlashSim for RDataFrame.
#include "FlashSim/FoldFiller.hxx"

#include <TAxis.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

namespace FlashSim {
namespace {

template <unsigned int Dimension>
std::array<const TAxis *, Dimension> GetAxes(const TH1 &histogram)
{
   const std::array<const TAxis *, 3> axes{histogram.GetXaxis(), histogram.GetYaxis(), histogram.GetZaxis()};
   std::array<const TAxis *, Dimension> used;
   for (unsigned int d = 0; d < Dimension; ++d)
      used[d] = axes[d];
   return used;
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
     fAccumulator(static_cast<std::size_t>(histogram.GetNcells()), columns->DoFoldsStraddleTasks(),
                  columns->GetLabels()),
     fColumns(std::move(columns))
{
}

template <unsigned int Dimension>
void FoldFiller<Dimension>::Fill(const ScalarColumn *row, unsigned int areIntegers)
{
   if ((fLayout.fIntegers & ~areIntegers) != 0 || !fLayout.fHasEvent)
      fColumns->CheckScalars(areIntegers);

   fAccumulator.StartRecoEvent(static_cast<ULong64_t>(row[fLayout.fEvent].fInteger),
                               fLayout.fHasFolds ? row[fLayout.fFolds].fInteger : fLayout.fConstantFolds);
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
   if (!fLayout.fHasEvent) {
      FillGenEvent(row, nFills);
      return;
   }
   fAccumulator.StartRecoEvent(static_cast<ULong64_t>(row[fLayout.fEvent].GetInteger()),
                               fLayout.fHasFolds ? row[fLayout.fFolds].GetInteger() : fLayout.fConstantFolds);
   for (std::size_t i = 0; i < nFills; ++i) {
      const auto [point, weight] = GetPointAndWeight(row, i);
      fAccumulator.FillOneOfMany(Count(point, weight), weight);
   }
   fAccumulator.EndRecoEvent();
}

template <unsigned int Dimension>
void FoldFiller<Dimension>::FillGenEvent(const ColumnView *row, std::size_t nFills)
{
   fAccumulator.StartGenEvent(fColumns->GetFoldsOfGenEvent(row, nFills));
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
      const int bin = fAxes[d]->FindFixBin(point[d]);
      const int nBins = fAxes[d]->GetNbins();
      isInRange = isInRange && bin > 0 && bin <= nBins;
      cell += stride * bin;
      stride *= nBins + 2;
   }

   ++fEntries;
   if (isInRange || fConsiderOverflows) {
      const double share = weight * fAccumulator.GetInverseFolds();
      fAccumulator.AddToTotal(weight);
      unsigned int moment = 2; // 0 and 1 are the total and its variance
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
typename FoldFiller<Dimension>::Statistics_t FoldFiller<Dimension>::GetStatistics() const
{
   auto statistics = fStatistics;
   statistics[0] = fAccumulator.GetTotal();
   statistics[1] = fAccumulator.GetTotalVariance();
   return statistics;
}

template class FoldFiller<1>;

} // namespace FlashSim
