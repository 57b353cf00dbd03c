// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_CONTEXTRANGES
#define FLASHSIM_CONTEXTRANGES

#include "FlashSim/FlowContract.hxx"
#include "FlashSim/flow/OpenedModel.hxx"
#include "FlashSim/flow/ValueLimits.hxx"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace FlashSim {

/// Treatment of a value that a model's contract does not allow: outside of the range of its variable, or no integer
/// where the type is one. NaN and infinity are always errors.
enum class EOutOfRange {
   kError, ///< an error that names the value, its place and the allowed range
   kClip   ///< the nearest allowed value is used; such values are counted, and their number printed
};

/// \brief Checks the context of a model against the ranges and types of its contract.
///
/// All const methods may be called from several threads at once.
class ContextRanges {
public:
   /// Time of the message about the first clipped value of a variable. (Report() prints the number of all.)
   enum class EAnnounce { kNo, kAtOnce };

   /// \param[in] model counts clipped values, too
   /// \param[in] outOfRange treatment of values that its contract does not allow
   /// \param[in] contextColumns the column or expression of each context variable, for messages; may be empty
   ContextRanges(std::shared_ptr<const OpenedModel> model, EOutOfRange outOfRange,
                 std::vector<std::string> contextColumns = {}, EAnnounce announce = EAnnounce::kNo);
   virtual ~ContextRanges(); ///< Reports the values clipped since the last report.
   ContextRanges(const ContextRanges &) = delete;
   ContextRanges &operator=(const ContextRanges &) = delete;

   const FlowContract &GetContract() const { return fModel->GetContract(); }
   const std::vector<std::string> &GetContextColumns() const { return fContextColumns; }
   const ValueLimits &GetContextLimits(std::size_t variable) const { return fContext[variable]; }

   /// \brief The replacement of a context value outside of the limits.
   /// \param[in] where the event, \param[in] object such as "GenJet 2", or empty: for messages
   /// \throws std::runtime_error unless values are clipped; for NaN and infinity in any case
   float ReplaceContext(std::size_t variable, float value, const std::string &where, const std::string &object) const;

   /// \brief The context of `n` rows, float[n, C], with values clipped where needed.
   /// \throws std::runtime_error naming variable, value and row, unless values are clipped
   std::vector<float> CheckContext(std::size_t n, const float *context) const;

   /// Prints the number of values clipped since the last report, if there are any. Never throws.
   void Report() const noexcept;

protected:
   EOutOfRange GetOutOfRange() const { return fOutOfRange; }
   /// \param[in] kind "context " or "target ", \param[in] what the value in words
   void Count(const char *kind, const FlowVariable &variable, const std::string &what) const;

private:
   std::shared_ptr<const OpenedModel> fModel;
   EOutOfRange fOutOfRange;
   EAnnounce fAnnounce;
   std::vector<std::string> fContextColumns;
   std::vector<ValueLimits> fContext;
   mutable ClipCounts fCounts; ///< since the last report
};

} // namespace FlashSim

#endif
