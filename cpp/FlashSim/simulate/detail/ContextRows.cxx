// Part of FlashSim for RDataFrame.
#include "FlashSim/simulate/detail/ContextRows.hxx"

#include <stdexcept>
#include <string>

namespace FlashSim {
namespace {

[[noreturn]] void ThrowOnDifferentSizes(const std::string &first, std::size_t firstSize, const std::string &second,
                                        std::size_t secondSize, const EventIdentity &event)
{
   throw std::runtime_error("FlashSim: in " + event.AsString() + ", column '" + first + "' has " +
                            std::to_string(firstSize) + " elements and column '" + second + "' has " +
                            std::to_string(secondSize) + "; the context of a flow needs collections of one length.");
}

[[noreturn]] void ThrowOnTooManyObjects(const std::string &column, std::size_t size, const EventIdentity &event)
{
   throw std::runtime_error("FlashSim: in " + event.AsString() + ", column '" + column + "' has " +
                            std::to_string(size) + " elements; at most " + std::to_string(kMaxObjects) +
                            " objects can be simulated in one event.");
}

} // namespace

std::size_t FindCollection(const RowProvider &provider)
{
   std::size_t variable = 0;
   while (variable < provider.GetNVariables() && !provider.IsCollection(variable))
      ++variable;
   return variable;
}

void ThrowOnScalars(const FlowContract &contract)
{
   throw std::runtime_error("FlashSim: all context columns of flow '" + contract.fName +
                            "' are scalars; at least one must be a collection with one element for each object to "
                            "simulate.");
}

void ThrowOnCollection(const FlowContract &contract, const std::string &column)
{
   throw std::runtime_error("FlashSim: column '" + column + "' is a collection, but flow '" + contract.fName +
                            "' simulates events: each of its context variables takes one number for each event. Give "
                            "an expression that makes one, as in context={'ht': 'Sum(GenJet_pt)'}.");
}

std::size_t ContextRows::ReadContext(const DeclaredRanges &ranges, const RowProvider &provider, std::size_t event,
                                     std::size_t foldIndex, const EventIdentity &identity)
{
   const auto &contract = ranges.GetFlow().GetContract();
   const bool isOfEvents = contract.fLevel == EModelLevel::kEvent;
   const auto &names = ranges.GetContextColumns();
   const auto width = provider.GetNVariables();
   const auto counted = FindCollection(provider);
   if (isOfEvents && counted < width)
      ThrowOnCollection(contract, names[counted]);
   if (!isOfEvents && counted == width)
      ThrowOnScalars(contract);
   const auto nObjects = isOfEvents ? 1 : provider.GetSize(counted, event, foldIndex);
   for (auto variable = counted + 1; variable < width; ++variable) {
      if (!provider.IsCollection(variable))
         continue;
      const auto size = provider.GetSize(variable, event, foldIndex);
      if (size != nObjects)
         ThrowOnDifferentSizes(names[counted], nObjects, names[variable], size, identity);
   }
   if (nObjects > kMaxObjects)
      ThrowOnTooManyObjects(names[counted], nObjects, identity);
   fOfRecoEvent.resize(nObjects * width);
   for (std::size_t variable = 0; variable < width && nObjects > 0; ++variable) {
      float *column = fOfRecoEvent.data() + variable;
      const auto &limits = ranges.GetContextLimits(variable);
      const bool isCollection = provider.IsCollection(variable);
      provider.CopyTo(variable, event, foldIndex, column, width);
      for (std::size_t object = 0; object < nObjects; ++object) {
         float &value = column[object * width];
         if (!isCollection)
            value = column[0];
         if (!limits.Contain(value)) {
            const auto name = isOfEvents ? "" : contract.fSource + " " + std::to_string(object);
            value = ranges.ReplaceContext(variable, value, identity.AsString(), name);
         }
      }
   }
   return nObjects;
}

void ContextRows::AppendFold(const DeclaredRanges &ranges, const RowProvider &provider, std::size_t event,
                             const EventIdentity &identity, std::size_t firstFoldIndex, std::size_t foldSize)
{
   std::size_t nObjects = 0;
   NoiseRow row;
   row.fEvent = identity;
   for (std::size_t foldIndex = 0; foldIndex < foldSize; ++foldIndex) {
      if (foldIndex == 0 || !provider.IsSameInFold())
         nObjects = ReadContext(ranges, provider, event, foldIndex, identity);
      fContext.insert(fContext.end(), fOfRecoEvent.begin(), fOfRecoEvent.end());
      row.fFoldIndex = static_cast<std::uint32_t>(firstFoldIndex + foldIndex);
      for (row.fObject = 0; row.fObject < nObjects; ++row.fObject)
         fNoise.push_back(row);
      fOffsets.push_back(fNoise.size());
   }
}

} // namespace FlashSim
