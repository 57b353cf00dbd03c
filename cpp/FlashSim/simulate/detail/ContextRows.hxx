// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_CONTEXTROWS
#define FLASHSIM_CONTEXTROWS

#include "FlashSim/Flow.hxx"
#include "FlashSim/flow/DeclaredRanges.hxx"

#include <cstddef>
#include <string>
#include <vector>

namespace FlashSim {

/// Objects of one event; <collection>_<source>Idx is a Short_t, as in NanoAOD.
constexpr std::size_t kMaxObjects = 32767;

[[noreturn]] void ThrowOnDifferentSizes(const std::string &first, std::size_t firstSize, const std::string &second,
                                        std::size_t secondSize, const std::string &event);
[[noreturn]] void ThrowOnTooManyObjects(const std::string &column, std::size_t size, const std::string &event);
[[noreturn]] void ThrowOnScalars(const FlowContract &contract);

/// "GenJet 2"
std::string NameObject(const DeclaredRanges &ranges, std::size_t object);

/// \brief Appends the context of one GEN event, one row for each object, and checks it; for look-ahead and inline mode
/// alike.
///
/// \param[in] ranges the flow, with the names of the columns, and what becomes of values that it does not allow
/// \param[in] columns one for each context variable, with IsCollection(), GetSize() and CopyTo(float *, stride);
/// scalars hold for all
///            objects of the event
/// \param[in] identity gives EventIdentity::AsString(), for messages
/// \return the number of objects
/// \throws std::runtime_error for collections of different length, too many objects, scalars alone, NaN and infinity,
/// and for values that the flow's contract does not allow unless they are to be clipped
template <typename Column, typename Identity>
std::size_t AppendContextRows(const DeclaredRanges &ranges, const std::vector<Column> &columns,
                              const Identity &identity, std::vector<float> &context)
{
   const auto &names = ranges.GetContextColumns();
   const auto width = columns.size();
   std::size_t counted = width;
   std::size_t nObjects = 0;
   for (std::size_t i = 0; i < width; ++i) {
      if (!columns[i].IsCollection())
         continue;
      if (counted == width) {
         counted = i;
         nObjects = columns[i].GetSize();
      } else if (columns[i].GetSize() != nObjects) {
         ThrowOnDifferentSizes(names[counted], nObjects, names[i], columns[i].GetSize(), identity());
      }
   }
   if (counted == width)
      ThrowOnScalars(ranges.GetFlow().GetContract());
   if (nObjects > kMaxObjects)
      ThrowOnTooManyObjects(names[counted], nObjects, identity());
   const auto first = context.size();
   context.resize(first + nObjects * width);
   for (std::size_t i = 0; i < width && nObjects > 0; ++i) {
      float *column = context.data() + first + i;
      const auto &limits = ranges.GetContextLimits(i);
      columns[i].CopyTo(column, width);
      for (std::size_t object = 0; object < nObjects; ++object) {
         float &value = column[object * width];
         if (!columns[i].IsCollection())
            value = column[0];
         if (!limits.Contain(value))
            value = ranges.ReplaceContext(i, value, identity(), NameObject(ranges, object));
      }
   }
   return nObjects;
}

/// The objects of RECO events to be simulated, in the order SampleColumns::Fill takes them.
struct RecoRows {
   std::vector<float> fContext;          ///< float[n, C]
   std::vector<NoiseRow> fNoise;         ///< NoiseRow[n]
   std::vector<std::size_t> fEventSizes; ///< objects of each RECO event

   /// Appends the fold of one GEN event. \param[in] context float[nObjects, C], as AppendContextRows() makes it
   void AppendFold(const EventIdentity &event, std::size_t foldSize, std::size_t nObjects,
                   const std::vector<float> &context);
};

} // namespace FlashSim

#endif
