// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_ROWPROVIDER
#define FLASHSIM_ROWPROVIDER

#include <cstddef>

namespace FlashSim {

/// \brief Source of a flow's context: variables of the objects of one GEN event after the other.
///
/// The events are numbered by the provider, which holds several at a time. Const functions may be called from several
/// threads at once.
class RowProvider {
public:
   virtual ~RowProvider() = default;

   virtual std::size_t GetNVariables() const = 0;

   /// Whether the variable has one value for each object; if not, it has one for the whole event.
   virtual bool IsCollection(std::size_t variable) const = 0;

   /// Whether all RECO events of a fold have the same context. If not, each has its own.
   virtual bool IsSameInFold() const = 0;

   /// Number of values of a variable for the RECO event `foldIndex` of a GEN event; 1 unless it is a collection.
   virtual std::size_t GetSize(std::size_t variable, std::size_t event, std::size_t foldIndex) const = 0;

   /// Writes these values to out[0], out[stride], ..., as floats.
   virtual void CopyTo(std::size_t variable, std::size_t event, std::size_t foldIndex, float *out,
                       std::size_t stride) const = 0;
};

} // namespace FlashSim

#endif
