// Part of FlashSim for RDataFrame.
#include "FlashSim/flow/OpenModel.hxx"

#include "FlashSim/flow/FindFlow.hxx"
#include "FlashSim/flow/detail/ModelFile.hxx"

namespace FlashSim {

std::shared_ptr<const Flow> OpenFlow(const std::string &path)
{
   return std::make_shared<const Flow>(path);
}

std::shared_ptr<const ProbabilityModel> OpenProbabilityModel(const std::string &path)
{
   return std::make_shared<const ProbabilityModel>(path);
}

FlowContract ReadContract(const std::string &path)
{
   const auto found = FindFlow(path);
   return FlowContract::FromJson(ModelFile::Read(found).GetMetadata("flashsim"), found);
}

} // namespace FlashSim
