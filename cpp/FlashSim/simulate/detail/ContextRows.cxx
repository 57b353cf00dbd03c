// Part of FlashSim for RDataFrame.
#include "FlashSim/simulate/detail/ContextRows.hxx"

#include <stdexcept>

namespace FlashSim {

void ThrowOnDifferentSizes(const std::string &first, std::size_t firstSize, const std::string &second,
                           std::size_t secondSize, const std::string &event)
{
   throw std::runtime_error("FlashSim: in " + event + ", column '" + first + "' has " + std::to_string(firstSize) +
                            " elements and column '" + second + "' has " + std::to_string(secondSize) +
                            "; the context of a flow needs collections of one length.");
}

void ThrowOnTooManyObjects(const std::string &column, std::size_t size, const std::string &event)
{
   throw std::runtime_error("FlashSim: in " + event + ", column '" + column + "' has " + std::to_string(size) +
                            " elements; at most " + std::to_string(kMaxObjects) +
                            " objects can be simulated in one event.");
}

void ThrowOnScalars(const FlowContract &contract)
{
   throw std::runtime_error("FlashSim: all context columns of flow '" + contract.fName +
                            "' are scalars; at least one must be a collection with one element for each object to "
                            "simulate.");
}

std::string NameObject(const DeclaredRanges &ranges, std::size_t object)
{
   return ranges.GetFlow().GetContract().fSource + " " + std::to_string(object);
}

void RecoRows::AppendFold(const EventIdentity &event, std::size_t foldSize, std::size_t nObjects,
                          const std::vector<float> &context)
{
   NoiseRow row;
   row.fEvent = event;
   for (row.fFoldIndex = 0; row.fFoldIndex < foldSize; ++row.fFoldIndex) {
      fContext.insert(fContext.end(), context.begin(), context.end());
      for (row.fObject = 0; row.fObject < nObjects; ++row.fObject)
         fNoise.push_back(row);
      fEventSizes.push_back(nObjects);
   }
}

} // namespace FlashSim
