// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_CONTEXTROWS
#define FLASHSIM_CONTEXTROWS

#include "FlashSim/simulate/RowProvider.hxx"

#include "FlashSim/Flow.hxx"
#include "FlashSim/flow/DeclaredRanges.hxx"

#include <cstddef>
#include <string>
#include <vector>

namespace FlashSim {

/// Largest number of objects of one event; <collection>_<source>Idx is a Short_t, as in NanoAOD.
constexpr std::size_t kMaxObjects = 32767;

/// The first variable of a provider that is a collection, or the number of variables.
std::size_t FindCollection(const RowProvider &provider);

/// Throws the error of a flow of objects without a collection among its context columns.
[[noreturn]] void ThrowOnScalars(const FlowContract &contract);

/// Throws the error of a flow of events with a collection among its context columns.
[[noreturn]] void ThrowOnCollection(const FlowContract &contract, const std::string &column);

/// \brief The objects of RECO events that a flow is to simulate, in order: context, keys of their noise, and the RECO
/// event of each object. For a flow of events, each RECO event is one object.
class ContextRows {
public:
   /// \brief Appends the RECO events of one GEN event, one row for each object, and checks the context.
   ///
   /// \param[in] ranges the flow, with the names of the columns, and the treatment of values that it does not allow
   /// \param[in] provider has one variable for each context variable of the flow; single values hold for all objects
   /// \param[in] event number of the event in the provider
   /// \param[in] identity of the event
   /// \param[in] firstFoldIndex fold index of the first RECO event
   /// \param[in] foldSize RECO events to append
   /// \throws std::runtime_error for collections of different length, too many objects, NaN and infinity, values that
   ///         the flow's contract does not allow unless they are to be clipped, single values alone for a flow of
   ///         objects, and a collection for a flow of events
   void AppendFold(const DeclaredRanges &ranges, const RowProvider &provider, std::size_t event,
                   const EventIdentity &identity, std::size_t firstFoldIndex, std::size_t foldSize);

   std::size_t GetNRows() const { return fNoise.size(); }
   std::size_t GetNRecoEvents() const { return fOffsets.size() - 1; }

   const std::vector<float> &GetContext() const { return fContext; } ///< float[n, C]
   const std::vector<NoiseRow> &GetNoise() const { return fNoise; }  ///< NoiseRow[n]
   /// First row of each RECO event, and the number of rows at the end.
   const std::vector<std::size_t> &GetOffsets() const { return fOffsets; }

private:
   /// Reads and checks the context of one RECO event. \return its number of objects
   std::size_t ReadContext(const DeclaredRanges &ranges, const RowProvider &provider, std::size_t event,
                           std::size_t foldIndex, const EventIdentity &identity);

   std::vector<float> fOfRecoEvent; ///< the context read last
   std::vector<float> fContext;
   std::vector<NoiseRow> fNoise;
   std::vector<std::size_t> fOffsets{0};
};

} // namespace FlashSim

#endif
