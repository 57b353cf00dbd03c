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
   : fAxes(GetAxes<Dimension>(histogram)),
     fConsiderOverflows(considerOverflows),
     fColumns(std::move(columns)),
     fAccumulator(static_cast<std::size_t>(histogram.GetNcells()), fColumns->DoFoldsStraddleTasks(),
                  fColumns->GetLabels())
{
}

template <unsigned int Dimension>
void FoldFiller<Dimension>::Fill(FillColumns::Row_t row)
{
   if (!fColumns->HasEvent()) {
      FillGenEvent(row);
      return;
   }

   fAccumulator.StartRecoEvent(fColumns->GetEvent(row), fColumns->GetFolds(row));
   if (fColumns->IsOneFill(row)) {
      const double weight = fColumns->GetWeight(row, 0);
      fAccumulator.Fill(Count(row, 0, weight), weight);
      return;
   }
   const auto nFills = fColumns->GetNFills(row);
   for (std::size_t i = 0; i < nFills; ++i) {
      const double weight = fColumns->GetWeight(row, i);
      fAccumulator.FillOneOfMany(Count(row, i, weight), weight);
   }
}

template <unsigned int Dimension>
void FoldFiller<Dimension>::FillGenEvent(FillColumns::Row_t row)
{
   const auto nFills = fColumns->GetNFills(row);
   fAccumulator.StartGenEvent(fColumns->GetFoldsOfGenEvent(row, nFills));
   for (std::size_t i = 0; i < nFills; ++i) {
      const double weight = fColumns->GetWeight(row, i);
      fAccumulator.Fill(Count(row, i, weight), weight);
   }
   fAccumulator.EndGenEvent();
}

template <unsigned int Dimension>
std::size_t FoldFiller<Dimension>::Count(FillColumns::Row_t row, std::size_t element, double weight)
{
   if (!std::isfinite(weight))
      ThrowWeightNotFinite(fColumns->GetLabels(), fAccumulator.DescribeEvent(), weight);

   std::array<double, Dimension> point;
   int cell = 0;
   int stride = 1;
   bool isInRange = true;
   for (unsigned int d = 0; d < Dimension; ++d) {
      point[d] = row[d].GetNumber(element);
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
      fStatistics[0] += share;
      unsigned int moment = 2; // 1 is the variance of the total
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
   statistics[1] = fAccumulator.GetTotalVariance();
   return statistics;
}

template class FoldFiller<1>;

} // namespace FlashSim
