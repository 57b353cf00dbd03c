// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_SAMPLECOLUMNS
#define FLASHSIM_SAMPLECOLUMNS

#include "FlashSim/Flow.hxx"
#include "FlashSim/flow/DeclaredRanges.hxx"

#include <ROOT/RVec.hxx>
#include <RtypesCore.h>

#include <cstddef>
#include <vector>

namespace FlashSim {

/// Calls `function` with a value of the C++ type that a column declared as `type` has.
template <typename Function>
decltype(auto) WithValueType(EValueType type, Function &&function)
{
   switch (type) {
   case EValueType::kFloat32:
      return function(float{});
   case EValueType::kFloat64:
      return function(double{});
   case EValueType::kInt8:
      return function(static_cast<signed char>(0));
   case EValueType::kUInt8:
      return function(static_cast<unsigned char>(0));
   case EValueType::kInt16:
      return function(short{});
   case EValueType::kUInt16:
      return function(static_cast<unsigned short>(0));
   case EValueType::kInt32:
      return function(int{});
   case EValueType::kUInt32:
      return function(0u);
   case EValueType::kInt64:
      return function(Long64_t{});
   case EValueType::kUInt64:
      return function(ULong64_t{});
   case EValueType::kBool:
      break;
   }
   return function(false);
}

/// \brief Samples of many objects, turned from the flow's rows into typed columns, sorted within each RECO event.
class SampleColumns {
public:
   /// \brief Samples, and stores the result in place of what was held before.
   /// \param[in] ranges the flow that samples, and what becomes of samples that its contract does not allow
   /// \param[in] context float[n, C], one row for each object of each RECO event, \param[in] rows NoiseRow[n]
   /// \param[in] eventSizes number of objects of each RECO event; they add up to n
   /// \throws std::runtime_error if a sample is not in the range of its target
   void Fill(const DeclaredRanges &ranges, const std::vector<float> &context, const std::vector<NoiseRow> &rows,
             const std::vector<std::size_t> &eventSizes, std::uint64_t seed, int steps);

   /// View of `size` values of a target from object `first` on; T must be the type of the column.
   template <typename T>
   ROOT::VecOps::RVec<T> GetView(std::size_t target, std::size_t first, std::size_t size)
   {
      return ROOT::VecOps::RVec<T>(reinterpret_cast<T *>(fColumns[target].data()) + first, size);
   }

   ROOT::VecOps::RVec<short> GetSourceIndexView(std::size_t first, std::size_t size)
   {
      return ROOT::VecOps::RVec<short>(fSourceIndex.data() + first, size);
   }

private:
   void Sort(const FlowContract &contract, const std::vector<std::size_t> &eventSizes,
             const std::vector<NoiseRow> &rows);
   void Convert(const FlowContract &contract);

   std::vector<float> fSample;
   std::vector<std::size_t> fOrder;
   std::vector<short> fSourceIndex;
   std::vector<std::vector<std::byte>> fColumns; ///< one for each target, values of its type
};

} // namespace FlashSim

#endif
