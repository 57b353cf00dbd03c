// Part of FlashSim for RDataFrame.
#include "FlashSim/simulate/detail/SampleObjects.hxx"

#include <vector>

namespace FlashSim {

void SampleObjects(const DeclaredRanges &ranges, const ContextRows &rows, std::uint64_t seed, int steps,
                   ObjectTable &objects)
{
   const auto &flow = ranges.GetFlow();
   const auto &contract = flow.GetContract();
   std::vector<float> sample(rows.GetNRows() * contract.fTarget.size());
   flow.Sample(rows.GetNRows(), rows.GetContext().data(), rows.GetNoise().data(), seed, steps, sample.data());
   ranges.CheckSample(rows.GetNoise(), sample.data());
   objects.Fill(contract, sample, rows.GetNoise(), rows.GetOffsets());
}

} // namespace FlashSim
