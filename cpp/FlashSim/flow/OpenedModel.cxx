// Part of FlashSim for RDataFrame.
#include "FlashSim/flow/OpenedModel.hxx"

#include "FlashSim/flow/detail/Model.hxx"

namespace FlashSim {

OpenedModel::OpenedModel(const std::string &path) : fModel(std::make_unique<const Model>(path)) {}

OpenedModel::~OpenedModel() = default;

const FlowContract &OpenedModel::GetContract() const
{
   return fModel->GetContract();
}

const std::string &OpenedModel::GetPath() const
{
   return fModel->GetPath();
}

const std::vector<std::string> &OpenedModel::GetDataFiles() const
{
   return fModel->GetDataFiles();
}

ERowIndependence OpenedModel::CheckRows(std::size_t n, const float *context) const
{
   return fModel->CheckRows(n, context);
}

std::uint64_t OpenedModel::GetNoiseKey() const
{
   return fModel->GetNoiseKey();
}

} // namespace FlashSim
