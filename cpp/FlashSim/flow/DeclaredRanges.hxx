// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_DECLAREDRANGES
#define FLASHSIM_DECLAREDRANGES

#include "FlashSim/Flow.hxx"
#include "FlashSim/flow/ContextRanges.hxx"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace FlashSim {

/// \brief Checks context and samples of a flow against the ranges and types of its contract.
///
/// All const methods may be called from several threads at once.
class DeclaredRanges final : public ContextRanges {
public:
   /// The parameters are those of ContextRanges.
   DeclaredRanges(std::shared_ptr<const Flow> flow, EOutOfRange outOfRange,
                  std::vector<std::string> contextColumns = {}, EAnnounce announce = EAnnounce::kNo);

   const Flow &GetFlow() const { return *fFlow; }

   /// \brief Checks samples, float[n, T], and clips them where needed. For integer types, values close to an integer
   /// are rounded to it.
   /// \throws std::runtime_error naming flow, target, value, event, object and fold index, unless values are clipped
   void CheckSample(const std::vector<NoiseRow> &rows, float *sample) const;

private:
   float ReplaceTarget(std::size_t target, float value, const NoiseRow &row) const;

   std::shared_ptr<const Flow> fFlow;
   std::vector<ValueLimits> fTarget;
};

} // namespace FlashSim

#endif
