// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_DECLAREDRANGES
#define FLASHSIM_DECLAREDRANGES

#include "FlashSim/Flow.hxx"
#include "FlashSim/flow/ClipCounts.hxx"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace FlashSim {

/// What happens to a value that a flow's contract does not allow: outside of the range of its variable, or no integer
/// where the type is one. NaN and infinity are always errors.
enum class EOutOfRange {
   kError, ///< an error that names the value, where it is and what is allowed
   kClip   ///< the nearest allowed value is taken; how often is counted and printed
};

/// \brief The values that a variable of a flow may have, as floats.
///
/// A range's ends leave room for rounding: a millionth of its width (float's pi lies outside of -3.14159265 ...
/// 3.14159265, and masses that were computed are now and then a bit below 0), nothing for integers.
struct ValueLimits {
   explicit ValueLimits(const FlowVariable &variable);

   /// False for NaN and infinity, too.
   bool Contain(float value) const noexcept
   {
      return value >= fAcceptedFrom && value <= fAcceptedTo && (!fIsInteger || IsInteger(value));
   }
   static bool IsInteger(float value) noexcept
   {
      constexpr float kAllAreIntegers = 8388608.f; // 2^23
      return std::abs(value) >= kAllAreIntegers || value == static_cast<float>(static_cast<int>(value));
   }
   /// The nearest value that is allowed; `value` is finite.
   float Clip(float value) const noexcept;

   float fLowest, fLargest; ///< of the range and of the type
   float fAcceptedFrom, fAcceptedTo;
   bool fIsInteger;
};

/// \brief Holds what goes into a flow and what comes out of it against the ranges and types of its contract.
///
/// All const methods may be called from several threads at once.
class DeclaredRanges {
public:
   /// When the first value of a variable that is clipped is told. (All are told by Report().)
   enum class EAnnounce { kNo, kAtOnce };

   /// \param[in] flow whose contract
   /// \param[in] outOfRange what happens to values that it does not allow
   /// \param[in] contextColumns the column or expression of each context variable, for messages; or none
   DeclaredRanges(std::shared_ptr<const Flow> flow, EOutOfRange outOfRange,
                  std::vector<std::string> contextColumns = {}, EAnnounce announce = EAnnounce::kNo);
   ~DeclaredRanges(); ///< Reports what has not been reported.
   DeclaredRanges(const DeclaredRanges &) = delete;
   DeclaredRanges &operator=(const DeclaredRanges &) = delete;

   const Flow &GetFlow() const { return *fFlow; }
   const std::vector<std::string> &GetContextColumns() const { return fContextColumns; }
   const ValueLimits &GetContextLimits(std::size_t variable) const { return fContext[variable]; }

   /// \brief What to take for a context value that the limits do not contain.
   /// \param[in] where the event, \param[in] object such as "GenJet 2", or empty: for messages
   /// \throws std::runtime_error unless values are clipped; for NaN and infinity in any case
   float ReplaceContext(std::size_t variable, float value, const std::string &where, const std::string &object) const;

   /// \brief Checks samples, float[n, T], and puts right what is to be clipped. Integers that the flow left a little
   /// beside the integer are rounded.
   /// \throws std::runtime_error naming flow, target, value, event, object and fold index, unless values are clipped
   void CheckSample(const std::vector<NoiseRow> &rows, float *sample) const;

   /// Prints how many values were clipped since the last report, if any were. Never throws.
   void Report() const noexcept;

private:
   float ReplaceTarget(std::size_t target, float value, const NoiseRow &row) const;
   void Count(const char *kind, const FlowVariable &variable, const std::string &what) const;

   std::shared_ptr<const Flow> fFlow;
   EOutOfRange fOutOfRange;
   EAnnounce fAnnounce;
   std::vector<std::string> fContextColumns;
   std::vector<ValueLimits> fContext;
   std::vector<ValueLimits> fTarget;
   mutable ClipCounts fCounts; ///< since the last report
};

/// \brief Flow::SampleFolds on a shared flow, with context and sample checked; what `flashsim.Flow.sample` calls.
///
/// Prints how many values were clipped. \param[in] nKeys 0 stands for no event keys
/// \throws std::runtime_error naming variable, value and row
void SampleFolds(const std::shared_ptr<const Flow> &flow, std::size_t n, const float *context,
                 const std::uint64_t *eventKeys, std::size_t nKeys, int foldSize, std::uint64_t seed, int steps,
                 float *sample, EOutOfRange outOfRange);

} // namespace FlashSim

#endif
