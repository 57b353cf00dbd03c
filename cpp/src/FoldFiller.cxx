// Part of FlashSim for RDataFrame.
#include "FlashSim/FoldFiller.hxx"

#include <TAxis.h>

#include <cmath>
#include <stdexcept>
#include <string>

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

[[noreturn]] void ThrowWeightNotFinite(const std::string &action, const std::string &event, double weight)
{
   throw std::runtime_error(action + ": " + event + " has a weight of " + std::to_string(weight) +
                            ". Weights must be finite; drop or repair such events with a Filter or a Define.");
}

} // namespace

template <unsigned int Dimension>
FoldFiller<Dimension>::FoldFiller(const TH1 &histogram, bool considerOverflows, bool foldsStraddleTasks,
                                  const FoldLabels &labels)
   : fAxes(GetAxes<Dimension>(histogram)),
     fConsiderOverflows(considerOverflows),
     fAction(labels.fAction),
     fAccumulator(static_cast<std::size_t>(histogram.GetNcells()), foldsStraddleTasks, labels)
{
}

template <unsigned int Dimension>
void FoldFiller<Dimension>::FillRecoEvent(ULong64_t event, Long64_t folds, const Point_t &point, double weight)
{
   fAccumulator.StartRecoEvent(event, folds);
   fAccumulator.Fill(Count(point, weight), weight);
}

template <unsigned int Dimension>
void FoldFiller<Dimension>::FillOneOfMany(const Point_t &point, double weight)
{
   fAccumulator.FillOneOfMany(Count(point, weight), weight);
}

template <unsigned int Dimension>
void FoldFiller<Dimension>::Fill(const Point_t &point, double weight)
{
   fAccumulator.Fill(Count(point, weight), weight);
}

template <unsigned int Dimension>
std::size_t FoldFiller<Dimension>::Count(const Point_t &point, double weight)
{
   if (!std::isfinite(weight))
      ThrowWeightNotFinite(fAction, fAccumulator.DescribeEvent(), weight);

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
