// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_OBJECTTABLE
#define FLASHSIM_OBJECTTABLE

#include "FlashSim/FlowContract.hxx"
#include "FlashSim/events/EventIdentity.hxx"
#include "FlashSim/values/ValueType.hxx"

#include <ROOT/RVec.hxx>

#include <cstddef>
#include <vector>

namespace FlashSim {

/// \brief The simulated objects of one collection in many RECO events, column by column, sorted within each event.
///
/// Each RECO event may have another number of objects. Columns have the types that the contract declares.
class ObjectTable {
public:
   /// \brief Sorts the samples of a flow, and converts them, in place of what was held before.
   /// \param[in] contract of the flow that has sampled
   /// \param[in] sample float[n, T], within the limits of the targets' types
   /// \param[in] rows NoiseRow[n]; fObject is the GEN object of the row
   /// \param[in] offsets first row of each RECO event, and n at the end
   void Fill(const FlowContract &contract, const std::vector<float> &sample, const std::vector<NoiseRow> &rows,
             const std::vector<std::size_t> &offsets);

   std::size_t GetNRecoEvents() const { return fOffsets.size() - 1; }

   /// Number of objects of a RECO event.
   std::size_t GetSize(std::size_t recoEvent) const { return fOffsets[recoEvent + 1] - fOffsets[recoEvent]; }

   /// View of the values of a target in a RECO event; T must be the type of the column.
   template <typename T>
   ROOT::VecOps::RVec<T> GetTarget(std::size_t target, std::size_t recoEvent)
   {
      // The bytes of a column are those of an array of T, which Convert() has written.
      return ROOT::VecOps::RVec<T>(reinterpret_cast<T *>(fColumns[target].data()) + fOffsets[recoEvent],
                                   GetSize(recoEvent));
   }

   /// Value of a target in a RECO event that has one object.
   template <typename T>
   T GetValue(std::size_t target, std::size_t recoEvent) const
   {
      return reinterpret_cast<const T *>(fColumns[target].data())[fOffsets[recoEvent]];
   }

   /// View of the index of the GEN object of each object of a RECO event.
   ROOT::VecOps::RVec<short> GetSourceIndex(std::size_t recoEvent)
   {
      return ROOT::VecOps::RVec<short>(fSourceIndex.data() + fOffsets[recoEvent], GetSize(recoEvent));
   }

private:
   void Sort(const FlowContract &contract, const std::vector<float> &sample);
   void Convert(const FlowContract &contract, const std::vector<float> &sample);

   std::vector<std::size_t> fOffsets{0};
   std::vector<std::size_t> fOrder; ///< row of each object
   std::vector<short> fSourceIndex;
   std::vector<std::vector<std::byte>> fColumns; ///< one for each target, values of its type
};

} // namespace FlashSim

#endif
